"""What is overdue is escalated once, on time, and only on the word of a clock that may be believed."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Heartbeat, Issue, Repository, Run
from pipeline.services import connect
from rollout.domain.escalation import Action, Due, Rule
from rollout.models import Announcement, EscalationEvent, EscalationRule, ManualReview
from rollout.services import ticking
from rollout.services.escalation import escalate, notices, reminders, reviews, snooze, trust
from tests.fake_github import FakeGitHub
from tests.rollout.services.escalation.late import (
    DAY,
    DUE,
    HOUR,
    case_of,
    events,
    followed,
    handed_over,
    look_until,
    settle_at,
    track,
    work,
)

Github = FakeGitHub


def comments(github: Github, issue: Issue) -> int:
    return len(github.said.get(issue.number, []))


def test_each_escalation_comes_once_and_on_its_day(repository: Repository, github: Github, time: VirtualClock) -> None:
    issue = handed_over(repository, github)
    for day in (3, 7, 14, 20):
        look_until(time, DUE + day * DAY)
    work(time)
    found = dict(EscalationEvent.objects.values_list("action", "at"))
    assert found == {"remind": DUE + 3 * DAY, "notify": DUE + 7 * DAY, "review": DUE + 14 * DAY}
    assert events(issue) == {"remind": "done", "notify": "done", "review": "done"}
    assert comments(github, issue) == 1
    assert ManualReview.objects.count() == 1


def test_github_is_asked_for_its_time_only_when_something_is_to_be_done(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    look_until(time, DUE + 2 * DAY)
    assert github.calls["server_time"] == 0
    look_until(time, DUE + 3 * DAY)
    assert github.calls["server_time"] == 1


def test_several_due_at_once_are_one_run_and_more_than_the_limit_come_later(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    track(repository, limit=2)
    for _ in range(3):
        handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    assert [run.limit for run in Run.objects.all()] == [2]
    escalate.look(time.now())
    assert Run.objects.count() == 1
    work(time)
    assert [run.limit for run in Run.objects.order_by("pk")] == [2, 1]
    work(time)
    assert set(EscalationEvent.objects.values_list("state", flat=True)) == {"done"}


def test_rule_by_workflow_and_repository_wins_and_an_inactive_one_is_off(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    EscalationRule.objects.create(repository=repository, action="remind", days_overdue=1, text="Soon")
    EscalationRule.objects.create(repository=repository, action="notify", days_overdue=1, text="Never", active=False)
    near, far = handed_over(repository, github), handed_over(followed(), github)
    settle_at(time, DUE + 8 * DAY)
    assert (set(events(near)), set(events(far))) == ({"remind"}, {"remind", "notify"})


def test_without_rules_nothing_is_escalated(repository: Repository, github: Github, time: VirtualClock) -> None:
    EscalationRule.objects.all().delete()
    handed_over(repository, github)
    settle_at(time, DUE + 30 * DAY)
    assert not EscalationEvent.objects.exists()


# --- the issue ends ---


def test_issue_that_is_done_is_not_escalated_and_what_was_due_is_dropped(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    track(repository, live_until=DUE)  # no lease: the reminder has to wait
    settle_at(time, DUE + 4 * DAY)
    assert events(issue) == {"remind": "due"}
    Issue.objects.update(state="done", done_at=time.now())
    look_until(time, DUE + 20 * DAY)
    assert events(issue) == {"remind": "dropped"}


def test_reminder_that_was_asked_for_is_dropped_when_the_issue_ends_first(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    github.edit(issue.number, is_open=False, state_reason="completed", closed_at=time.now())
    work(time)
    escalate.look(time.now())
    assert events(issue) == {"remind": "dropped"}
    assert comments(github, issue) == 0


# --- two processes at once ---


def test_second_process_finds_the_reminder_taken(
    repository: Repository, github: Github, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over(repository, github)
    seen: list[Any] = []
    monkeypatch.setattr(escalate, "_carry_out", lambda *_: seen.extend(reminders.ready(repository, time.now())[1]))
    settle_at(time, DUE + 4 * DAY)
    monkeypatch.setattr(reminders, "ready", lambda *_: ("live", seen[:1]))
    assert reminders.send(repository, time.now()) is not None
    assert reminders.send(repository, time.now()) is None
    assert Run.objects.count() == 1


def test_second_process_finds_notice_and_review_taken(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    settle_at(time, DUE + 15 * DAY)
    told = Announcement.objects.count()
    events_by_action = {row.action: row for row in EscalationEvent.objects.select_related("case__issue__repository")}
    assert not notices.notify(repository, "copilot-operations", [events_by_action["notify"]], time.now())
    assert reviews.open_due(repository, [events_by_action["review"]], time.now()) == 0
    assert Announcement.objects.count() == told


def test_row_that_another_process_wrote_stays_as_it_was(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    escalate.look(time.now())
    EscalationEvent.objects.create(case=case_of(issue), action="remind", days_overdue=3, at=DUE, state="done")
    case = case_of(issue)
    due = Due(Action.REMIND, Rule(Action.REMIND, 3 * DAY), DUE + 3 * DAY)
    escalate._note([(case, due)], time.now())
    assert events(issue) == {"remind": "done"}


# --- among the others ---


def test_every_minute_looks_for_what_is_overdue_and_a_fault_stops_nothing_else(
    repository: Repository, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking.carry_on(time.now())
    assert Heartbeat.objects.get(name=trust.LOOKED).beaten_at == time.now()

    def broken(_now: Any) -> None:
        raise ValueError("A fault of ours.")

    monkeypatch.setattr(escalate, "look", broken)
    ticking.carry_on(time.now())


def test_server_that_agrees_does_not_speak_for_another(github: Github, time: VirtualClock) -> None:
    here, there = followed(), followed(api_url="https://github.example/api/v3")
    near, far = handed_over(here, github), handed_over(there, github)
    wrong = FakeGitHub(ahead=-DAY)
    with connect.using(lambda row: wrong if row == there else github):
        settle_at(time, DUE + 4 * DAY)
        escalate.look(time.now())
    assert (events(near), events(far)) == ({"remind": "sent"}, {})
    assert "more than 5 minutes apart" in trust.standing(time.now())


# --- pauses ---


def test_snooze_keeps_back_what_is_due_already(repository: Repository, github: Github, time: VirtualClock) -> None:
    issue = handed_over(repository, github)
    track(repository, live_until=DUE)
    settle_at(time, DUE + 4 * DAY)
    snooze.snooze(case_of(issue), 2 * DAY, by="lena", reason="The author is on leave.")
    track(repository, live_until=DUE + 99 * DAY)
    look_until(time, DUE + 6 * DAY - HOUR)
    assert not Run.objects.exists()
    look_until(time, DUE + 6 * DAY)
    assert Run.objects.count() == 1


def test_pause_shifts_the_escalation_by_its_length(repository: Repository, github: Github, time: VirtualClock) -> None:
    handed_over(repository, github)
    look_until(time, DUE + DAY)
    track(repository, mode="off")
    look_until(time, DUE + 3 * DAY)
    track(repository, mode="live")
    look_until(time, DUE + 5 * DAY)
    assert EscalationEvent.objects.get().at == DUE + 5 * DAY
