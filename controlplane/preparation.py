"""What `up` makes ready before anything starts: rows, static files, the first administrator."""

from __future__ import annotations

import hashlib
import secrets
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands

from controlplane.celery import app

STAMP = ".stamp"


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def collect_static() -> bool:
    """Collect when a file changed since the last time; True when it did."""
    stamp = Path(settings.STATIC_ROOT) / STAMP
    fingerprint = _static_fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint:
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(fingerprint, encoding="ascii")
    return True


def call_if_there(name: str, *arguments: str) -> None:
    """Commands of other rooms that fill the database; an installation may leave them out."""
    if name in get_commands():
        call_command(name, *arguments, verbosity=0, stdout=StringIO())


def ring_first() -> None:
    """Without this the first tick comes a whole interval after beat starts."""
    app.send_task("pipeline.tasks.tick")
    app.send_task("controlplane.tasks.canary")


def first_administrator() -> tuple[str, str] | None:
    """Make one when there is none: (user name, password to show once or an empty text)."""
    users = get_user_model().objects
    if users.filter(is_superuser=True, is_active=True).exists():
        return None
    given = settings.CONTROLPLANE.administrator
    email = given.email or "admin@localhost"
    password = given.password or secrets.token_urlsafe(12)
    users.create_superuser(username=email, email=email, password=password)
    return email, "" if given.password else password


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}:{status.st_size}:{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
