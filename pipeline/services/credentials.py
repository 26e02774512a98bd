"""Credentials are named, never stored: `env:NAME` or `file:/path` becomes a value only where it is used."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from django.conf import settings


class CredentialMissing(Exception):
    """The reference points at nothing usable. The sentence names the reference, never a value."""


def resolve(reference: str) -> str:
    """The value behind a reference, without white space around it."""
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        path = os.environ.get(f"{name}_FILE", "")
        value = os.environ.get(name, "") or (_read(reference, Path(path)) if path else "")
        where = f"the environment variable {name}, or a file named by {name}_FILE"
    elif kind == "file" and name:
        value = _read(reference, Path(name))
        where = f"the file {name}"
    else:
        raise CredentialMissing(f"{reference!r} names no credential: write env:NAME or file:/absolute/path.")
    if not value.strip():
        raise CredentialMissing(f"The credential {reference} is empty: put a token into {where}.")
    if len(value.split()) > 1:
        raise CredentialMissing(
            f"The credential {reference} holds more than one word: put only the token into {where}."
        )
    if not value.strip().isascii():
        raise CredentialMissing(
            f"The credential {reference} holds letters that no token has: put only the token into {where}."
        )
    return value.strip()


def token_key(token: str) -> str:
    """What stands for a token in our records: a keyed hash, useless without SECRET_KEY."""
    return hmac.new(settings.SECRET_KEY.encode(), b"token:" + token.encode(), hashlib.sha256).hexdigest()


def _read(reference: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        seen = type(error).__name__
        raise CredentialMissing(
            f"The credential {reference} cannot be read ({seen}): check file and rights."
        ) from error
