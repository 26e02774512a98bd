"""Snoozes: a person stops the clock of one case for a while, with a reason; whoever sees that it is over ends it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.escalation import LONGEST_SNOOZE
from rollout.models import ClockPause, CompletionCase, ManualReview
from rollout.services import record


def snooze(case: CompletionCase, length: timedelta, *, by: str, reason: str) -> ClockPause:
    """Let the clock of a case stand still until then, thirty days at the most. An open review is due no sooner."""
    _need(by, reason)
    if not timedelta(0) < length <= LONGEST_SNOOZE:
        raise NotPossible(f"A snooze lasts from a moment to {LONGEST_SNOOZE.days} days; choose a time between.")
    now = clock.now()
    until = now + length
    with transaction.atomic():
        if not CompletionCase.objects.select_for_update().filter(pk=case.pk, state=CompletionCase.State.OPEN).exists():
            raise NotPossible(f"The {case} is over; there is no clock to stop.")
        snoozes = case.pauses.filter(kind=ClockPause.Kind.SNOOZED, ended_at__isnull=True)
        snoozes.filter(until__lte=now).update(ended_at=F("until"))
        pause = _create(case, now, until, by, reason)
        ManualReview.objects.filter(case=case, state=ManualReview.State.OPEN, due_at__lt=until).update(due_at=until)
        _write_down(case, "escalation.snoozed", by, reason, {"until": until.isoformat()})
    return pause


def _create(case: CompletionCase, now: datetime, until: datetime, by: str, reason: str) -> ClockPause:
    try:
        with transaction.atomic():
            return ClockPause.objects.create(
                case=case,
                kind=ClockPause.Kind.SNOOZED,
                reason=reason.strip()[:500],
                by=by[:150],
                started_at=now,
                until=until,
            )
    except IntegrityError as error:
        raise NotPossible(f"The {case} is snoozed already; end that snooze first.") from error


@transaction.atomic
def end(pause: ClockPause, *, by: str, reason: str) -> None:
    """The clock goes on at once."""
    _need(by, reason)
    now = clock.now()
    running = ClockPause.objects.filter(pk=pause.pk, kind=ClockPause.Kind.SNOOZED, ended_at__isnull=True, until__gt=now)
    if not running.update(ended_at=now):
        raise NotPossible("That snooze is over already.")
    _write_down(pause.case, "escalation.snooze_ended", by, reason, {"ended_at": now.isoformat()})


def _need(by: str, reason: str) -> None:
    record.need_person(by, "A snooze")
    record.need_reason(reason)


def _write_down(case: CompletionCase, action: str, by: str, reason: str, after: dict[str, object]) -> None:
    subject = f"#{case.issue.number} on {case.issue.repository}"
    audit.append(actor=by, action=action, subject=subject, reason=reason, after=after)
