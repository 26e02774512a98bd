"""The knobs of an operation: mode, limit, cron, lease. Every turn of a knob is written to the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from simple_history.utils import update_change_reason

from pipeline import clock
from pipeline.domain import cron as cron_domain
from pipeline.models import Kind, Mode, Operation, OperationPart, Repository
from pipeline.services import audit, bell

LEASE = timedelta(minutes=10)  # live work stops by itself so long after the control plane died
RING_TASK = "pipeline.tasks.ring"
Evidence = dict[str, Any] | None  # what a rule decided on, for the audit log


@dataclass(frozen=True, slots=True)
class Shipped:
    """An operation as the plan ships it: cron in UTC, limit in issues per run, timeout."""

    kind: Kind
    cron: str
    limit: int
    timeout: timedelta
    catch_up: Operation.CatchUp = Operation.CatchUp.LATEST


# Plan 1.1: assign 10 every 2 hours; 1.2: process 5 every 4 hours, 5 minutes later; 1.3: daily at 06:30, 30 minutes;
# 3.1: validation every hour, at a minute that no other operation has; its limit counts issues repaired in one run.
SHIPPED = (
    Shipped(Kind.MONITOR, "45 */2 * * *", 20, timedelta(minutes=20)),
    Shipped(Kind.ASSIGN, "0 */2 * * *", 10, timedelta(minutes=30)),
    Shipped(Kind.PROCESS, "5 */4 * * *", 5, timedelta(minutes=60)),
    Shipped(Kind.TRACK, "20 * * * *", 100, timedelta(minutes=20)),
    Shipped(Kind.DAILY, "30 6 * * *", 50, timedelta(minutes=30)),
    Shipped(Kind.VALIDATE, "50 * * * *", 50, timedelta(minutes=20), Operation.CatchUp.NONE),
    Shipped(Kind.SYNC, "*/15 * * * *", 1000, timedelta(minutes=10), Operation.CatchUp.NONE),
)
# Plan 1.3: assignment 20 issues, processing 10 issues.
DAILY_PARTS = ((Kind.MONITOR, 20), (Kind.ASSIGN, 20), (Kind.PROCESS, 10))


class NotPossible(ValueError):
    """A request that cannot be carried out; `str()` is one sentence for the person who asked."""


@transaction.atomic
def ship_operations(repository: Repository, *, actor: str, reason: str) -> list[Operation]:
    """Create what the plan ships where it is missing; what a person changed stays as it is."""
    made = []
    for shipped in SHIPPED:
        operation, created = Operation.objects.get_or_create(
            repository=repository,
            name=shipped.kind.value,
            defaults={
                "kind": shipped.kind,
                # Synchronising only reads, so there is nothing to rehearse.
                "mode": Mode.LIVE if shipped.kind == Kind.SYNC else Mode.DRY_RUN,
                "limit": shipped.limit,
                "timeout": shipped.timeout,
                "catch_up": shipped.catch_up,
                "concurrency_group": shipped.kind.value,
                "slots_since": clock.now(),
            },
        )
        if not created:
            continue
        _upsert_schedule(operation, shipped.cron)
        if shipped.kind == Kind.DAILY:
            OperationPart.objects.bulk_create(
                OperationPart(operation=operation, kind=kind, limit=limit, order=order)
                for order, (kind, limit) in enumerate(DAILY_PARTS)
            )
        audit.append(
            actor=actor,
            action="operation.shipped",
            subject=str(operation),
            reason=reason,
            after={"mode": operation.mode, "limit": operation.limit, "cron": shipped.cron},
        )
        made.append(operation)
    return made


@transaction.atomic
def set_mode(operation: Operation, mode: str, *, actor: str, reason: str, evidence: Evidence = None) -> None:
    """Switch an operation off, to dry run or live. Slots that fell due while it was off are never owed."""
    if mode not in Mode.values:
        raise NotPossible(f"There is no mode {mode!r}; choose one of {', '.join(Mode.values)}.")
    before = Operation.objects.select_for_update().get(pk=operation.pk)
    if before.mode == mode:
        return
    now = clock.now()
    operation.mode = mode
    operation.slots_since = now
    operation.live_until = now + LEASE if mode == Mode.LIVE else None
    operation.save(update_fields=["mode", "slots_since", "live_until"])
    update_change_reason(operation, reason[:100])
    audit.append(
        actor=actor,
        action="operation.mode",
        subject=str(operation),
        reason=reason,
        before={"mode": before.mode},
        after={"mode": mode},
        evidence=evidence,
    )
    _tell(actor, operation.repository_id)


@transaction.atomic
def set_part_mode(part: OperationPart, mode: str, *, actor: str, reason: str, evidence: Evidence = None) -> None:
    """Switch one part of the daily operation (plan 1.3)."""
    if mode not in Mode.values:
        raise NotPossible(f"There is no mode {mode!r}; choose one of {', '.join(Mode.values)}.")
    before = part.mode
    part.mode = mode
    part.save(update_fields=["mode"])
    update_change_reason(part, reason[:100])
    audit.append(
        actor=actor,
        action="part.mode",
        subject=f"{part.kind} of {part.operation}",
        reason=reason,
        before={"mode": before},
        after={"mode": mode},
        evidence=evidence,
    )
    _tell(actor, part.operation.repository_id)


def _check_limit(limit: int) -> None:
    if not 0 <= limit <= 1000:
        raise NotPossible(f"The limit {limit} is out of range; choose 0 to 1000 issues per run.")


@transaction.atomic
def set_part_limit(
    part: OperationPart,
    limit: int,
    *,
    actor: str,
    reason: str,
    binding: str = "set by a person",
    evidence: Evidence = None,
) -> None:
    """Change how many issues one part of a daily run may take on (plan 1.3), 0 to 1000; `binding` names the term."""
    _check_limit(limit)
    if part.limit == limit and part.limit_reason == binding:
        return
    before = part.limit
    part.limit, part.limit_reason = limit, binding
    part.save(update_fields=["limit", "limit_reason"])
    update_change_reason(part, reason[:100])
    audit.append(
        actor=actor,
        action="part.limit",
        subject=f"{part.kind} of {part.operation}",
        reason=reason,
        before={"limit": before},
        after={"limit": limit, "binding": binding},
        evidence=evidence,
    )
    _tell(actor, part.operation.repository_id)


@transaction.atomic
def set_limit(
    operation: Operation,
    limit: int,
    *,
    actor: str,
    reason: str,
    binding: str = "set by a person",
    evidence: Evidence = None,
) -> None:
    """Change how many issues one run may take on (0 to 1000); `binding` names the term that sets it."""
    _check_limit(limit)
    before = Operation.objects.select_for_update().get(pk=operation.pk)
    if before.limit == limit and before.limit_reason == binding:
        return
    operation.limit, operation.limit_reason = limit, binding
    operation.save(update_fields=["limit", "limit_reason"])
    update_change_reason(operation, reason[:100])
    audit.append(
        actor=actor,
        action="operation.limit",
        subject=str(operation),
        reason=reason,
        before={"limit": before.limit},
        after={"limit": limit, "binding": binding},
        evidence=evidence,
    )
    _tell(actor, operation.repository_id)


@transaction.atomic
def set_cron(operation: Operation, expression: str, *, actor: str, reason: str, evidence: Evidence = None) -> None:
    """Change when an operation fires (UTC). BadCron for an expression that cannot be used."""
    text = cron_domain.check(expression)
    before = cron_of(operation)
    if before == text:
        return
    _upsert_schedule(operation, text)
    operation.slots_since = clock.now()
    operation.save(update_fields=["slots_since"])
    audit.append(
        actor=actor,
        action="operation.cron",
        subject=str(operation),
        reason=reason,
        before={"cron": before},
        after={"cron": text},
        evidence=evidence,
    )
    _tell(actor, operation.repository_id)


def _tell(actor: str, repository_id: int) -> None:
    """A person turned a knob: whoever decides looks at once whether it may stay so. Rules only do what was decided."""
    if actor.startswith(("rule:", "rollback:")):
        return
    for task in settings.PIPELINE_TURNED_TASKS:
        bell.ring(task, repository_id)


def crons(rows: QuerySet[Operation]) -> dict[int, str | None]:
    """The cron of each operation, by key: what `crons_edited` compares with."""
    return {row.pk: cron_of(row) for row in rows.select_related("periodic_task__crontab")}


@transaction.atomic
def crons_edited(before: dict[int, str | None], *, actor: str, reason: str) -> None:
    """Somebody edited beat's own rows: written down as by `set_cron`, and times of the new cron are owed from now."""
    rows = Operation.objects.filter(pk__in=before).select_related("repository", "periodic_task__crontab")
    for row in rows:
        after = cron_of(row)
        if after == before[row.pk]:
            continue
        row.slots_since = clock.now()
        row.save(update_fields=["slots_since"])
        audit.append(
            actor=actor,
            action="operation.cron",
            subject=str(row),
            reason=reason,
            before={"cron": before[row.pk]},
            after={"cron": after},
        )
        _tell(actor, row.repository_id)


