"""Starting again after a hold or rollback: one person asks, another approves, and a checklist is met.

The one exception is a rule's own hold under the profile "guarded", which people signed: a healthy probe ends it
(`probing`). What starts again goes back to where it was, and evidence from before counts no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from pipeline import clock
from pipeline.models import Mode
from pipeline.services import audit, operations
from pipeline.services.operations import NotPossible
from rollout.domain.desired import DRY_RUN, OFF, belongs
from rollout.domain.plan import Trigger
from rollout.domain.progress import Cause, RolloutState, StepState
from rollout.models import Hold, Resumption, Rollback, Rollout, StepProgress, TriggerState
from rollout.services import fence, holds, plans, reconcile, record

AFTER_HOLD = (
    "The cause is known and written down.",
    "What was wrong is mended, or it is decided to live with it.",
    "Somebody watches the next runs.",
)
AFTER_ROLLBACK = (
    "The incident has an owner and its root cause is written down.",
    "The issues between two states were looked at.",
)


def checklist(hold: Hold) -> list[dict[str, Any]]:
    """The lines that have to be met before this hold may end, none of them met yet."""
    lines = AFTER_HOLD + (AFTER_ROLLBACK if _rollbacks(hold).exists() else ())
    return [{"text": text, "met": False, "note": ""} for text in lines]


@transaction.atomic
def ask(hold: Hold, *, by: str, reason: str, lines: list[dict[str, Any]] | None = None) -> Resumption:
    """Ask to start again; `lines` are the checklist as far as it is met, in the order of `checklist(hold)`."""
    record.need_person(by, "Starting again")
    record.need_reason(reason)
    hold.refresh_from_db()
    if hold.released_at is not None:
        raise NotPossible(f"This hold ended at {hold.released_at:%Y-%m-%d %H:%M} UTC; there is nothing to resume.")
    asked = hold.resumptions.filter(state=Resumption.State.ASKED).first()
    if asked is not None:
        raise NotPossible(f"{asked.asked_by} has asked already; approve or refuse that first.")
    standard = checklist(hold)
    for line, given in zip(standard, lines or [], strict=False):
        line.update(met=bool(given.get("met")), note=str(given.get("note", ""))[:500])
    resumption = Resumption.objects.create(
        rollout=hold.rollout, hold=hold, checklist=standard, asked_by=by, asked_at=clock.now(), reason=reason[:500]
    )
    _log(resumption, by, "resumption.asked", reason)
    return resumption


@transaction.atomic
def mark(resumption: Resumption, line: int, *, met: bool, note: str = "", by: str) -> Resumption:
    """Answer one line of the checklist, counted from 0."""
    record.need_person(by, "The checklist")
    row = _asked(resumption)
    if not 0 <= line < len(row.checklist):
        raise NotPossible(f"The checklist has the lines 0 to {len(row.checklist) - 1}, not {line}.")
    row.checklist[line] |= {"met": met, "note": note[:500], "by": by}
    row.save(update_fields=["checklist"])
    resumption.checklist = row.checklist
    return row


def approve(resumption: Resumption, *, by: str) -> Resumption:
    """The second person's yes: the hold ends, and the control loop makes live again what its gate allows."""
    with transaction.atomic():
        fence.cut(resumption.rollout)
        row = _approvable(resumption, by)
        now = clock.now()
        row.state, row.approved_by, row.approved_at = Resumption.State.APPROVED, by, now
        row.save(update_fields=["state", "approved_by", "approved_at"])
        assert row.hold is not None  # noqa: S101 - asked with one
        holds.lift(row.hold, by=by, reason=row.reason, now=now)
        _start_again(row.hold, by=by, reason=row.reason, now=now)
        _log(row, by, "resumption.approved", f"Asked by {row.asked_by}: {row.reason}")
    reconcile.reconcile(row.rollout)
    resumption.refresh_from_db()
    return resumption


@transaction.atomic
def refuse(resumption: Resumption, *, by: str, reason: str) -> Resumption:
    """Anybody's no, the asker's own included: everything stays stopped."""
    record.need_person(by, "Refusing")
    record.need_reason(reason)
    row = _asked(resumption)
    row.state = Resumption.State.REFUSED
    row.save(update_fields=["state"])
    _log(row, by, "resumption.refused", reason)
    resumption.refresh_from_db()
    return resumption


