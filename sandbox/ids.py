"""Global node ids, in the shape of GitHub's: a prefix that names the kind, then packed numbers."""

from __future__ import annotations

import base64
import binascii
import struct

from sandbox.model import COPILOT_ID, COPILOT_NODE_ID, Account


def node_id(prefix: str, *numbers: int) -> str:
    packed = struct.pack(f">{len(numbers)}Q", *numbers)
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def parse_node_id(text: str) -> tuple[str, tuple[int, ...]] | None:
    prefix, underscore, coded = text.partition("_")
    if not underscore:
        return None
    try:
        packed = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        return prefix, struct.unpack(f">{len(packed) // 8}Q", packed)
    except (binascii.Error, struct.error, ValueError):
        return None


def text_id(prefix: str, number: int, text: str) -> str:
    """For things that are known by a name: refs and commits."""
    return f"{prefix}_{base64.urlsafe_b64encode(f'{number}:{text}'.encode()).decode().rstrip('=')}"


def parse_text_id(text: str) -> tuple[str, int, str] | None:
    prefix, _, coded = text.partition("_")
    try:
        number, colon, name = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (prefix, int(number), name) if colon and number.isdigit() else None


def account_node_id(account: Account) -> str:
    if account.id == COPILOT_ID:
        return COPILOT_NODE_ID
    return node_id("BOT" if account.type == "Bot" else "U", account.id)
