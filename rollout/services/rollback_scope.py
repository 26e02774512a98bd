"""What a rollback is about: the operations, their runs, and since when their step was live."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min, Q, QuerySet

from pipeline.models import Operation, Run
from pipeline.services.operations import NotPossible
from rollout.domain.desired import belongs, in_scope, stopped_by_rollback
from rollout.domain.plan import Plan, Step
from rollout.models import Rollback, Rollout, StepProgress
from rollout.services import situation
from rollout.services.plans import plan_of


def plan(rollout: Rollout) -> Plan:
    return plan_of(rollout.plan)


def check_step(rollout: Rollout, number: str) -> None:
    """NotPossible when the plan has no such step; empty stands for everything."""
    steps = [step.number for phase in plan(rollout).phases for step in phase.steps]
    if number and not any(belongs(known, number) for known in steps):
        raise NotPossible(f"The plan has no step {number!r}; it has {', '.join(steps)}. Nothing was rolled back.")


def named(rollout: Rollout, number: str) -> str:
    """The scope in words: "step 1.1 (Enable the assignment schedule)" or "everything"."""
    if not number:
        return "everything"
    steps: list[Step] = [step for phase in plan(rollout).phases for step in phase.steps]
    found = next((step for step in steps if step.number == number), None)
    return f"step {number} ({found.name})" if found else f"step {number}"


def operations(rollback: Rollback) -> list[Operation]:
    """Those that the rollback switches off. Synchronising only reads, and keeps our copies true meanwhile."""
    rows = situation.managed(rollback.rollout)
    if not rollback.step:
        return rows
    names = in_scope(plan(rollback.rollout), rollback.step, stopped_by_rollback)
    return [row for row in rows if row.name in names]


def runs(rollback: Rollback) -> QuerySet[Run]:
    """Every run of the scope's operations; parts of a daily run belong to the daily operation."""
    return Run.objects.filter(operation__in=operations(rollback))


def in_flight(rollback: Rollback) -> QuerySet[Run]:
    """What has to end. Undoing goes on, and so does what a person starts by hand after the rollback."""
    by_hand = Q(purpose__in=(Run.Purpose.MANUAL, Run.Purpose.APPLY))
    after = by_hand & Q(created_at__gt=rollback.started_at)
    children = Q(parent__purpose=Run.Purpose.MANUAL, parent__created_at__gt=rollback.started_at)
    return runs(rollback).filter(state__in=Run.ACTIVE).exclude(Run.undoing()).exclude(after | children)


def is_rolled_back(rollback: Rollback) -> bool:
    """Whether its scope still stands where the rollback put it; what was started again has runs of its own since."""
    if not rollback.step:
        return Rollout.objects.filter(pk=rollback.rollout_id, state=Rollout.State.ROLLED_BACK).exists()
    rows = StepProgress.objects.filter(rollout=rollback.rollout, state=StepProgress.State.ROLLED_BACK)
    return any(belongs(number, rollback.step) for number in rows.values_list("number", flat=True))


def live_since(rollback: Rollback) -> datetime | None:
    """When the scope began to write; None when it never did."""
    rows = StepProgress.objects.filter(rollout=rollback.rollout, live_since__isnull=False)
    if rollback.step:
        mine = [row.pk for row in rows if belongs(row.number, rollback.step)]
        rows = rows.filter(pk__in=mine)
    found: datetime | None = rows.aggregate(first=Min("live_since"))["first"]
    return found


def live_runs(rollback: Rollback) -> QuerySet[Run]:
    """Runs of the scope that wrote since it went live, newest first."""
    since = live_since(rollback)
    rows = runs(rollback).filter(mode="live", parent__isnull=True).exclude(Run.undoing())
    return rows.filter(created_at__gte=since).order_by("-pk") if since else rows.none()
