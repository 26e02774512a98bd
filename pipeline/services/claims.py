"""Claims and leases: who works on what, for how long, and under which epoch.

A claim is a row lock that skips locked rows where the database has one, *and* a compare-and-set whose row count is
checked, so that it is right on SQLite for the same reason. Every later write carries the epoch.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from pipeline import clock
from pipeline.models import Run, RunItem


class LeaseLost(RuntimeError):
    """Somebody else works on this now; stop at once and write nothing."""


def lease() -> timedelta:
    span: timedelta = settings.CONTROLPLANE.item_lease
    return span


def claim_run(run_id: int) -> Run | None:
    """Take a run that nobody holds; None when it is closed, held, or gone."""
    now = clock.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    run = Run.objects.filter(free, pk=run_id, state__in=Run.ACTIVE, selected=False).first()
    if run is None:
        return None
    taken = Run.objects.filter(free, pk=run_id, epoch=run.epoch, selected=False).update(
        state=Run.State.WORKING,
        epoch=F("epoch") + 1,
        claimed_until=now + 3 * lease(),
        started_at=run.started_at or now,
        deadline_at=run.deadline_at or now + _timeout(run),
    )
    if taken != 1:
        return None
    run.refresh_from_db()
    return run


def _timeout(run: Run) -> timedelta:
    return run.operation.timeout if run.operation else timedelta(minutes=60)


def claimable(now: datetime) -> Q:
    """Items that a worker may take: waiting, due again, or left by a worker that died."""
    return (
        Q(state=RunItem.State.PENDING)
        | Q(state=RunItem.State.WAITING, due_at__lte=now)
        | Q(state=RunItem.State.WORKING, claimed_until__lt=now)
    )


def claim_item(run_id: int) -> RunItem | None:
    """The next item of a run, held under a new epoch; None when nothing is to be had now."""
    while True:
        now = clock.now()
        with transaction.atomic():
            item = (
                RunItem.objects.select_for_update(skip_locked=True)
                .filter(claimable(now), run_id=run_id)
                .order_by("position")
                .first()
            )
            if item is None:
                return None
            taken = RunItem.objects.filter(pk=item.pk, epoch=item.epoch, state=item.state).update(
                state=RunItem.State.WORKING,
                epoch=F("epoch") + 1,
                attempts=F("attempts") + 1,
                claimed_until=now + lease(),
                due_at=None,
                started_at=item.started_at or now,
            )
        if taken == 1:
            item.refresh_from_db()
            return item


def renew(item: RunItem) -> None:
    """Prolong the hold right before something long or outward; LeaseLost when it is no longer ours."""
    until = clock.now() + lease()
    if not RunItem.objects.filter(pk=item.pk, epoch=item.epoch, state=RunItem.State.WORKING).update(
        claimed_until=until
    ):
        raise LeaseLost(f"Item {item.pk} was taken over by another worker.")
    item.claimed_until = until


def release(item: RunItem, state: RunItem.State, **fields: object) -> None:
    """Let go of an item in its new state; LeaseLost when it is no longer ours."""
    ended = state not in RunItem.ACTIVE
    values = {"state": state, "claimed_until": None, "finished_at": clock.now() if ended else None, **fields}
    if not RunItem.objects.filter(pk=item.pk, epoch=item.epoch, state=RunItem.State.WORKING).update(**values):
        raise LeaseLost(f"Item {item.pk} was taken over by another worker.")
    for name, value in values.items():
        setattr(item, name, value)
