"""The empty schema, migrated once and copied: migrating takes seconds for every worker of every session.

The file is named by what it was made of, so changed migrations or another Django make another file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import connection

KEPT = 24 * 3600  # seconds; older files are of other migrations, or of sessions that were killed


def applications() -> list[Path]:
    return sorted(Path(each.path) for each in apps.get_app_configs())


def fingerprint(folders: Iterable[Path]) -> str:
    """Of the migrations of these applications, and of what carries them out."""
    digest = hashlib.sha256(f"{django.VERSION} {sqlite3.sqlite_version}".encode())
    for folder in folders:
        for path in sorted(folder.glob("migrations/*.py")):
            digest.update(f"{folder.name} {path.name} ".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def template(folder: Path) -> Path:
    return folder / f"schema-{fingerprint(applications())}.template"


def copy(folder: Path, *, afresh: bool = False) -> Path:
    """From now on the default connection stands on a database of its own, migrated and without rows."""
    name = Path(settings.DATABASES[connection.alias]["TEST"]["NAME"])
    original = template(folder)
    with (folder / "schema.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of one session come at the same time
        _clear(folder)
        if afresh or not original.exists():
            _migrate(original)
        os.utime(original)
        shutil.copyfile(original, name)
    connection.close()
    settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = str(name)
    return name


def drop(name: Path) -> None:
    connection.close()
    for path in name.parent.glob(f"{name.name}*"):
        path.unlink()


def _migrate(original: Path) -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()  # the last one to leave brings the log of writes into the file
    Path(connection.settings_dict["NAME"]).rename(original)


def _clear(folder: Path) -> None:
    for path in folder.glob("*.*"):
        if path.stat().st_mtime < time.time() - KEPT:
            path.unlink(missing_ok=True)
