"""Takes events that are due, all or none, so that two processes never do the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollout.models import EscalationEvent


class Taken(RuntimeError):
    """Another process was first; the caller's transaction is rolled back and nothing was done."""


def take(rows: Sequence[EscalationEvent], state: str, *, seen: Mapping[str, Any] | None = None, **values: Any) -> None:
    """Move due events on, in the caller's transaction; Taken unless every one was still due (and as it was `seen`)."""
    due = EscalationEvent.objects.filter(pk__in=[row.pk for row in rows], state=EscalationEvent.State.DUE)
    if due.filter(**(seen or {})).update(state=state, **values) != len(rows):
        raise Taken(f"{len(rows)} escalations were not all due any more.")