def _approvable(resumption: Resumption, by: str) -> Resumption:
    record.need_person(by, "Starting again")
    row = _asked(resumption)
    if record.same(row.asked_by, by):
        raise NotPossible(f"{by} asked to start again; a second person has to approve. Nothing was changed.")
    unmet = [line["text"] for line in row.checklist if not line.get("met")]
    if unmet:
        raise NotPossible(f"Not met yet: {' '.join(unmet)} Nothing was changed.")
    if row.hold is None or row.hold.released_at is not None:
        raise NotPossible("The hold ended meanwhile; there is nothing to resume.")
    going = _rollbacks(row.hold).exclude(state=Rollback.State.DONE).first()
    if going is not None:
        raise NotPossible(f"The {going} is not done; settle its steps first. Nothing was changed.")
    return row


def _asked(resumption: Resumption) -> Resumption:
    row = Resumption.objects.select_for_update(of=("self",)).select_related("hold", "rollout").get(pk=resumption.pk)
    if row.state != Resumption.State.ASKED:
        raise NotPossible(f"This request was {row.get_state_display()} already; ask again.")
    return row


def _rollbacks(hold: Hold) -> Any:
    """The rollbacks that this hold keeps stopped."""
    if hold.operation:
        return Rollback.objects.none()
    # Of one that is not done the time does not matter: the clock may have been turned back since the hold.
    mine = Q(started_at__gte=hold.at) | ~Q(state=Rollback.State.DONE)
    return Rollback.objects.filter(mine, rollout=hold.rollout, step=hold.step, is_drill=False)


def _start_again(hold: Hold, *, by: str, reason: str, now: datetime) -> None:
    """States go back to before the hold, as far as no other hold covers them; old evidence counts no more."""
    rollout = Rollout.objects.get(pk=hold.rollout_id)
    others = list(Hold.objects.filter(rollout=rollout, released_at__isnull=True))
    whole = not hold.step and not hold.operation
    if whole and rollout.state in {Rollout.State.HELD, Rollout.State.ROLLED_BACK}:
        record.move(rollout, RolloutState.RUNNING, Cause.TWO_PEOPLE, evidence_floor=now)
    for row in rollout.steps.filter(state__in=[StepProgress.State.HELD, StepProgress.State.ROLLED_BACK]):
        mine = whole or (hold.step and belongs(row.number, hold.step))
        if mine and not any(other.step and belongs(row.number, other.step) for other in others):
            record.move_step(row, StepState.WAITING, Cause.TWO_PEOPLE)
    _wake(rollout, hold, others, by, reason)
    _clear_triggers(rollout, hold, now)
    record.say(rollout, by, f"{holds.scope(hold).capitalize()} may start again: {reason}")


def _wake(rollout: Rollout, hold: Hold, others: list[Hold], by: str, reason: str) -> None:
    """Operations that were switched off may plan again; going live is the gate's and the control loop's."""
    for row in holds.stopped(rollout, hold):
        covered = any(row.pk in {found.pk for found in holds.stopped(rollout, other)} for other in others)
        if row.mode == OFF and not covered:
            operations.set_mode(row, Mode(DRY_RUN).value, actor=by, reason=reason)


def _clear_triggers(rollout: Rollout, hold: Hold, now: datetime) -> None:
    """What was seen before a person cleared it never fires a trigger again."""
    by_slug = {trigger.slug: trigger for trigger in plans.plan_of(rollout.plan).every_trigger()}
    slugs = [slug for slug, trigger in by_slug.items() if _concerned(trigger, hold)]
    older = Q(floor__isnull=True) | Q(floor__lt=now)
    TriggerState.objects.filter(older, rollout=rollout, slug__in=slugs).update(floor=now)


def _concerned(trigger: Trigger, hold: Hold) -> bool:
    if hold.by == f"{record.RULE}{trigger.slug}" or not (hold.step or hold.operation):
        return True
    if hold.step:
        return belongs(trigger.step, hold.step)
    return hold.operation.partition(":")[0] == trigger.operation


def _log(resumption: Resumption, by: str, action: str, reason: str) -> None:
    audit.append(
        actor=by,
        action=action,
        subject=str(resumption.rollout),
        reason=reason,
        after={"state": resumption.state},
        evidence={"resumption": resumption.pk, "hold": resumption.hold_id, "checklist": resumption.checklist},
    )