def cron_of(operation: Operation) -> str | None:
    """The cron that stands in the database, or None where the operation has no enabled schedule."""
    task = operation.periodic_task
    if task is None or task.crontab is None:
        return None
    crontab = task.crontab
    return " ".join((crontab.minute, crontab.hour, crontab.day_of_month, crontab.month_of_year, crontab.day_of_week))


def renew_leases(now: datetime) -> int:
    """Keep live operations live for another LEASE; only those that the rollout has not taken over."""
    return Operation.objects.filter(mode=Mode.LIVE, lease_owner=Operation.LeaseOwner.PIPELINE).update(
        live_until=now + LEASE
    )


def _upsert_schedule(operation: Operation, expression: str) -> None:
    minute, hour, day, month, weekday = expression.split()
    times = {"minute": minute, "hour": hour, "day_of_month": day, "month_of_year": month, "day_of_week": weekday}
    # Beat lets people write the same times into two of its rows.
    known = CrontabSchedule.objects.filter(**times, timezone="UTC").order_by("pk").first()
    crontab = known or CrontabSchedule.objects.create(**times, timezone="UTC")
    task = operation.periodic_task
    if task is None:
        task, _ = PeriodicTask.objects.get_or_create(
            name=_entry_name(operation),
            defaults={"task": RING_TASK, "crontab": crontab, "kwargs": f'{{"operation_id": {operation.pk}}}'},
        )
        operation.periodic_task = task
        operation.save(update_fields=["periodic_task"])
    task.crontab, task.interval, task.enabled = crontab, None, True
    task.kwargs = f'{{"operation_id": {operation.pk}}}'
    task.save()  # the model's own save tells beat that the schedule changed


def _entry_name(operation: Operation) -> str:
    """Unique among beat's rows: a second server may have a repository of the same name."""
    repository = operation.repository
    name = f"{repository.full_name}: {operation.name}"
    taken = Operation.objects.filter(periodic_task__name=name).exclude(pk=operation.pk)
    return f"{repository.api_url} {name}" if taken.exists() else name
