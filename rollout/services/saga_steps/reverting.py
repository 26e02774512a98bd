"""By choice: what the rolled-back runs changed is undone, newest run first, never over people's later edits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Coalesce

from pipeline.models import Run, RunItem
from pipeline.services import undoing as undone
from pipeline.services.operations import NotPossible
from pipeline.services.revert import revert_run
from rollout.models import Rollback, RollbackStep
from rollout.services import rollback_scope
from rollout.services.saga_steps.base import Done, NotYet, Outcome, Skipped, StepFailed, actor, reason

LOOK_AGAIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Preview:
    """What reverting one run would undo."""

    run: Run
    effects: int
    issues: int


def preview(rollback: Rollback) -> list[Preview]:
    """The runs that would be reverted, in that order. Issue by issue: `pipeline.services.undoing`."""
    left = undone.effects(rollback_scope.live_runs(rollback))
    whole = left.annotate(whole=Coalesce("item__run__parent", "item__run")).order_by().values_list("whole")
    counts = {key: (n, issues) for key, n, issues in whole.annotate(Count("pk"), Count("issue", distinct=True))}
    runs = Run.objects.in_bulk(list(counts))
    return [Preview(runs[key], *counts[key]) for key in sorted(counts, reverse=True)]


def revert(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """One after the other: an issue can only be undone from its end. What people changed since is listed on the
    reverting run.
    """
    rollback.refresh_from_db(fields=["revert_effects"])  # a person may have chosen it since
    if not rollback.revert_effects:
        return Skipped("It was chosen to leave what the runs changed.")
    undoing = Run.objects.filter(pk=step.evidence.get("undoing", 0)).first()
    if undoing is not None and undoing.is_active:
        return NotYet(f"{undoing} is undoing run {undoing.source_run_id}.", now + LOOK_AGAIN, step.evidence)
    if undoing is not None and undoing.state == Run.State.FAILED:  # as a whole; else it undid what it could
        raise StepFailed(
            f"{undoing} did not undo run {undoing.source_run_id}: {undoing.error}", _without(step, undoing)
        )
    waiting = next((one for one in preview(rollback) if _may_give(one, step)), None)
    return _ended(step) if waiting is None else _next(rollback, step, waiting, now)


def _without(step: RollbackStep, undoing: Run) -> dict[str, Any]:
    """What was noted, as if this try had not been: the next one begins with a run of its own."""
    noted = {name: value for name, value in step.evidence.items() if name != "undoing"}
    tried = [pk for pk in noted.get("tried", []) if pk != undoing.source_run_id]
    return {**noted, "tried": tried, "runs": [pk for pk in noted.get("runs", []) if pk != undoing.pk]}


def _may_give(one: Preview, step: RollbackStep) -> bool:
    """Each run is tried once. Of an issue that several parts of a daily run changed only the last part is undone at a
    time, so such a run is tried for as long as that undoes something.
    """
    left = step.evidence.get("left", {}).get(str(one.run.pk))
    return one.run.pk not in step.evidence.get("tried", []) or (one.run.has_parts and one.effects < (left or 0))


def _next(rollback: Rollback, step: RollbackStep, one: Preview, now: datetime) -> Outcome:
    """The reverting run and the note of it in one transaction: nothing is reverted twice."""
    run = one.run
    evidence: dict[str, Any] = {
        "tried": sorted({*step.evidence.get("tried", []), run.pk}),
        "left": {**step.evidence.get("left", {}), str(run.pk): one.effects},
        "runs": list(step.evidence.get("runs", [])),
    }
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


def _ended(step: RollbackStep) -> Outcome:
    tried: list[int] = step.evidence.get("tried", [])
    if not tried:
        return Skipped("The rolled-back runs changed nothing that is left to undo.")
    items = RunItem.objects.filter(run__in=step.evidence.get("runs", []))
    done = items.filter(state=RunItem.State.DONE).values("issue").distinct().count()
    left = items.filter(state__in=(RunItem.State.CONFLICT, RunItem.State.FAILED, RunItem.State.DEFERRED)).count()
    stopped = Run.objects.filter(pk__in=step.evidence.get("runs", []), state=Run.State.CANCELLED).count()
    told = f"{len(tried) - stopped} runs undone: {done} issues are as they were"
    told += f", {left} were left because of later edits or faults" if left else ""
    told += f"; {stopped} undoing was cancelled" if stopped else ""
    return Done(f"{told}.", step.evidence)
