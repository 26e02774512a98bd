"""Take a real repository under the control plane: its row, and the shipped operations in dry run."""

from __future__ import annotations

import re

from django.conf import settings

from pipeline.models import Repository
from pipeline.services import demonstration, operations
from pipeline.services.operations import NotPossible

FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
PUBLIC_API = "https://api.github.com"


def govern(full_name: str = "", *, actor: str, reason: str) -> Repository:
    """Govern `full_name`, or the repository that the environment names; idempotent, people's settings stay."""
    access = settings.CONTROLPLANE.github
    named = full_name or access.repository
    if not named:
        raise NotPossible("Name a repository as owner/name, or set GITHUB_REPOSITORY.")
    if not FULL_NAME.fullmatch(named):
        raise NotPossible(f"{named[:100]!r} names no repository; write owner/name, for example acme/watch.")
    own_handover = access.handover_token and access.handover_token != access.token
    repository, _ = Repository.objects.get_or_create(
        full_name=named,
        api_url=access.api_url,
        defaults={
            "web_url": "https://github.com" if access.api_url == PUBLIC_API else access.api_url.removesuffix("/api/v3"),
            "handover_token_reference": "env:GITHUB_HANDOVER_TOKEN" if own_handover else "",
            "quarantine_seconds": int(settings.CONTROLPLANE.quarantine.total_seconds()),
        },
    )
    operations.ship_operations(repository, actor=actor, reason=reason)
    demonstration.load_shipped_workflows()
    demonstration.pause()
    return repository
