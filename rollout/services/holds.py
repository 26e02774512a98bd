"""Places and lifts holds. `stop` and `resume` are what people and triggers call; this is the transaction inside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from pipeline.models import Mode, Operation
from pipeline.services import audit, operations
from rollout.domain.desired import DRY_RUN, OFF, RANK, held_by_step
from rollout.models import Hold, Resumption, Rollout, StepProgress
from rollout.services import plans, record, situation


def place(
    rollout: Rollout,
    *,
    operation: str = "",
    step: str = "",
    by: str,
    reason: str,
    now: datetime,
    probes: int = 0,
    review_at: datetime | None = None,
) -> Hold:
    """One open hold per scope; call it in a transaction. A person's hold takes over a rule's, never the reverse."""
    standing = _open(rollout, operation, step)
    if standing is None:
        try:
            with transaction.atomic():
                hold = Hold.objects.create(
                    rollout=rollout,
                    operation=operation,
                    step=step,
                    by=by,
                    reason=reason.strip()[:500],
                    at=now,
                    probes=probes,
                    review_at=review_at,
                )
        except IntegrityError:
            standing = _open(rollout, operation, step)
            if standing is None:
                raise
        else:
            _tell(rollout, hold)
            return hold
    _answer(standing, by=by, reason=reason)
    if record.is_rule(standing.by) and not record.is_rule(by):
        # A rule may end its own probing; what a person stops stays stopped.
        Hold.objects.filter(pk=standing.pk).update(by=by, reason=reason.strip()[:500], probes=0, review_at=review_at)
        standing.refresh_from_db()
        _tell(rollout, standing)
    elif review_at is not None:
        Hold.objects.filter(pk=standing.pk).update(review_at=review_at)
        standing.refresh_from_db()
    return standing


def _answer(standing: Hold, *, by: str, reason: str) -> None:
    """Who stops what is stopped already says no to a request to start again that was made before."""
    asked = standing.resumptions.filter(state=Resumption.State.ASKED)
    for pk in list(asked.values_list("pk", flat=True)):
        if asked.filter(pk=pk).update(state=Resumption.State.REFUSED):
            audit.append(
                actor=by,
                action="resumption.refused",
                subject=str(standing.rollout),
                reason=f"Stopped again meanwhile: {reason}",
                after={"state": Resumption.State.REFUSED.value},
                evidence={"resumption": pk, "hold": standing.pk},
            )


def due_for_review(now: datetime) -> list[Hold]:
    """Open holds whose time to be looked at again has come."""
    return list(Hold.objects.filter(released_at__isnull=True, review_at__lte=now).select_related("rollout__repository"))


def lift(hold: Hold, *, by: str, reason: str, now: datetime) -> None:
    """Close a hold in the caller's transaction."""
    Hold.objects.filter(pk=hold.pk, released_at__isnull=True).update(
        released_at=now, released_by=by, released_reason=reason.strip()[:500]
    )
    hold.refresh_from_db()
    audit.append(
        actor=by,
        action="hold.released",
        subject=str(hold.rollout),
        reason=reason,
        before={"hold": hold.pk, "scope": scope(hold)},
        after={"hold": None},
    )


def scope(hold: Hold) -> str:
    """In words: what a hold stops."""
    if hold.operation:
        return hold.operation
    return f"step {hold.step}" if hold.step else "everything"


def stopped(rollout: Rollout, hold: Hold) -> list[Operation]:
    """The operations that a hold stops."""
    rows = situation.managed(rollout)
    if hold.operation:
        return [row for row in rows if row.name == hold.operation]
    if not hold.step:
        return rows
    undone = rollout.steps.filter(state=StepProgress.State.ROLLED_BACK).values_list("number", flat=True)
    names = held_by_step(plans.plan_of(rollout.plan), hold.step, set(undone))
    return [row for row in rows if row.name in names]


def by_steps(rollout: Rollout) -> dict[str, Hold]:
    """The operations that holds of steps stop, each with one that does."""
    rows = Hold.objects.filter(rollout=rollout, released_at__isnull=True).exclude(step="")
    return {row.name: hold for hold in rows for row in stopped(rollout, hold)}


def keep(rollout: Rollout, before: Mapping[str, Hold], now: datetime) -> None:
    """After a rollback: its ramps fell, and their operations would go on with what stood before. Those that a hold of
    a step stopped stay held, each by itself, in the name of who held it.
    """
    let_go = before.keys() - by_steps(rollout).keys()
    for name in sorted(let_go):
        place(rollout, operation=name, by=before[name].by, reason=before[name].reason, now=now)


def lower(row: Operation, mode: str, *, rule: str, reason: str) -> bool:
    """Take an operation down to `mode` at once, in the caller's transaction; what is lower already stays."""
    current = Operation.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if RANK[current.mode] <= RANK[mode]:
        return False
    operations.set_mode(current, Mode(mode).value, actor=f"{record.RULE}{rule}", reason=reason)
    return True


def lower_part(rows: list[Operation], hold: Hold, *, rule: str) -> None:
    """Where a hold names a part of the daily operation ("daily:process"), take that part down."""
    name, _, kind = hold.operation.partition(":")
    for part in (part for row in rows if row.name == name for part in row.parts.all()):
        if part.kind == kind and part.mode == Mode.LIVE:
            actor = f"{record.RULE}{rule}"
            operations.set_part_mode(part, Mode.DRY_RUN.value, actor=actor, reason=hold.reason)


def lower_all(rows: list[Operation], mode: str, *, rule: str, reason: str) -> list[str]:
    """The names of those that were higher."""
    assert mode in {OFF, DRY_RUN}  # noqa: S101 - this only reduces
    return [row.name for row in rows if lower(row, mode, rule=rule, reason=reason)]


def _open(rollout: Rollout, operation: str, step: str) -> Hold | None:
    return Hold.objects.filter(rollout=rollout, operation=operation, step=step, released_at__isnull=True).first()


def _tell(rollout: Rollout, hold: Hold) -> None:
    audit.append(
        actor=hold.by,
        action="hold.placed",
        subject=str(rollout),
        reason=hold.reason,
        after={"hold": hold.pk, "scope": scope(hold), "probes": hold.probes},
    )
    record.say(rollout, hold.by, f"Held {scope(hold)}: {hold.reason}")
