"""Stop, in three strengths: hold, roll back a step, roll back everything. One person suffices, or a trigger.

What is stopped is lowered in the very transaction that records the stop, so nothing is written after it is committed,
the one request in flight aside. Starting again is `resume`'s.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pipeline import clock
from pipeline.services import audit, runs
from pipeline.services.operations import NotPossible
from rollout.domain.desired import DRY_RUN, OFF, belongs, in_scope, stopped_by_hold, stopped_by_rollback
from rollout.domain.progress import Cause, RolloutState, StepState
from rollout.models import Announcement, Firing, Hold, Rollback, Rollout, StepProgress
from rollout.notifier.channels import CHANNELS
from rollout.services import announcements, fence, holds, plans, record, saga, situation


def hold(
    rollout: Rollout,
    *,
    operation: str = "",
    step: str = "",
    by: str,
    reason: str,
    probes: int = 0,
    review_at: datetime | None = None,
) -> Hold:
    """No new live work of an operation, a step, or everything; the place is kept. Held already: the same hold.

    At `review_at` people are told to look at it again; nothing starts by itself.
    """
    record.need_reason(reason)
    _check_open(rollout)
    _check_review(review_at)
    _check_scope(rollout, operation, step)
    with transaction.atomic():
        fence.cut(rollout)
        placed = holds.place(
            rollout,
            operation=operation,
            step=step,
            by=by,
            reason=reason,
            now=clock.now(),
            probes=probes,
            review_at=review_at,
        )
        rule = f"hold {placed.pk}"
        stopped = holds.stopped(rollout, placed)
        holds.lower_all(stopped, DRY_RUN, rule=rule, reason=f"Held by {by}: {reason}")
        runs.cancel_by_hand(stopped, actor=by, reason=f"Held by {by}: {reason}")
        holds.lower_part(situation.managed(rollout), placed, rule=rule)
        _hold_what_went_on(rollout, placed, by, reason)
        _hold_states(rollout, operation, step, by)
        if not record.is_rule(by):  # a trigger tells of its own holds, with the figures
            scope = holds.scope(placed)
            subject, body = f"{rollout.repository}: {by} held {scope}", f"{by} held {scope}: {placed.reason}"
            announcements.announce(rollout, key=f"hold:{placed.pk}", subject=subject, body=body)
    return placed


def roll_back(
    rollout: Rollout,
    *,
    step: str = "",
    by: str,
    reason: str,
    trigger: str = "",
    firing: Firing | None = None,
    confirmation: str = "",
    drill: bool = False,
    revert: bool = False,
    review_at: datetime | None = None,
) -> Rollback:
    """Stop a step, or everything with an empty `step`, and start the saga that undoes what must be undone.

    A person types the scope's name as `confirmation`; a rule does not. Rolled back already: the running rollback. At
    `review_at` people are told to look at it again.
    """
    record.need_reason(reason)
    _check_open(rollout)
    _check_review(review_at)
    _check_scope(rollout, "", step)
    if not drill and not record.is_rule(by) and confirmation.strip() != scope_name(rollout, step):
        raise NotPossible(
            f"To roll back {_words(step)}, type {scope_name(rollout, step)!r}; {confirmation.strip()[:60]!r} was "
            "typed. Nothing was changed."
        )
    with transaction.atomic():
        fence.cut(rollout)
        running = Rollback.objects.filter(
            rollout=rollout,
            step=step,
            state=Rollback.State.RUNNING,
            is_drill=drill,  # a drill gives way to the real one
        ).first()
        if not drill and (running is None or not _is_down(rollout, step)):
            _take_down(rollout, step, by, reason, review_at)
        if running is not None:
            return running
        return saga.start(
            rollout,
            step=step,
            by=by,
            reason=reason,
            trigger=trigger,
            firing=firing,
            drill=drill,
            revert=revert,
        )


def remind_due(now: datetime) -> int:
    """Tell people, once for each hold, that the time has come to look at it again; how many were told of."""
    due = {f"hold:{row.pk}:review:{row.review_at:%Y%m%d%H%M}": row for row in holds.due_for_review(now)}
    keys = [f"{key}:{channel}" for key in due for channel in CHANNELS]
    told = {key.rpartition(":")[0] for key in Announcement.objects.filter(key__in=keys).values_list("key", flat=True)}
    for key, row in due.items():
        if key not in told:
            subject = f"{row.rollout.repository}: look at the hold of {holds.scope(row)} again"
            since = f"{row.at:%Y-%m-%d %H:%M} UTC"
            body = f"{row.by} held {holds.scope(row)} since {since} and meant to look again now: {row.reason}"
            announcements.announce(row.rollout, key=key, subject=subject, body=body)
    return len(due.keys() - told)


def scope_name(rollout: Rollout, step: str = "") -> str:
    """What a person types to roll back: the step's number, or the repository's name for everything."""
    return step or rollout.repository.full_name


def _hold_what_went_on(rollout: Rollout, placed: Hold, by: str, reason: str) -> None:
    """Of a rolled-back step the ramp fell, and its operation went on with what stood before: that is meant, too."""
    if not placed.step:
        return
    names = in_scope(plans.plan_of(rollout.plan), placed.step, stopped_by_hold)
    names -= {row.name for row in holds.stopped(rollout, placed)}
    for row in (row for row in situation.managed(rollout) if row.name in names):
        own = holds.place(rollout, operation=row.name, by=by, reason=reason, now=clock.now())
        holds.lower(row, DRY_RUN, rule=f"hold {own.pk}", reason=f"Held by {by}: {reason}")


def _is_down(rollout: Rollout, step: str) -> bool:
    """Whether it stands where a rollback put it; what was started again since has to be stopped anew."""
    if not step:
        return rollout.state == Rollout.State.ROLLED_BACK
    mine = [row.state for row in rollout.steps.all() if belongs(row.number, step)]
    return all(state == StepProgress.State.ROLLED_BACK for state in mine)


def _take_down(rollout: Rollout, step: str, by: str, reason: str, review_at: datetime | None) -> None:
    held = holds.by_steps(rollout)
    placed = holds.place(rollout, step=step, by=by, reason=reason, now=clock.now(), review_at=review_at)
    rows = situation.managed(rollout)
    if step:
        names = in_scope(plans.plan_of(rollout.plan), step, stopped_by_rollback)
        rows = [row for row in rows if row.name in names]
    rule = f"rollback {step}".strip()
    lowered = holds.lower_all(rows, OFF, rule=rule, reason=f"{_words(step).capitalize()} rolled back by {by}: {reason}")
    if not step and rollout.state != Rollout.State.ROLLED_BACK:
        record.move(rollout, RolloutState.ROLLED_BACK, _cause(by))
    _move_steps(rollout, step, StepState.ROLLED_BACK, by)
    holds.keep(rollout, held, clock.now())
    audit.append(
        actor=by,
        action="rollout.rolled_back",
        subject=str(rollout),
        reason=reason,
        after={"scope": _words(step), "switched_off": lowered, "hold": placed.pk},
    )
    record.say(rollout, by, f"Rolled back {_words(step)}: {reason}")


def _hold_states(rollout: Rollout, operation: str, step: str, by: str) -> None:
    if step:
        _move_steps(rollout, step, StepState.HELD, by)
    elif not operation and rollout.state == Rollout.State.RUNNING:
        record.move(rollout, RolloutState.HELD, _cause(by))


def _move_steps(rollout: Rollout, step: str, after: StepState, by: str) -> None:
    """Every step of the scope. A rolled-back ramp begins anew; a held one keeps its day."""
    values = {"ramp_day": 0, "ramp_counted_on": None, "frozen_reason": ""} if after is StepState.ROLLED_BACK else {}
    for row in rollout.steps.all():
        waits = row.state == StepProgress.State.WAITING and not step  # of everything only what had begun
        if not waits and (not step or belongs(row.number, step)):
            record.move_step(row, after, _cause(by), **values)


def _check_open(rollout: Rollout) -> None:
    rollout.refresh_from_db()
    if rollout.state == Rollout.State.FINISHED:
        raise NotPossible(f"{rollout} is over; switch the operation off on its own page.")


def _check_review(review_at: datetime | None) -> None:
    if review_at is not None and review_at <= clock.now():
        raise NotPossible(
            f"{review_at:%Y-%m-%d %H:%M} UTC has passed; look again at a later time. Nothing was changed."
        )


def _check_scope(rollout: Rollout, operation: str, step: str) -> None:
    """NotPossible for a scope that does not exist: a stop that stops nothing must not look like one."""
    if operation and step:
        raise NotPossible("Hold an operation or a step, not both at once. Nothing was changed.")
    known = {row.name: [part.kind for part in row.parts.all()] for row in situation.managed(rollout)}
    name, _, part = operation.partition(":")
    if operation and (name not in known or (part and part not in known[name])):
        raise NotPossible(
            f"There is no operation {operation!r}; choose one of {', '.join(known)}. Nothing was changed."
        )
    numbers = [found.number for phase in plans.plan_of(rollout.plan).phases for found in phase.steps]
    if step and not any(belongs(number, step) for number in numbers):
        raise NotPossible(f"The plan has no step {step!r}; it has {', '.join(numbers)}. Nothing was changed.")


def _cause(by: str) -> Cause:
    return Cause.RULE if record.is_rule(by) else Cause.PERSON


def _words(step: str) -> str:
    return f"step {step}" if step else "everything"
