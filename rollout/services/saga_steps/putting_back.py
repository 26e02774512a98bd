"""Only in a drill: the demonstration repository gets the modes back that it had."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pipeline.models import Mode
from pipeline.services import operations
from rollout.models import Hold, Rollback, RollbackStep, Rollout
from rollout.services import rollback_scope
from rollout.services.saga_steps.base import Done, Outcome, Skipped, actor


def put_back(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Somebody's hold or rollback wins: then the operations stay as they are."""
    with transaction.atomic():
        state = Rollout.objects.values_list("state", flat=True).get(pk=rollback.rollout_id)
        held = Hold.objects.filter(rollout=rollback.rollout_id, released_at__isnull=True).exists()
        if held or state in (Rollout.State.HELD, Rollout.State.ROLLED_BACK):
            return Skipped("Somebody holds or rolls back for real; the operations stay as they are.")
        before: dict[str, str] = rollback.steps.get(name="schedules_off").evidence.get("before", {})
        changed = []
        for row in rollback_scope.operations(rollback):
            mode = before.get(row.name, row.mode)
            if row.mode == Mode.OFF and mode != Mode.OFF:
                operations.set_mode(row, mode, actor=actor(rollback), reason="The drill is over; as it was before.")
                changed.append(f"{row.name} {Mode(mode).label}")
    return Done(f"Put back: {', '.join(changed)}." if changed else "There was nothing to put back.", {"modes": changed})
