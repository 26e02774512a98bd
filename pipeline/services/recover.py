"""The sweeper: finds what is overdue, whoever died and whatever message was lost, and rings again.

It decides nothing: runs and items are claimed by compare-and-set, so ringing once too often is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from pipeline import clock
from pipeline.models import Operation, Run, RunItem
from pipeline.services import bell, execution, slots
from pipeline.services.claims import claimable
from pipeline.services.operations import renew_leases
from pipeline.services.slots import EXECUTE_TASK

RING_AGAIN = timedelta(seconds=20)  # not faster, so that a slow worker is not buried in messages
HARD_END = timedelta(minutes=30)  # past its timeout by so much, a run is closed with what it has


@dataclass(frozen=True, slots=True)
class Swept:
    slots: int
    rung: int
    closed: int


def tick() -> Swept:
    """Everything that has to happen every half minute, in order; each part is idempotent."""
    now = clock.now()
    renew_leases(now)
    settled = sum(len(slots.materialise(operation)) for operation in _operations())
    rung = _ring_runs(now) + _ring_items(now)
    return Swept(settled, rung, _close(now))


def _operations() -> list[Operation]:
    return list(
        Operation.objects.filter(periodic_task__isnull=False).select_related(
            "repository", "periodic_task", "periodic_task__crontab"
        )
    )


def _ring_runs(now: datetime) -> int:
    """Runs whose items were never chosen."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    old = Q(rung_at__isnull=True) | Q(rung_at__lt=now - RING_AGAIN)
    rows = Run.objects.filter(free, old, state__in=Run.ACTIVE, selected=False)
    return _ring(list(rows), EXECUTE_TASK, now)


def _ring_items(now: datetime) -> int:
    """Runs with items that a worker may take, closed runs with effects of unknown fate among them."""
    old = Q(rung_at__isnull=True) | Q(rung_at__lt=now - RING_AGAIN)
    waiting = RunItem.objects.filter(claimable(now)).values("run")
    ready = Q(selected=True) | ~Q(state__in=Run.ACTIVE)  # while a run chooses its items, nobody works on them
    return _ring(list(Run.objects.filter(old, ready, pk__in=waiting)), execution.WORK_TASK, now)


def _ring(runs: list[Run], task: str, now: datetime) -> int:
    for run in runs:
        Run.objects.filter(pk=run.pk).update(rung_at=now)
        bell.ring(task, run.pk)
    return len(runs)


def _close(now: datetime) -> int:
    """Runs whose last worker died before closing them, and daily runs whose part ended unseen."""
    closed = 0
    for run in Run.objects.filter(state__in=Run.ACTIVE, selected=True).select_related("operation"):
        if run.has_parts:
            execution.advance_daily(run)
        else:
            execution.close_if_done(run.pk)
        closed += 1
    overdue = Run.objects.filter(state__in=Run.ACTIVE, deadline_at__lt=now - HARD_END, selected=False)
    for run in overdue:
        execution.fail(run, "The run never started within its timeout.", "transient")
        closed += 1
    return closed
