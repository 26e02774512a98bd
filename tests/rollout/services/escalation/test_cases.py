"""One case for each issue that is handed over, from its first hand-over to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipeline.clock import VirtualClock
from pipeline.models import Handover, Issue, Repository
from rollout.models import ClockPause, CompletionCase, EscalationEvent, ManualReview
from rollout.services.escalation import cases, escalate, reviews
from tests.factories import MOMENT, make_handover, make_issue, make_workflow
from tests.rollout.services.escalation.late import DAY, DUE, HOUR, case_of, events, handed_over, settle_at


def change(issue: Issue, **values: Any) -> None:
    Issue.objects.filter(pk=issue.pk).update(**values)


def test_issue_handed_over_gets_one_case_due_as_it_was_handed_over(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository, workflow=make_workflow(slug="osint"))
    cases.keep(time.now())
    cases.keep(time.now())
    case = CompletionCase.objects.get()
    assert (case.issue, case.workflow, case.opened_at, case.due_at) == (issue, "osint", MOMENT, DUE)
    assert case.handover == issue.handovers.get()


@pytest.mark.parametrize(
    "values",
    [{"state": "assigned"}, {"state": "done"}, {"is_open": False}, {"presence": "deleted"}, {"outcome": "withdrawn"}],
)
def test_issue_that_copilot_does_not_have_gets_none(
    repository: Repository, time: VirtualClock, values: dict[str, Any]
) -> None:
    handed_over(repository, **values)
    make_issue(repository=repository, state="copilot")  # by a person's label only
    cases.keep(time.now())
    assert not CompletionCase.objects.exists()


def test_repeat_of_a_lost_hand_over_belongs_to_the_same_case(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository, outcome="lost")
    cases.keep(time.now())
    make_handover(issue=issue, requested_at=MOMENT + HOUR)
    cases.keep(time.now() + 2 * HOUR)
    assert (case_of(issue).handover.generation, case_of(issue).state) == (1, "open")


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"state": "done", "is_open": False, "closed_at": MOMENT + HOUR}, "done"),
        ({"is_open": False, "closed_at": MOMENT + HOUR}, "done"),
        ({"state": "assigned"}, "withdrawn"),
        ({"state": "discovery"}, "withdrawn"),
        ({"presence": "transferred"}, "withdrawn"),
    ],
)
def test_case_ends_with_the_issue(
    repository: Repository, time: VirtualClock, values: dict[str, Any], state: str
) -> None:
    issue = handed_over(repository)
    cases.keep(time.now())
    change(issue, **values)
    cases.keep(MOMENT + DAY)
    assert case_of(issue).state == state
    assert case_of(issue).ended_at == (MOMENT + HOUR if state == "done" else MOMENT + DAY)


def test_hand_over_that_was_withdrawn_ends_the_case_and_the_next_begins_another(
    repository: Repository, time: VirtualClock
) -> None:
    issue = handed_over(repository)
    cases.keep(time.now())
    Handover.objects.update(outcome="withdrawn", ended_at=MOMENT + HOUR)
    make_handover(issue=issue, requested_at=MOMENT + 5 * DAY)
    cases.keep(MOMENT + 6 * DAY)
    first, second = CompletionCase.objects.order_by("pk")
    assert (first.state, first.ended_at) == ("withdrawn", MOMENT + HOUR)
    assert (second.state, second.opened_at, second.due_at) == ("open", MOMENT + 5 * DAY, MOMENT + 7 * DAY)


def test_end_of_a_case_drops_what_was_only_due_and_the_review(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository)
    cases.keep(time.now())
    case = case_of(issue)
    EscalationEvent.objects.create(case=case, action="remind", days_overdue=3, at=MOMENT)
    EscalationEvent.objects.create(case=case, action="notify", days_overdue=7, at=MOMENT, state="done")
    review = ManualReview.objects.create(case=case, owner="lena", opened_at=MOMENT, due_at=DUE)
    ClockPause.objects.create(case=case, kind="held", reason="Off.", by="rule:held", started_at=DUE)
    change(issue, state="done", done_at=DUE + DAY)
    cases.keep(DUE + 2 * DAY)
    review.refresh_from_db()
    assert events(issue) == {"remind": "dropped", "notify": "done"}
    assert (review.state, review.decision) == ("dropped", "The issue is done.")
    assert case_of(issue).paused_total == DAY
    assert not ClockPause.objects.filter(ended_at__isnull=True).exists()


def test_reopened_issue_goes_on_with_its_case_less_the_time_between(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository)
    settle_at(time, DUE + 15 * DAY)
    assert events(issue)["review"] == "done"
    change(issue, is_open=False, closed_at=time.now() + HOUR)
    escalate.look(time.now() + 2 * HOUR)
    assert ManualReview.objects.get().state == "dropped"
    change(issue, is_open=True, closed_at=None)
    escalate.look(time.now() + 4 * HOUR)
    case = case_of(issue)
    assert (case.state, case.ended_at, ManualReview.objects.get().state) == ("open", None, "open")
    assert escalate.facts_of(case).begun == frozenset({"remind", "notify", "review"})
    assert case.pauses.get().ended_at == time.now() + 4 * HOUR
    assert case.pauses.get().started_at == time.now() + HOUR


def test_issue_handed_over_again_after_a_review_begins_a_new_clock(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository)
    settle_at(time, DUE + 15 * DAY)
    reviews.settle(ManualReview.objects.get(), reviews.AGAIN, by="lena", note="Once more.")
    change(issue, state="assigned")
    Handover.objects.update(outcome="withdrawn", ended_at=time.now())
    cases.keep(time.now())
    change(issue, state="copilot")
    again = make_handover(issue=issue, requested_at=time.now() + HOUR)
    cases.keep(time.now() + 2 * HOUR)
    newest = CompletionCase.objects.get(state="open")
    assert (newest.handover, newest.due_at) == (again, again.requested_at + timedelta(hours=48))
    assert not newest.escalations.exists()


def test_number_of_queries_does_not_grow_with_the_number_of_issues(repository: Repository, time: VirtualClock) -> None:
    def queries(count: int) -> int:
        for _ in range(count):
            handed_over(repository)
        with CaptureQueriesContext(connection) as caught:
            escalate.look(time.now())
        return len(caught)

    queries(1)
    assert queries(2) == queries(20)
    assert queries(0) <= queries(1)
