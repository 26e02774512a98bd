"""Keys made on the first start, so that a newcomer need not; production brings its own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from controlplane.environment import BadSetting, Environment

KEYS = ("SECRET_KEY", "WEBHOOK_SECRET", "CONTROLPLANE_MARKER_SECRET")
LEAST_LENGTH = 16


def key(environment: Environment, name: str, *, mode: str, data_dir: Path) -> str:
    """The key from the environment, else (outside production) the one kept in the data folder."""
    given = environment.text(name)
    if given:
        return _long_enough(name, given, mode)
    if mode == "test":
        return f"only-for-tests-{name.lower()}-" + "0" * 40
    if mode != "production":
        return kept_key(data_dir / "keys", name.lower())
    if name == "WEBHOOK_SECRET":
        return ""  # no secret: /webhooks/github is switched off, and polling alone is the truth
    raise BadSetting(f"{name} is not set; production needs its own: set {name} or {name}_FILE to a long random text.")


def kept_key(folder: Path, name: str) -> str:
    """Read the key, or make it; several processes starting together agree on one."""
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        if not path.exists():
            _create(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not ASCII text"
        raise BadSetting(f"{path}, a key of this installation, cannot be read or made: {reason}.") from None


def _create(path: Path) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(aside, path)  # fails where another process was first: its key stays
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _long_enough(name: str, value: str, mode: str) -> str:
    least = 50 if name == "SECRET_KEY" and mode == "production" else LEAST_LENGTH
    if mode != "test" and len(value) < least:
        raise BadSetting(f"{name} has {len(value)} characters; it needs at least {least}, random ones.")
    return value
