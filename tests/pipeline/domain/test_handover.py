"""What became of a hand-over: the table of judgements, whatever the order of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.facts import Pull, TimelineEvent
from pipeline.domain.handover import (
    FAILED,
    FINISHED,
    REFUSAL,
    STARTED,
    Evidence,
    Judgement,
    Outcome,
    agent_pull,
    categorise,
    judge,
)
from tests.values import COPILOT, MOMENT, PERSON, after, event, pull, snapshot

ASSIGNED = snapshot(assignees=(COPILOT,), labels=("site-monitor", "state::copilot"))
LOST_AFTER = timedelta(minutes=30)


def judged(
    pulls: Sequence[Pull] = (), events: Sequence[TimelineEvent] = (), minutes: float = 10, **issue: Any
) -> Judgement:
    """The hand-over was asked for at MOMENT; it is `minutes` later now."""
    one = snapshot(**{"assignees": (COPILOT,), "labels": ASSIGNED.labels, **issue})
    return judge(Evidence(one, pulls, events, MOMENT, "work", after(minutes), LOST_AFTER))


def failure(minutes: float | None, message: str = "The build failed.") -> TimelineEvent:
    return event(FAILED, minutes, message=message)


CLOSED: dict[str, Any] = {"is_open": False, "closed_at": after(9)}
MERGED = pull(is_open=False, merged_at=after(8), closed_at=after(8))
REJECTED = pull(is_open=False, closed_at=after(8))
SAID = event("commented", 2, body=f"Sorry, {REFUSAL.capitalize()}. Try again.")

TABLE: list[tuple[str, Outcome, Judgement]] = [
    ("nothing yet", Outcome.PENDING, judged()),
    ("nothing one second before the limit", Outcome.PENDING, judged(minutes=29.9)),
    ("nothing for as long as the limit", Outcome.LOST, judged(minutes=30)),
    ("not assigned any more", Outcome.LOST, judged(assignees=())),
    ("not assigned any more, a person instead", Outcome.LOST, judged(assignees=(PERSON,))),
    ("started", Outcome.WORKING, judged(events=[event(STARTED, 1)])),
    ("started an hour ago", Outcome.WORKING, judged(events=[event(STARTED, 1)], minutes=60)),
    ("started long ago", Outcome.WAITING, judged(events=[event(STARTED, 1)], minutes=61)),
    ("started and taken off", Outcome.WORKING, judged(events=[event(STARTED, 1)], assignees=())),
    ("a pull request", Outcome.WORKING, judged([pull()])),
    ("a pull request that is no draft", Outcome.WORKING, judged([pull(is_draft=False)])),
    ("a person's pull request", Outcome.LOST, judged([pull(author=PERSON)], minutes=60)),
    ("an older pull request of the agent", Outcome.LOST, judged([pull(created_at=after(-5))], minutes=60)),
    ("finished", Outcome.FINISHED, judged([pull()], [event(STARTED, 1), event(FINISHED, 5)])),
    ("finished without a start", Outcome.FINISHED, judged([pull()], [event(FINISHED, 5)])),
    ("finished, then at work again", Outcome.WORKING, judged([pull()], [event(FINISHED, 5), event(STARTED, 6)])),
    ("finished as it started", Outcome.FINISHED, judged([pull()], [event(STARTED, 5), event(FINISHED, 5)])),
    ("an earlier hand-over finished", Outcome.PENDING, judged(events=[event(FINISHED, -60)])),
    ("failed", Outcome.FAILED, judged([pull()], [event(STARTED, 1), failure(5)])),
    ("failed before a pull request", Outcome.FAILED, judged(events=[failure(5)])),
    ("refused to start", Outcome.FAILED, judged(events=[SAID])),
    ("a person says the same", Outcome.PENDING, judged(events=[event("commented", 2, body=REFUSAL, actor=PERSON)])),
    ("failed, then started again", Outcome.WORKING, judged([pull()], [failure(5), event(STARTED, 6)])),
    ("failed, then a commit", Outcome.WORKING, judged([pull()], [failure(5), event("committed", 6)])),
    ("failed, started, failed", Outcome.FAILED, judged([pull()], [failure(5), event(STARTED, 6), failure(7)])),
    ("an earlier hand-over failed", Outcome.PENDING, judged(events=[failure(-60)])),
    ("a failure without a time", Outcome.WORKING, judged([pull()], [failure(None)])),
    ("finished, in conflict", Outcome.WAITING, judged([pull(conflicts=True)], [event(FINISHED, 5)])),
    ("finished, checks fail", Outcome.WAITING, judged([pull(checks_fail=True)], [event(FINISHED, 5)])),
    ("at work, in conflict", Outcome.WORKING, judged([pull(conflicts=True)])),
    ("at work, checks fail", Outcome.WORKING, judged([pull(checks_fail=True)])),
    ("at work, not moving", Outcome.WAITING, judged([pull()], minutes=61)),
    ("merged, issue open", Outcome.FINISHED, judged([MERGED])),
    ("closed without merge", Outcome.REJECTED, judged([REJECTED])),
    ("issue closed as completed", Outcome.COMPLETED, judged([MERGED], state_reason="completed", **CLOSED)),
    ("issue closed without a reason", Outcome.COMPLETED, judged(state_reason=None, **CLOSED)),
    ("issue closed as not planned", Outcome.REJECTED, judged(state_reason="not_planned", **CLOSED)),
    ("issue closed as a duplicate", Outcome.REJECTED, judged(state_reason="duplicate", **CLOSED)),
    ("issue closed, but failed", Outcome.COMPLETED, judged([pull()], [failure(5)], **CLOSED)),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "found"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_hand_over_is_judged_by_githubs_facts(expected: Outcome, found: Judgement) -> None:
    assert found.outcome is expected
    assert found.reason


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from([STARTED, FINISHED, FAILED, "committed", "labeled", "commented"]),
        st.none() | st.integers(-5, 9),
        body=st.sampled_from(["", REFUSAL]),
        actor=st.sampled_from([COPILOT, PERSON, None]),
    ),
    max_size=6,
)


@given(EVENTS, st.booleans(), st.randoms(use_true_random=False))
def test_order_in_which_events_are_listed_does_not_matter(
    events: list[TimelineEvent], opened: bool, random: Any
) -> None:
    pulls = [pull()] if opened else []
    shuffled = list(events)
    random.shuffle(shuffled)
    one, other = judged(pulls, events), judged(pulls, shuffled)
    assert (one.outcome, one.started_at, one.finished_at) == (other.outcome, other.started_at, other.finished_at)


@given(EVENTS, st.booleans())
def test_closed_issue_ends_the_hand_over_whatever_else_is_seen(events: list[TimelineEvent], opened: bool) -> None:
    found = judged([pull()] if opened else [], events, state_reason="completed", **CLOSED)
    assert found.outcome is Outcome.COMPLETED


def test_newest_pull_request_of_the_agent_counts() -> None:
    first, second = pull(number=70), pull(number=71, created_at=after(3))
    assert agent_pull([second, first], MOMENT) is second
    assert agent_pull([pull(author=PERSON)], MOMENT) is None


def test_clock_skew_of_a_minute_hides_no_pull_request() -> None:
    assert agent_pull([pull(created_at=after(-0.9))], MOMENT) is not None
    assert agent_pull([pull(created_at=after(-1.1))], MOMENT) is None


def test_times_of_start_and_end_are_githubs() -> None:
    found = judged([pull()], [event(STARTED, 2), event(FINISHED, 5)])
    assert (found.started_at, found.finished_at) == (after(2), after(5))
    assert judged([MERGED]).finished_at == after(8)
    assert judged(state_reason="completed", **CLOSED).finished_at == after(9)


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("Resource not accessible: permission denied", "permission"),
        ("You have reached your premium request limit", "quota"),
        ("Merge conflict in README.md", "conflict"),
        ("The workflow needs approval to run", "approval"),
        ("The build failed in CI", "checks"),
        ("The task is ambiguous", "unclear"),
        ("Something odd", "other"),
        ("", "other"),
    ],
)
def test_failure_is_put_into_a_blocker_category(message: str, category: str) -> None:
    assert categorise(message) == category
    assert judged(events=[failure(5, message)]).blocker == category


@pytest.mark.parametrize(
    ("obstacles", "blocker"),
    [
        ({}, "approval"),
        ({"checks_fail": True}, "checks"),
        ({"conflicts": True}, "conflict"),
        ({"conflicts": True, "checks_fail": True}, "conflict"),
    ],
)
def test_what_stands_in_the_way_of_still_work_is_named_from_facts(obstacles: dict[str, bool], blocker: str) -> None:
    found = judged([pull(**obstacles)], minutes=61)
    assert (found.outcome, found.blocker) == (Outcome.WAITING, blocker)


def test_finished_work_in_conflict_keeps_when_it_was_finished() -> None:
    found = judged([pull(conflicts=True)], [event(STARTED, 1), event(FINISHED, 5)])
    assert (found.started_at, found.finished_at, found.blocker) == (after(1), after(5), "conflict")
    assert found.reason == "The agent finished, but pull request #70 conflicts with main."


def test_long_failure_message_is_shortened_to_one_line() -> None:
    found = judged(events=[failure(5, "It\nfailed. " * 200)])
    assert len(found.message) <= 300
    assert "\n" not in found.message
