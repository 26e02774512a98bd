"""Signed markers: HTML comments by which we know our own comments, commits and pull requests again.

Anybody can write a comment that looks like ours; only the signature counts, and a marker counts only where our own
account wrote it, which the caller checks: a valid marker can be copied.
"""

from __future__ import annotations

import hashlib
import hmac
import re

SIGNATURE_LENGTH = 32  # hex digits: 128 bits of the HMAC-SHA256
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/=+#-]{0,199}(?::[A-Za-z0-9._/=+#-]+)*")

_MARKER = re.compile(rf"<!-- cp:(?P<key>[^\s<>]{{1,300}}):(?P<signature>[0-9a-f]{{{SIGNATURE_LENGTH}}}) -->")
_LOOKALIKE = re.compile(r"<!--\s{0,9}cp:[^\n<>]{0,500}-->", re.IGNORECASE)


def sign(key: str, secret: bytes) -> str:
    """The marker for `key` (letters, digits and `._/=+#:-`, no double hyphen: it would end the comment)."""
    if not KEY.fullmatch(key) or "--" in key or len(key) > 300:
        raise ValueError(f"A marker's key holds letters, digits and ._/=+#:- without a double hyphen, not {key!r}.")
    if not secret:
        raise ValueError("A marker cannot be signed with an empty secret; set the signing secret and start again.")
    return f"<!-- cp:{key}:{_signature(key, secret)} -->"


def find(text: str, secret: bytes) -> tuple[str, ...]:
    """The keys of all markers in `text` whose signature is valid, in order, each once."""
    keys: dict[str, None] = {}
    for match in _MARKER.finditer(text):
        key = match["key"]
        if hmac.compare_digest(_signature(key, secret), match["signature"]):
            keys[key] = None
    return tuple(keys)


def strip(text: str) -> str:
    """`text` without anything that looks like one of our markers, whether validly signed or not.

    A space takes its place, so that what stood around it cannot join into another one.
    """
    return _LOOKALIKE.sub(" ", text)


def _signature(key: str, secret: bytes) -> str:
    return hmac.new(secret, f"cp:{key}".encode(), hashlib.sha256).hexdigest()[:SIGNATURE_LENGTH]
