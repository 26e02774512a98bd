"""GitHub Actions workflows are switched over REST alone: GraphQL has no mutation, so both writers come here."""

from __future__ import annotations

from typing import Any

from pipeline.domain.changes import DisableWorkflow
from pipeline.github.client import Ask, Client
from pipeline.github.port import Intent
from pipeline.github.writing import effect_of

ROUTE = "/repos/{repo}/actions/workflows/{id}/disable"


def disable(client: Client, full_name: str, intent: Intent, change: DisableWorkflow) -> dict[str, Any]:
    """Switch a workflow off; one that is off already stays off, so repeating is harmless."""
    path = f"/repos/{full_name}/actions/workflows/{change.workflow_id}/disable"
    client.rest(Ask("PUT", path, ROUTE, effect=effect_of(intent)))
    return {"state": "disabled_manually"}
