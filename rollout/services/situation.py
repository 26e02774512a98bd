"""Reads from the rows what the domain decides on: one snapshot of plan, decisions, progress, holds and operations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.models import Kind, Operation
from pipeline.services.operations import cron_of
from rollout.domain import days, desired
from rollout.domain.desired import HoldNow, OperationNow, PartNow, Situation, StepNow
from rollout.domain.plan import Plan
from rollout.domain.progress import RolloutState, StepState
from rollout.models import Gate, Hold, Rollback, Rollout
from rollout.services import plans

BACKWARDS = timedelta(minutes=1)  # machines disagree by seconds; more is a clock that was turned back


def managed(rollout: Rollout) -> list[Operation]:
    """The operations that the rollout is answerable for: all but the one that only reads."""
    rows = Operation.objects.filter(repository_id=rollout.repository_id).exclude(kind=Kind.SYNC)
    return list(rows.select_related("repository", "periodic_task", "periodic_task__crontab").prefetch_related("parts"))


def watched(rollout: Rollout) -> list[Operation]:
    """The same, with no more than judging a trigger needs."""
    rows = Operation.objects.filter(repository_id=rollout.repository_id).exclude(kind=Kind.SYNC)
    return list(rows.select_related("repository").only("name", "kind", "mode", "limit", "repository__full_name"))


def missing(repository_id: int, plan: Plan) -> tuple[str, ...]:
    """Operations, and parts of them, that a plan turns and a repository does not have."""
    rows = Operation.objects.filter(repository_id=repository_id).prefetch_related("parts")
    return desired.missing(plan, {row.name: [part.kind for part in row.parts.all()] for row in rows})


def decisions(rollout: Rollout) -> list[days.Decided]:
    """Every decision that was made, oldest first."""
    rows = Gate.objects.filter(rollout=rollout, state=Gate.State.DECIDED).order_by("decided_at", "pk")
    return [
        days.Decided(row.slug, row.decision, row.decided_at.astimezone(UTC).date(), bool(row.brought_forward))
        for row in rows
        if row.decided_at is not None
    ]


def is_behind(rollout: Rollout, now: datetime) -> bool:
    """Whether the clock shows an earlier time than when it was last reconciled."""
    return rollout.reconciled_at is not None and now < rollout.reconciled_at - BACKWARDS


def today(rollout: Rollout, now: datetime) -> date:
    """The date to count by: it never goes back."""
    latest = max(now, rollout.reconciled_at) if rollout.reconciled_at is not None else now
    return latest.astimezone(UTC).date()


def first_day(rollout: Rollout, now: datetime) -> date:
    """Day 1. One that was never set lies ahead, so that nothing counts as begun."""
    return rollout.starts_on or today(rollout, now) + timedelta(days=366)


def openings(rollout: Rollout, plan: Plan, now: datetime) -> dict[str, days.Opening]:
    return days.openings(plan, first_day(rollout, now), decisions(rollout))


def read(rollout: Rollout, now: datetime, operations: Sequence[Operation] | None = None) -> Situation:
    """Everything that decides, without the limits."""
    plan = plans.plan_of(rollout.plan)
    rows = managed(rollout) if operations is None else operations
    return Situation(
        plan=plan,
        state=RolloutState(rollout.state),
        today=today(rollout, now),
        openings=openings(rollout, plan, now),
        steps={
            row.number: StepNow(row.number, StepState(row.state), row.ramp_day)
            for row in rollout.steps.order_by("number")
        },
        operations=tuple(_now(rollout, row) for row in rows),
        holds=tuple(
            HoldNow(row.pk, row.by, row.reason, row.operation, row.step)
            for row in Hold.objects.filter(rollout=rollout, released_at__isnull=True).order_by("pk")
        ),
        behind=is_behind(rollout, now),
        drilling=Rollback.objects.filter(rollout=rollout, is_drill=True, state=Rollback.State.RUNNING).exists(),
    )


def _now(rollout: Rollout, row: Operation) -> OperationNow:
    return OperationNow(
        name=row.name,
        mode=row.mode,
        limit=row.limit,
        binding=row.limit_reason,
        cron=cron_of(row),
        parts={part.kind: PartNow(part.mode, part.limit, part.limit_reason) for part in row.parts.all()},
        pinned=row.name in rollout.pinned_crons,
    )
