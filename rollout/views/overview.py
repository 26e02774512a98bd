"""The rollout's line on the first page of the admin (settings.OVERVIEW_SOURCES)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from rollout.models import Rollout
from rollout.views import standing


def overview(request: HttpRequest, now: datetime) -> dict[str, Any] | None:
    """A status line per rollout and what needs attention; None for somebody who may not look."""
    if not request.user.has_perm("rollout.view_rollout"):
        return None
    rows = Rollout.objects.exclude(state=Rollout.State.FINISHED).select_related("plan", "repository")
    found = [standing.of(row, now) for row in rows]
    return {
        "template": "admin/rollout/overview.html",
        "rollouts": found,
        "alerts": [alert for each in found for alert in each.alerts],
        "may_start": request.user.has_perm("rollout.start_rollout"),
    }
