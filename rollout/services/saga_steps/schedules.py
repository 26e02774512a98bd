"""Schedules off, verified, and verified to stay so."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from pipeline.models import Mode, Operation, Run
from pipeline.services import operations
from rollout.domain.saga import WATCH
from rollout.models import Rollback, RollbackStep
from rollout.services import rollback_scope
from rollout.services.saga_steps import in_flight
from rollout.services.saga_steps.base import Done, NotYet, Outcome, Skipped, StepFailed, actor, reason

LOOK_AGAIN = timedelta(seconds=30)
WATCH_OF_A_DRILL = timedelta(minutes=1)


def switch_off(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Every operation of the scope off: nothing is scheduled, and a run by hand stays possible."""
    rows = rollback_scope.operations(rollback)
    if not rows:
        _noted(rollback, now)
        return Skipped("The step switches no operation on; its limits and schedules fall back by themselves.")
    # What a drill puts back was noted by the first try; a later one finds the operations off already.
    before = step.evidence.get("before") or {row.name: row.mode for row in rows}
    with transaction.atomic():
        RollbackStep.objects.filter(pk=step.pk).update(evidence={**step.evidence, "before": before})
        for row in rows:
            operations.set_mode(row, Mode.OFF, actor=actor(rollback), reason=reason(rollback))
    wrong = _wrong(rollback, since=now)
    if wrong:
        raise StepFailed(" ".join(wrong))
    _noted(rollback, now)
    names = ", ".join(row.name for row in rows)
    schedules = "1 schedule" if len(rows) == 1 else f"{len(rows)} schedules"
    return Done(f"{schedules} off: {names}.", {"before": before, "verified_at": now.isoformat()})


def _noted(rollback: Rollback, now: datetime) -> None:
    Rollback.objects.filter(pk=rollback.pk, schedules_off_at__isnull=True).update(schedules_off_at=now)
    rollback.refresh_from_db(fields=["schedules_off_at"])


def _wrong(rollback: Rollback, *, since: datetime) -> list[str]:
    """What does not hold, read anew, a sentence each."""
    found = []
    for row in rollback_scope.operations(rollback):
        if row.mode != Mode.OFF:
            found.append(f"{row.name} is {row.get_mode_display()}.")
        elif row.live_until is not None:
            found.append(f"{row.name} still has a live lease.")
    started = rollback_scope.runs(rollback).filter(purpose=Run.Purpose.SCHEDULED, created_at__gt=since)
    found += [f"{run} began at {run.created_at:%H:%M:%S} by its schedule." for run in started.order_by("pk")[:5]]
    return found


def stay_off(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Looked at again and again for as long as a lease could live. What came on again is switched off, and the watch
    begins anew; a person who wants it on has to start again by the rules for that.
    """
    if not rollback_scope.operations(rollback):
        return Skipped("There is no schedule to watch.")
    watch = WATCH_OF_A_DRILL if rollback.is_drill else WATCH
    since = datetime.fromisoformat(step.evidence.get("since") or (rollback.schedules_off_at or now).isoformat())
    evidence = {"since": since.isoformat(), "again": list(step.evidence.get("again", []))}
    wrong = _wrong(rollback, since=since)
    if wrong:
        with transaction.atomic():
            for row in _not_off(rollback):
                operations.set_mode(
                    row, Mode.OFF, actor=actor(rollback), reason=f"{reason(rollback)} It came on again."
                )
        in_flight.cancel_all(rollback)
        evidence = {"since": now.isoformat(), "again": [*evidence["again"], {"at": now.isoformat(), "seen": wrong}]}
        return NotYet(f"Came on again and was switched off: {' '.join(wrong)}", now + LOOK_AGAIN, evidence)
    if now - since < watch:
        return NotYet(
            f"Off since {since:%H:%M:%S} UTC; watched until {since + watch:%H:%M:%S}.", now + LOOK_AGAIN, evidence
        )
    return Done(f"Still off {int((now - since).total_seconds() // 60)} minutes on; nothing was begun.", evidence)


def _not_off(rollback: Rollback) -> list[Operation]:
    return [row for row in rollback_scope.operations(rollback) if row.mode != Mode.OFF]
