"""Feedback is kept once, from what track reads anyway; obstacles stay on record when they are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Feedback, Handover, Issue, Kind, Mode, Operation
from pipeline.services import execution, feedback, runs
from pipeline.services.kinds.track import LAST_WORDS
from tests import values
from tests.factories import MOMENT, labels_of, make_handover, make_issue, make_operation, make_repository
from tests.fake_github import FakeGitHub

SAID = {"body": "The guidance was clear.", "raw": {"id": 1, "html_url": "https://github.example/acme/watch/pull/70#1"}}


@pytest.fixture
def operation(github: FakeGitHub) -> Operation:
    return make_operation(
        kind=Kind.TRACK, mode=Mode.LIVE, live_until=MOMENT + timedelta(days=9), repository=make_repository()
    )


def handed(operation: Operation, github: FakeGitHub, number: int = 7) -> Handover:
    """Handed over and taken up: the agent's pull request stands and speaks."""
    issue = make_issue(
        repository=operation.repository,
        state="copilot",
        number=number,
        node_id=f"I_{number}",
        labels=labels_of("copilot"),
        assignees=[{"login": "Copilot", "id": values.COPILOT.id, "kind": "Bot"}],
    )
    github.mirror(issue)
    pull = values.pull(number=number * 10, body=f"Fixes #{number}", title="A convoy")
    github.pulls[pull.number] = pull
    github.events[pull.number] = [values.event("commented", 2, **SAID)]
    return make_handover(issue=issue)


def track(operation: Operation) -> None:
    run = runs.open_by_hand(operation, actor="olga", reason="Have a look.", limit=50, ring=False)
    execution.execute(run.pk)
    execution.work_on(run.pk)


def close(github: FakeGitHub, issue: Issue, time: VirtualClock) -> None:
    pull = github.pulls[issue.number * 10]
    now = time.now()
    github.pulls[pull.number] = replace(pull, is_open=False, merged_at=now, closed_at=now, updated_at=now)
    github.edit(issue.number, is_open=False, state_reason="completed", closed_at=now)


def test_remark_is_kept_once_however_often_it_is_read(operation: Operation, github: FakeGitHub) -> None:
    row = handed(operation, github)
    events = github.events[70]
    feedback.keep(row, events)
    feedback.keep(row, events)
    kept = Feedback.objects.get()
    assert (kept.handover, kept.source, kept.themes) == (row, "comment", ["praise"])
    assert kept.html_url.endswith("#1")


def test_same_remark_about_two_hand_overs_is_kept_for_each(operation: Operation, github: FakeGitHub) -> None:
    for number in (7, 8):
        feedback.keep(handed(operation, github, number), github.events[number * 10])
    assert Feedback.objects.count() == 2


def test_track_keeps_remarks_without_a_further_request(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    handed(operation, github)
    time.advance(timedelta(minutes=10))
    track(operation)
    assert Feedback.objects.get().text == "The guidance was clear."
    assert (github.calls["timeline"], github.calls["comments"]) == (1, 0)


def test_last_words_before_the_end_are_heard_in_one_request(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    row = handed(operation, github)
    time.advance(timedelta(hours=2))
    close(github, row.issue, time)
    track(operation)
    track(operation)
    row.refresh_from_db()
    assert row.outcome == Handover.Outcome.COMPLETED
    assert Feedback.objects.count() == 1
    assert github.calls["timeline"] == 1


def test_last_words_cost_a_bounded_number_of_requests(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    rows = [handed(operation, github, number) for number in range(10, 10 + LAST_WORDS + 3)]
    time.advance(timedelta(hours=2))
    for row in rows:
        close(github, row.issue, time)
    track(operation)
    assert github.calls["timeline"] == LAST_WORDS
    assert Handover.objects.filter(outcome="completed").count() == LAST_WORDS + 3


def test_obstacle_that_is_gone_stays_on_record(operation: Operation, github: FakeGitHub, time: VirtualClock) -> None:
    row = handed(operation, github)
    github.events[70].append(values.event("copilot_work_finished", 5))
    github.pulls[70] = replace(github.pulls[70], conflicts=True)
    time.advance(timedelta(minutes=10))
    track(operation)
    row.refresh_from_db()
    assert (row.outcome, row.blocker, row.get_blocker_display()) == ("waiting", "conflict", "conflicting branch")
    github.pulls[70] = replace(github.pulls[70], conflicts=False, updated_at=time.now())
    track(operation)
    row.refresh_from_db()
    assert (row.outcome, row.blocker, row.evidence["blockers"]) == ("finished", "", ["conflict"])
