"""What people do about triggers: settle a firing, raise a decision by hand, disarm and arm again.

Clearing sets the trigger's floor: what lies before it never fires it again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.plan import Action, Trigger
from rollout.models import Firing, Rollout, TriggerState
from rollout.services import plans, record
from rollout.services.trigger_evidence import MISSING_RUNS


@transaction.atomic
def dismiss(firing: Firing, *, by: str, reason: str, now: datetime) -> Firing:
    """A person decided that nothing is to be done; the evidence so far is used up."""
    record.need_person(by, "Dismissing a firing")
    record.need_reason(reason)
    waiting = Firing.objects.filter(pk=firing.pk).exclude(outcome=Firing.Outcome.DISMISSED)
    if not waiting.update(
        outcome=Firing.Outcome.DISMISSED, settled_by=by, settled_at=now, settled_reason=reason.strip()[:500]
    ):
        raise NotPossible("This firing was dismissed already; nothing was changed.")
    _clear(firing.rollout, firing.trigger, by=by, reason=reason, now=now, firing=firing.pk)
    firing.refresh_from_db()
    return firing


@transaction.atomic
def settle(firing: Firing, *, by: str, reason: str, now: datetime) -> Firing:
    """A decision that waited was carried out by a person (who held or rolled back)."""
    record.need_person(by, "Settling a decision")
    record.need_reason(reason)
    waiting = Firing.objects.filter(pk=firing.pk, outcome=Firing.Outcome.WAITING)
    if not waiting.update(
        outcome=Firing.Outcome.DONE, settled_by=by, settled_at=now, settled_reason=reason.strip()[:500]
    ):
        raise NotPossible("This firing does not wait for a decision; nothing was changed.")
    _clear(firing.rollout, firing.trigger, by=by, reason=reason, now=now, firing=firing.pk)
    firing.refresh_from_db()
    return firing


@transaction.atomic
def clear(rollout: Rollout, slug: str, *, by: str, reason: str, now: datetime) -> TriggerState:
    """Evidence from before now never fires this trigger again."""
    record.need_person(by, "Clearing a trigger")
    record.need_reason(reason)
    _known(rollout, slug)
    return _clear(rollout, slug, by=by, reason=reason, now=now)


@transaction.atomic
def disarm(rollout: Rollout, slug: str, *, by: str, reason: str) -> TriggerState:
    """It is watched and shown, and does nothing."""
    record.need_person(by, "Disarming a trigger")
    record.need_reason(reason)
    return _set_armed(rollout, slug, armed=False, by=by, reason=reason)


@transaction.atomic
def arm(rollout: Rollout, slug: str, *, by: str, reason: str) -> TriggerState:
    record.need_reason(reason)
    return _set_armed(rollout, slug, armed=True, by=by, reason=reason)


@transaction.atomic
def raise_by_hand(rollout: Rollout, slug: str, *, by: str, reason: str, now: datetime) -> Firing:
    """A person asks for a decision (plan, manual rollback): complaints, burden, a change of strategy."""
    record.need_person(by, "Raising a decision")
    record.need_reason(reason)
    trigger = _known(rollout, slug)
    state, _ = TriggerState.objects.get_or_create(rollout=rollout, slug=slug)
    TriggerState.objects.select_for_update().get(pk=state.pk)
    waiting = Firing.objects.filter(rollout=rollout, trigger=slug, outcome=Firing.Outcome.WAITING).first()
    if waiting is not None:
        raise NotPossible(f"A decision on “{trigger.text}” waits already, since {waiting.at:%Y-%m-%d %H:%M} UTC.")
    firing = Firing.objects.create(
        rollout=rollout,
        trigger=slug,
        action=Action.DECIDE.value,
        at=now,
        sentence=f"“{trigger.text}”, raised by {by}: {reason.strip()}"[:500],
        outcome=Firing.Outcome.WAITING,
    )
    TriggerState.objects.filter(pk=state.pk).update(last_fired_at=now)
    audit.append(
        actor=by,
        action="trigger.raised",
        subject=f"{slug} of {rollout}",
        reason=reason,
        after={"firing": firing.pk, "action": Action.DECIDE.value},
    )
    record.say(rollout, by, firing.sentence)
    return firing


def _clear(
    rollout: Rollout, slug: str, *, by: str, reason: str, now: datetime, firing: int | None = None
) -> TriggerState:
    state, _ = TriggerState.objects.get_or_create(rollout=rollout, slug=slug)
    before, state.floor = state.floor, now
    state.save(update_fields=["floor"])
    audit.append(
        actor=by,
        action="trigger.cleared",
        subject=f"{slug} of {rollout}",
        reason=reason,
        before={"floor": before.isoformat() if before else None},
        after={"floor": now.isoformat()},
        evidence={"firing": firing} if firing else {},
    )
    record.say(rollout, by, f"Cleared the trigger {slug}: {reason.strip()}")
    return state


def _set_armed(rollout: Rollout, slug: str, *, armed: bool, by: str, reason: str) -> TriggerState:
    _known(rollout, slug)
    state, _ = TriggerState.objects.get_or_create(rollout=rollout, slug=slug)
    if state.armed == armed:
        return state
    state.armed, state.disarmed_reason = armed, "" if armed else f"{by}: {reason.strip()}"[:500]
    state.save(update_fields=["armed", "disarmed_reason"])
    action = "trigger.armed" if armed else "trigger.disarmed"
    audit.append(
        actor=by,
        action=action,
        subject=f"{slug} of {rollout}",
        reason=reason,
        before={"armed": not armed},
        after={"armed": armed},
    )
    record.say(rollout, by, f"{'Armed' if armed else 'Disarmed'} the trigger {slug}: {reason.strip()}")
    return state


def _known(rollout: Rollout, slug: str) -> Trigger:
    known = (*plans.plan_of(rollout.plan).every_trigger(), MISSING_RUNS)
    found = next((trigger for trigger in known if trigger.slug == slug), None)
    if found is None:
        raise NotPossible(f"The plan has no trigger {slug!r}; it has {', '.join(one.slug for one in known)}.")
    return found
