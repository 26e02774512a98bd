"""What happens every minute, after every run and when a person turns a knob, for all rollouts that are at work.

`tick` keeps the leases alive and so talks to nobody outside; `carry_on` does what may take its time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet

from pipeline import clock
from pipeline.github.port import GitHubError
from pipeline.models import Heartbeat, Repository, Run
from pipeline.services import audit
from rollout.models import Rollback, Rollout
from rollout.services import (
    alerts,
    announcements,
    external_schedules,
    incidents,
    reconcile,
    saga,
    stop,
    surveys,
    triggers,
)
from rollout.services.escalation import escalate
from rollout.services.reviews import batches, reminders

HEAD, A_DAY = "audit head", timedelta(days=1)
LOOK_FOR_SCHEDULES = timedelta(hours=1)
LOOK_AT_RAMPS = timedelta(minutes=10)  # why one is frozen; after each run it is looked at anyway
log = logging.getLogger(__name__)


def tick(now: datetime | None = None) -> None:
    """Triggers and the control loop of every rollout, each for itself, so that none stops another."""
    now = now or clock.now()
    for rollout in _at_work():
        _look_after(rollout, now, None, look_again=_is_due(f"ramps {rollout.pk}", now, LOOK_AT_RAMPS))
    Heartbeat.objects.update_or_create(name="rollout", defaults={"beaten_at": now})


def after_run(run: Run) -> None:
    """A run ended: its evidence may fire a trigger, and may let a ramp grow."""
    for rollout in _at_work().filter(repository_id=run.repository_id):
        _look_after(rollout, clock.now(), run)
    _safely("alerts", None, lambda: alerts.after_run(run))


def after_turn(repository_id: int) -> None:
    """A person turned a knob by hand: let it stand as a stop, or put it back, without waiting for the next minute."""
    for rollout in _at_work().filter(repository_id=repository_id):
        _reconcile(rollout, clock.now(), look_again=False)


def carry_on(now: datetime | None = None) -> None:
    """Rollbacks that are under way, messages that are due, reminders; what a crash left lying among them."""
    now = now or clock.now()
    under_way = Rollback.objects.filter(state=Rollback.State.RUNNING).select_related("rollout__repository")
    for rollback in under_way.order_by("is_drill", "pk"):  # a drill waits for what is in earnest
        _advance(rollback, now)
    incidents.remind_due(now)
    stop.remind_due(now)
    for repository in Repository.objects.order_by("pk"):
        _tell(repository, now)
    _safely("reviews", None, lambda: batches.draw_due(now))
    _safely("reminders of reviews", None, lambda: reminders.remind_due(now))
    _safely("survey", None, lambda: surveys.close_due(now))
    _safely("escalation", None, lambda: escalate.look(now))
    _safely("audit head", None, lambda: export_head(now))
    announcements.deliver_due(now)
    for rollout in _at_work():
        _look_for_schedules(rollout, now)


def export_head(now: datetime) -> bool:
    """Once a day the head of the audit chain leaves the database, so that a cut tail shows, and people are told."""
    if not _is_time(HEAD, now, A_DAY):
        return False
    found = audit.export_head()
    for rollout in _at_work() if found.fault else ():
        announcements.announce(
            rollout,
            key=f"audit:{now:%Y-%m-%d}:{rollout.pk}",
            subject=f"{rollout.repository}: the audit log is not as it was written",
            body=f"{found.fault} Look at it with “manage.py audit verify” before anything else is decided.",
        )
    _note(HEAD, now)
    return True


def _at_work() -> QuerySet[Rollout]:
    return Rollout.objects.filter(state__in=reconcile.AT_WORK).select_related("repository", "plan")


def _look_after(rollout: Rollout, now: datetime, run: Run | None, *, look_again: bool = True) -> None:
    _safely("triggers", rollout, lambda: triggers.evaluate(rollout, now=now, run=run))
    _reconcile(rollout, now, look_again=look_again)


def _reconcile(rollout: Rollout, now: datetime, *, look_again: bool) -> None:
    _safely("reconcile", rollout, lambda: reconcile.reconcile(rollout, now, look_again=look_again))


def _advance(rollback: Rollback, now: datetime) -> None:
    _safely("rollback", rollback.rollout, lambda: saga.advance(rollback, now))


def _tell(repository: Repository, now: datetime) -> None:
    _safely("alerts", None, lambda: alerts.tell(repository, now))


def _look_for_schedules(rollout: Rollout, now: datetime) -> None:
    """Double automation: workflows on GitHub that still carry a schedule of their own."""
    if not _is_due(f"schedules {rollout.repository_id}", now, LOOK_FOR_SCHEDULES):
        return
    try:
        external_schedules.detect(rollout.repository)
    except GitHubError as error:
        log.warning("schedules on GitHub could not be read", extra={"rollout": rollout.pk, "cause": str(error)})


def _is_due(name: str, now: datetime, every: timedelta) -> bool:
    """Whether `name` was not done within its time; notes that it is done now. By the calendar day from a day on."""
    if not _is_time(name, now, every):
        return False
    _note(name, now)
    return True


def _is_time(name: str, now: datetime, every: timedelta) -> bool:
    """Also where it was done ahead of its time, by a clock that was turned back since."""
    row = Heartbeat.objects.filter(name=name).first()
    return row is None or _period(row.beaten_at, every) != _period(now, every)


def _note(name: str, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"beaten_at": now})


def _period(moment: datetime, every: timedelta) -> int:
    return int(moment.astimezone(UTC).timestamp() // every.total_seconds())


def _safely(what: str, rollout: Rollout | None, call: Callable[[], object]) -> None:
    """The edge of the process: a fault in one rollout must not let the leases of the others run out."""
    try:
        call()
    except Exception:  # the one broad except of this edge: without its lease live work ends by itself
        log.exception(
            "a rollout could not be looked after", extra={"part": what, "rollout": rollout.pk if rollout else None}
        )
