"""What was under way is cancelled, and workers let go of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from pipeline.models import Effect, RunItem
from pipeline.services import runs
from pipeline.services.operations import NotPossible
from rollout.models import Rollback, RollbackStep
from rollout.services import rollback_scope
from rollout.services.saga_steps.base import Done, NotYet, Outcome, StepFailed, actor, reason

LOOK_AGAIN = timedelta(seconds=10)
MOST_LISTED = 100


def cancel(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """What an earlier try cancelled stays in the evidence."""
    cancelled = [*step.evidence.get("runs", []), *cancel_all(rollback)]
    RollbackStep.objects.filter(pk=step.pk).update(evidence={"runs": cancelled})
    left = rollback_scope.in_flight(rollback).count()
    if left:
        raise StepFailed(f"{left} runs of the scope are still open.")
    if not cancelled:
        return Done("Nothing was in flight.", {"runs": []})
    return Done(f"Cancelled: {', '.join(f'run {pk}' for pk in cancelled)}.", {"runs": cancelled})


def cancel_all(rollback: Rollback) -> list[int]:
    """Parents first: a daily run takes its parts with it. Returns the runs that this call cancelled."""
    cancelled = []
    for run in rollback_scope.in_flight(rollback).order_by(F("parent").asc(nulls_first=True), "pk"):
        try:
            runs.cancel(run, actor=actor(rollback), reason=reason(rollback))
        except NotPossible:
            continue  # over meanwhile, or cancelled with its parent
        cancelled.append(run.pk)
    return cancelled


def drain(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """A worker that still holds an item writes nothing more: the request in flight aside, it asks before each one."""
    items = RunItem.objects.filter(run__in=rollback_scope.runs(rollback))
    held = items.filter(state=RunItem.State.WORKING, claimed_until__gt=now).exclude(run__in=_not_ours(rollback))
    if held.exists():
        return NotYet(f"{held.count()} items are still held by workers.", now + LOOK_AGAIN)
    open_states = (Effect.State.SENDING, Effect.State.UNKNOWN)
    unknown = Effect.objects.filter(item__run__in=rollback_scope.runs(rollback), state__in=open_states)
    listed = [
        {"effect": row.key, "kind": row.kind, "issue": row.issue.number if row.issue else None, "state": row.state}
        for row in unknown.select_related("issue").order_by("pk")[:MOST_LISTED]
    ]
    if not listed:
        return Done("No worker holds anything; every write is settled.", {"unknown": []})
    return Done(
        f"No worker holds anything; {len(listed)} writes of unknown fate are looked up on GitHub.", {"unknown": listed}
    )


def _not_ours(rollback: Rollback) -> list[int]:
    """Runs that may go on: undoing, and what a person began by hand since."""
    in_flight = rollback_scope.in_flight(rollback)
    active = rollback_scope.runs(rollback).filter(state__in=("open", "working"))
    return list(active.exclude(pk__in=in_flight.values("pk")).values_list("pk", flat=True))
