"""System checks: settings that are readable and wrong all the same."""

from __future__ import annotations

import difflib
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from controlplane.celery import app
from controlplane.variables import BY_NAME


def check_unknown_variables(**_: Any) -> list[CheckMessage]:
    """controlplane.W001: a misspelt CONTROLPLANE_ variable would be passed over in silence."""
    known = {*BY_NAME, *(f"{variable.name}_FILE" for variable in BY_NAME.values() if variable.secret)}
    unknown = sorted(name for name in os.environ if name.startswith("CONTROLPLANE_") and name not in known)
    return [
        Warning(f"{name} is no setting of ours.", hint=_hint(name, known), id="controlplane.W001") for name in unknown
    ]


def check_production(**_: Any) -> list[CheckMessage]:
    """What the embedded default may do and production may not."""
    found: list[CheckMessage] = []
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "Set DATABASE_URL=postgresql://…; docs/production.md moves the data."
        found.append(Error("The database is SQLite, which serves one machine.", hint=hint, id="controlplane.E001"))
    if urlsplit(app.conf.broker_url).scheme in {"local", "memory"}:
        hint = "Set CELERY_BROKER_URL=amqp://… or redis://…."
        found.append(Error("The broker is the embedded one: one machine only.", hint=hint, id="controlplane.E002"))
    if settings.CONTROLPLANE.mode != "production":
        hint = "Set CONTROLPLANE_ENV=production."
        found.append(Error("This installation is not set to production.", hint=hint, id="controlplane.E003"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts, comma separated."
        found.append(Warning("ALLOWED_HOSTS allows every host.", hint=hint, id="controlplane.W002"))
    if settings.CONTROLPLANE.quarantine.total_seconds() < 600:
        hint = "Leave it at 600: GitHub's lists lag behind its writes by up to ten minutes."
        found.append(Warning("CONTROLPLANE_QUARANTINE_SECONDS is below 600.", hint=hint, id="controlplane.W003"))
    if settings.CONTROLPLANE.sandbox_url:
        hint = "Unset CONTROLPLANE_SANDBOX_URL."
        found.append(Warning("The sandbox is in force.", hint=hint, id="controlplane.W004"))
    return found


def _hint(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else "docs/configuration.md lists them all."
