"""The rollout that the reconcile benchmark runs on; imported once Django is set up."""

from __future__ import annotations

from datetime import datetime, timedelta

from benchmarks import trigger_history
from pipeline import clock
from pipeline.models import Issue, Mode, Operation
from rollout.models import Gate, Rollout, StepProgress
from rollout.services import limits, situation, toggles
from rollout.services import reconcile as control

operations_of = trigger_history.operations_of


def prepare(begin: datetime) -> Rollout:
    """Week 2 of the shipped plan, opened by its gates."""
    rollout = trigger_history.prepare(begin)
    for slug, day in (("rehearsal-sign-off", -1), ("day-7", 6)):
        Gate.objects.create(
            rollout=rollout,
            slug=slug,
            state=Gate.State.DECIDED,
            asked_by="olga",
            asked_at=begin,
            verdict="pass",
            decision=Gate.Decision.GO,
            decided_by="olga",
            decided_at=begin + timedelta(days=day),
            reason="All is met.",
        )
    return rollout


def settle(rollout: Rollout) -> None:
    """Some issues wait for each stage, and the first reconcile has read the log."""
    trigger_history.settle_identities()
    for state, remainder in ((Issue.State.DISCOVERY, 7), (Issue.State.ASSIGNED, 11)):
        ids = Issue.objects.filter(repository=rollout.repository, number__lte=20_000).values_list("pk", flat=True)
        Issue.objects.filter(pk__in=[pk for pk in ids if pk % 100 == remainder]).update(state=state)
    Rollout.objects.filter(pk=rollout.pk).update(audit_seen=toggles.head())


def reconcile(rollout: Rollout, now: datetime, *, look_again: bool = False) -> int:
    """As the tick does it: every ten minutes it also measures again why a ramp is frozen."""
    with clock.using(clock.VirtualClock(now)):
        return len(control.reconcile(rollout, now, look_again=look_again))


def new_day(rollout: Rollout, now: datetime, number: int) -> int:
    """The first reconcile of a day: both ramps ask all of their prerequisites."""
    StepProgress.objects.filter(rollout=rollout, number__in=("2.1", "2.2")).update(ramp_day=1)
    return reconcile(rollout, now + timedelta(days=number), look_again=True)


def all_change(rollout: Rollout, now: datetime) -> int:
    """Something switched every operation off: each is brought back, with its entry in the log."""
    Operation.objects.filter(repository=rollout.repository).exclude(kind="sync").update(mode=Mode.OFF, live_until=None)
    return reconcile(rollout, now)


def limit(rollout: Rollout, now: datetime) -> int | None:
    rows = {row.name: row for row in situation.managed(rollout)}
    return limits.effective(rollout, rows["assign"], now).value
