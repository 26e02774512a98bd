"""Slots: every nominal time of an operation is run at most once, or has a row that says why it was not.

Beat and the tick both come here; the unique (operation, nominal time) decides who was first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from pipeline import clock
from pipeline.domain import cron
from pipeline.models import Mode, Operation, Repository, Run, Slot
from pipeline.services import bell, telemetry
from pipeline.services.operations import cron_of

EXECUTE_TASK = "pipeline.tasks.execute_run"
MOST_OWED = 2000  # older slots than these are summed up by the oldest row
ON_TIME = timedelta(minutes=5)  # beat and tick together are never later than this while they live
FAR_AHEAD = timedelta(days=1)  # a switch so far in the future was made by a wrong clock; a nearer one comes by itself


def materialise(operation: Operation) -> list[Slot]:
    """Settle every slot that is due: run the newest, record the others as missed."""
    now = clock.now()
    expression = cron_of(operation)
    if expression is None:
        return []
    floor = _floor(operation, now)
    due = cron.fires_between(expression, floor, now, most=MOST_OWED)
    settled = [_settle(operation, nominal, newest=nominal == due[-1], now=now) for nominal in due]
    if len(due) == MOST_OWED and next(cron.fires_after(expression, floor)) < due[0]:
        _sum_up(settled[0], floor)
    return [slot for slot in settled if slot is not None]


def _floor(operation: Operation, now: datetime) -> datetime:
    """The moment after which slots are owed: the last settled one, or the last switch."""
    last = _last(operation.slots.all())
    if last is not None and last > now + ON_TIME:
        last = _take_back(operation, now)
    if operation.slots_since is not None and operation.slots_since > now + FAR_AHEAD:
        _owe_from(operation, now)
    floors = [moment for moment in (last, operation.slots_since) if moment is not None]
    if not floors:  # made without a word about the past: owed from now on
        _owe_from(operation, now)
    return max(floors, default=now)


def _last(rows: QuerySet[Slot]) -> datetime | None:
    return rows.order_by("-nominal_at").values_list("nominal_at", flat=True).first()


def _owe_from(operation: Operation, now: datetime) -> None:
    before, operation.slots_since = operation.slots_since, now
    Operation.objects.filter(pk=operation.pk, slots_since=before).update(slots_since=now)


def _take_back(operation: Operation, now: datetime) -> datetime | None:
    """The clock was ahead and is right again: what it recorded as not run before its time is owed once more.

    What ran keeps its row, so that it never runs again. Returns the last settled slot up to now.
    """
    past = operation.slots.filter(nominal_at__lte=now)
    ran = _last(past.filter(status=Slot.Status.RAN))
    early = past.filter(settled_at__gt=now + ON_TIME).exclude(status=Slot.Status.RAN)
    taken, _ = (early if ran is None else early.filter(nominal_at__gt=ran)).delete()
    if taken:
        telemetry.emit("slots.taken_back", operation=str(operation), slots=taken)
    return _last(past)


def _sum_up(oldest: Slot | None, floor: datetime) -> None:
    """One row stands for all that are too old to have one each."""
    if oldest is not None:
        oldest.reason = f"{oldest.reason} All older slots since {floor:%Y-%m-%d %H:%M} UTC were missed as well."
        oldest.save(update_fields=["reason"])


def _settle(operation: Operation, nominal: datetime, *, newest: bool, now: datetime) -> Slot | None:
    late = now - nominal
    if not newest:
        return _record(
            operation, nominal, Slot.Status.MISSED, f"Found {_minutes(late)} late; only the newest is caught up."
        )
    if late > operation.catch_up_within or (operation.catch_up == Operation.CatchUp.NONE and late > ON_TIME):
        return _record(
            operation, nominal, Slot.Status.MISSED, f"Found {_minutes(late)} late, past the catch-up window."
        )
    refused = _why_not(operation, now)
    if refused:
        return _record(operation, nominal, Slot.Status.SKIPPED, refused)
    try:
        return _run(operation, nominal, now)
    except IntegrityError:
        if Slot.objects.filter(operation=operation, nominal_at=nominal).exists():
            return None  # another tick or beat was first
        holder = Run.objects.filter(group=group_of(operation), state__in=Run.ACTIVE).first()
        named = f"run {holder.pk}" if holder else "another run"
        return _record(operation, nominal, Slot.Status.SKIPPED, f"Overlap: {named} of the group was still active.")


def _why_not(operation: Operation, now: datetime) -> str:
    if operation.mode == Mode.OFF:
        return "The operation is off."
    if operation.periodic_task is not None and not operation.periodic_task.enabled:
        return "The schedule is disabled."
    if operation.repository.standing != Repository.Standing.ACTIVE:
        return f"The repository is {operation.repository.standing}."
    if operation.limit == 0:
        return "The limit is 0."
    if operation.mode == Mode.LIVE and (operation.live_until is None or operation.live_until <= now):
        return "No live lease."
    return ""


def _run(operation: Operation, nominal: datetime, now: datetime) -> Slot:
    with transaction.atomic():
        run = Run.objects.create(
            operation=operation,
            repository=operation.repository,
            kind=operation.kind,
            purpose=Run.Purpose.SCHEDULED,
            mode=operation.mode,
            nominal_at=nominal,
            group=group_of(operation),
            limit=operation.limit,
            limit_reason=operation.limit_reason,
            requested_by="schedule",
            created_at=now,
            rung_at=now,
        )
        slot = Slot.objects.create(
            operation=operation, nominal_at=nominal, status=Slot.Status.RAN, run=run, settled_at=now
        )
        bell.ring(EXECUTE_TASK, run.pk)
    telemetry.emit("slot.ran", operation=str(operation), nominal_at=nominal, run=run.pk)
    return slot


def _record(operation: Operation, nominal: datetime, status: Slot.Status, reason: str) -> Slot | None:
    try:
        with transaction.atomic():
            slot = Slot.objects.create(
                operation=operation, nominal_at=nominal, status=status, reason=reason, settled_at=clock.now()
            )
    except IntegrityError:
        return None  # settled by somebody else meanwhile
    telemetry.emit(f"slot.{status.value}", operation=str(operation), nominal_at=nominal, reason=reason)
    return slot


def group_of(operation: Operation) -> str:
    """The key under which only one run may be active; empty where overlap is allowed."""
    if operation.overlap == Operation.Overlap.ALLOW or not operation.concurrency_group:
        return ""
    return f"{operation.repository_id}:{operation.concurrency_group}"


def _minutes(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
