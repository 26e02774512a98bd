"""A person stops the clock of one case for a while, with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue, Repository
from pipeline.services.operations import NotPossible
from rollout.models import CompletionCase, ManualReview
from rollout.services.escalation import escalate, snooze
from tests.rollout.services.escalation.late import DAY, DUE, case_of, handed_over


@pytest.fixture
def case(repository: Repository, time: VirtualClock) -> CompletionCase:
    issue = handed_over(repository)
    escalate.look(time.now())
    return case_of(issue)


def test_snooze_stops_the_clock_until_its_end(case: CompletionCase, time: VirtualClock) -> None:
    pause = snooze.snooze(case, 2 * DAY, by="lena", reason="On leave.")
    assert (pause.until, pause.by) == (time.now() + 2 * DAY, "lena")
    escalate.look(time.now() + 5 * DAY)
    pause.refresh_from_db()
    assert pause.ended_at == pause.until
    assert AuditEntry.objects.filter(action="escalation.snoozed", actor="lena").exists()


def test_snooze_is_ended_early_with_a_reason(case: CompletionCase, time: VirtualClock) -> None:
    pause = snooze.snooze(case, 2 * DAY, by="lena", reason="On leave.")
    time.advance(DAY)
    snooze.end(pause, by="olga", reason="Back again.")
    pause.refresh_from_db()
    assert pause.ended_at == time.now()
    with pytest.raises(NotPossible, match="over already"):
        snooze.end(pause, by="olga", reason="Back again.")


@pytest.mark.parametrize("length", [timedelta(0), -DAY, 30 * DAY + timedelta(seconds=1)])
def test_snooze_lasts_thirty_days_at_the_most(case: CompletionCase, length: timedelta) -> None:
    with pytest.raises(NotPossible, match="30 days"):
        snooze.snooze(case, length, by="lena", reason="On leave.")


@pytest.mark.parametrize(("by", "reason"), [("rule:x", "Why."), ("", "Why."), ("lena", " ")])
def test_snooze_needs_a_person_and_a_reason(case: CompletionCase, by: str, reason: str) -> None:
    with pytest.raises(NotPossible):
        snooze.snooze(case, DAY, by=by, reason=reason)
    assert not case.pauses.exists()


def test_case_is_snoozed_once_at_a_time_and_again_when_that_is_over(case: CompletionCase, time: VirtualClock) -> None:
    snooze.snooze(case, DAY, by="lena", reason="On leave.")
    with pytest.raises(NotPossible, match="snoozed already"):
        snooze.snooze(case, DAY, by="lena", reason="On leave.")
    time.advance(2 * DAY)
    snooze.snooze(case, DAY, by="lena", reason="On leave again.")
    assert case.pauses.count() == 2


def test_case_that_is_over_cannot_be_snoozed(case: CompletionCase, time: VirtualClock) -> None:
    Issue.objects.update(state="done")
    escalate.look(time.now())
    with pytest.raises(NotPossible, match="is over"):
        snooze.snooze(case, DAY, by="lena", reason="On leave.")


def test_open_review_is_due_no_sooner_than_the_snooze_ends(case: CompletionCase, time: VirtualClock) -> None:
    ManualReview.objects.create(case=case, owner="lena", opened_at=DUE, due_at=time.now() + DAY)
    snooze.snooze(case, 5 * DAY, by="lena", reason="On leave.")
    assert ManualReview.objects.get().due_at == time.now() + 5 * DAY
