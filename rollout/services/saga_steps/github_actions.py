"""GitHub Actions workflows that do the same job are switched off too, where the repository has them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from pipeline.github.port import BadCredentials, GitHubError
from pipeline.models import Run
from pipeline.services.operations import NotPossible
from rollout.models import ExternalSchedule, Rollback, RollbackStep
from rollout.services import external_schedules, rollback_scope
from rollout.services.saga_steps.base import Done, NotYet, Outcome, Skipped, StepFailed, actor, reason

LOOK_AGAIN = timedelta(seconds=15)


def disable(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Looked for, switched off by a run of effects, looked for again: GitHub's own word is what counts."""
    repository = rollback.rollout.repository
    run = Run.objects.filter(pk=step.evidence.get("run", 0)).first()
    if run is not None and run.is_active:
        return NotYet(f"{run} is switching them off.", now + LOOK_AGAIN, step.evidence)
    active = _active(rollback)
    if not active and run is None:
        return Skipped(f"{repository} has no active workflow with a schedule for these operations.")
    if not active:
        paths = ", ".join(step.evidence.get("paths", []))
        return Done(f"Switched off on GitHub: {paths}.", step.evidence)
    if run is not None:  # the next try begins with a run of its own
        problem = run.error or next((item.reason for item in run.items.exclude(reason="")), "")
        paths = ", ".join(row.path for row in active)
        raise StepFailed(f"Still active on GitHub: {paths}. {problem}".strip(), {"failed_run": run.pk})
    return _start(rollback, step, active, now)


def _active(rollback: Rollback) -> list[ExternalSchedule]:
    names = {row.name for row in rollback_scope.operations(rollback)}
    try:
        rows = external_schedules.detect(rollback.rollout.repository)
    except BadCredentials as error:
        raise StepFailed(str(error)) from error
    except GitHubError as error:
        raise StepFailed(f"GitHub could not be asked for its workflows: {error}") from error
    return [row for row in rows if row.state == external_schedules.ACTIVE and row.operation in names]


def _start(rollback: Rollback, step: RollbackStep, active: list[ExternalSchedule], now: datetime) -> Outcome:
    with transaction.atomic():
        try:
            run = external_schedules.disable(
                rollback.rollout.repository,
                active,
                by=actor(rollback),
                reason=reason(rollback),
                note=f"rollback:{rollback.pk}",
            )
        except NotPossible as error:
            raise StepFailed(str(error)) from error
        evidence = {"run": run.pk, "paths": [row.path for row in active]}
        RollbackStep.objects.filter(pk=step.pk).update(evidence=evidence)
    return NotYet(f"{run} is switching off {len(active)} workflows.", now + LOOK_AGAIN, evidence)
