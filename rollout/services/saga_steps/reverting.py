"""By choice: what the rolled-back runs changed is undone, newest run first, never over people's later edits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from pipeline.models import Effect, Run, RunItem
from pipeline.services.operations import NotPossible
from pipeline.services.revert import revert_run
from rollout.models import Rollback, RollbackStep
from rollout.services import rollback_scope
from rollout.services.saga_steps.base import Done, NotYet, Outcome, Skipped, actor, reason

LOOK_AGAIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Preview:
    """What reverting one run would undo."""

    run: Run
    effects: int
    issues: int


def preview(rollback: Rollback) -> list[Preview]:
    """The runs that would be reverted, in that order. Effect by effect: `revert_run(run, dry_run=True)`."""
    found = []
    for run in rollback_scope.live_runs(rollback):
        left = _left(run)
        if left.exists():
            found.append(Preview(run, left.count(), left.values("issue").distinct().count()))
    return found


def _left(run: Run) -> QuerySet[Effect]:
    """Applied effects of a run and its parts that nothing has undone yet."""
    mine = Q(item__run=run) | Q(item__run__parent=run)
    return Effect.objects.filter(mine, state=Effect.State.APPLIED, reverted_at__isnull=True)


def revert(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """One after the other: an issue can only be undone from its end. Each run is tried once; what people changed since
    is listed on the reverting run.
    """
    if not rollback.revert_effects:
        return Skipped("It was chosen to leave what the runs changed.")
    tried: list[int] = list(step.evidence.get("tried", []))
    undoing = Run.objects.filter(pk=step.evidence.get("undoing", 0)).first()
    if undoing is not None and undoing.is_active:
        return NotYet(f"{undoing} is undoing run {undoing.source_run_id}.", now + LOOK_AGAIN, step.evidence)
    waiting = [one.run for one in preview(rollback) if one.run.pk not in tried]
    if not waiting:
        return _ended(step, tried)
    return _next(rollback, step, waiting[0], tried, now)


def _next(rollback: Rollback, step: RollbackStep, run: Run, tried: list[int], now: datetime) -> Outcome:
    """The reverting run and the note of it in one transaction: no run is reverted twice."""
    evidence: dict[str, Any] = {"tried": [*tried, run.pk], "runs": list(step.evidence.get("runs", []))}
    with transaction.atomic():
        try:
            undoing = revert_run(run, actor=actor(rollback), reason=reason(rollback))
        except NotPossible as error:  # nothing left to undo, or not finished yet
            evidence["passed"] = [*step.evidence.get("passed", []), str(error)]
            RollbackStep.objects.filter(pk=step.pk).update(evidence=evidence)
            return NotYet(str(error), now, evidence)
        evidence |= {"undoing": undoing.pk, "runs": [*evidence["runs"], undoing.pk]}
        RollbackStep.objects.filter(pk=step.pk).update(evidence=evidence)
    return NotYet(f"{undoing} is undoing run {run.pk}.", now + LOOK_AGAIN, evidence)


def _ended(step: RollbackStep, tried: list[int]) -> Outcome:
    if not tried:
        return Skipped("The rolled-back runs changed nothing that is left to undo.")
    items = RunItem.objects.filter(run__in=step.evidence.get("runs", []))
    undone = items.filter(state=RunItem.State.DONE).count()
    left = items.filter(state__in=(RunItem.State.CONFLICT, RunItem.State.FAILED, RunItem.State.DEFERRED)).count()
    told = f"{len(tried)} runs undone: {undone} issues are as they were"
    return Done(f"{told}, {left} were left because of later edits or faults." if left else f"{told}.", step.evidence)
