"""Limits that a person sets for a while: each has an owner and an end, and none lifts what the plan allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.desired import planned_limit
from rollout.domain.limits import MOST
from rollout.models import Override, Rollout
from rollout.services import reconcile, record, situation

LONGEST = timedelta(days=14)


def set_limit(
    rollout: Rollout, operation: str, *, limit: int, owner: str, reason: str, expires_at: datetime
) -> Override:
    """Lower the limit of an operation (of a part: "daily:process") until `expires_at`; it replaces an earlier one."""
    record.need_person(owner, "Overriding a limit")
    record.need_reason(reason)
    now = clock.now()
    _check(rollout, operation, limit, expires_at, now)
    with transaction.atomic():
        Override.objects.filter(rollout=rollout, operation=operation, ended_at__isnull=True).update(ended_at=now)
        made = Override.objects.create(
            rollout=rollout,
            operation=operation,
            limit=limit,
            owner=owner,
            reason=reason.strip()[:500],
            created_at=now,
            expires_at=expires_at,
        )
        _log(made, owner, "override.set", reason, {"limit": limit, "expires_at": expires_at.isoformat()})
        record.say(rollout, owner, f"{made}: {reason}")
    reconcile.reconcile(rollout, now)
    return made


def end(override: Override, *, by: str, reason: str) -> Override:
    """Back to what the plan says, before the time is up."""
    record.need_person(by, "Ending an override")
    record.need_reason(reason)
    now = clock.now()
    with transaction.atomic():
        if not Override.objects.filter(pk=override.pk, ended_at__isnull=True, expires_at__gt=now).update(ended_at=now):
            raise NotPossible("This override is over already.")
        override.refresh_from_db()
        _log(override, by, "override.ended", reason, {"limit": None})
        record.say(override.rollout, by, f"The override of {override.operation} ended: {reason}")
    reconcile.reconcile(override.rollout, now)
    return override


def _check(rollout: Rollout, operation: str, limit: int, expires_at: datetime, now: datetime) -> None:
    if not 0 <= limit <= MOST:
        raise NotPossible(f"The limit {limit} is out of range; choose 0 to {MOST} issues per run.")
    if not now < expires_at <= now + LONGEST:
        raise NotPossible(f"An override ends within {LONGEST.days} days; {expires_at:%Y-%m-%d %H:%M} UTC does not fit.")
    if planned_limit(situation.read(rollout, now), operation)[0].value is None:
        raise NotPossible(f"The plan sets no limit for {operation!r}; change it on the operation's own page.")


def _log(override: Override, by: str, action: str, reason: str, after: dict[str, object]) -> None:
    audit.append(
        actor=by,
        action=action,
        subject=f"{override.operation} of {override.rollout}",
        reason=reason,
        after=after,
        evidence={"override": override.pk},
    )
