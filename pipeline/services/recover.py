"""The sweeper: finds what is overdue, whoever died and whatever message was lost, and rings again.

It decides nothing: runs and items are claimed by compare-and-set, so ringing once too often is harmless.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from pipeline import clock
from pipeline.domain.cron import BadCron
from pipeline.models import Operation, Run, RunItem, WebhookDelivery
from pipeline.services import bell, execution, slots, webhooks
from pipeline.services.claims import claimable
from pipeline.services.operations import renew_leases
from pipeline.services.slots import EXECUTE_TASK

log = logging.getLogger(__name__)

RING_AGAIN = timedelta(seconds=20)  # not faster, so that a slow worker is not buried in messages
DELIVERY_HOLDS = timedelta(days=1)
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
    settled = sum(_materialise(operation) for operation in _operations())
    rung = _ring_runs(now) + _ring_items(now)
    _ring_deliveries(now)
    return Swept(settled, rung, _close(now))


def _operations() -> list[Operation]:
    return list(
        Operation.objects.filter(periodic_task__isnull=False).select_related(
            "repository", "periodic_task", "periodic_task__crontab"
        )
    )


def _materialise(operation: Operation) -> int:
    try:
        return len(slots.materialise(operation))
    except BadCron as error:  # typed past our form; it stops this operation and no other
        log.error("schedule cannot be read", extra={"operation": operation.pk, "cause": str(error)})
        return 0


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


def _ring_deliveries(now: datetime) -> None:
    """Webhooks whose message was lost; after a day the synchronising has read the issue long since."""
    lost = WebhookDelivery.objects.filter(
        status=WebhookDelivery.Status.STORED, received_at__lt=now - RING_AGAIN, received_at__gt=now - DELIVERY_HOLDS
    )
    for pk in lost.order_by("pk").values_list("pk", flat=True)[:100]:
        bell.ring(webhooks.TASK, pk)


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
    for run in Run.objects.filter(state__in=Run.ACTIVE, deadline_at__lt=now - HARD_END):
        # Items of unknown fate stay and are looked up; they hold up their own issue, no longer the whole group.
        begun = "did not end" if run.selected else "never started"
        execution.fail(run, f"The run {begun} within its timeout.", "transient")
        closed += 1
    return closed
