"""The paused clock, what is due on it, and when a clock is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollout.domain import escalation
from rollout.domain.escalation import Action, CaseFacts, Looks, Pause, Rule

DUE = datetime(2026, 11, 4, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES = {
    Action.REMIND: Rule(Action.REMIND, 3 * DAY),
    Action.NOTIFY: Rule(Action.NOTIFY, 7 * DAY, "copilot-operations"),
    Action.REVIEW: Rule(Action.REVIEW, 14 * DAY, "rollout-lead"),
}


def after(days: float) -> datetime:
    return DUE + timedelta(days=days)


spans = st.tuples(st.integers(-30, 60), st.integers(0, 20))
pauses = st.lists(spans, max_size=6).map(
    lambda rows: tuple(Pause(DUE + start * HOUR, DUE + (start + length) * HOUR) for start, length in rows)
)
moments = st.integers(-100, 900).map(lambda hours: DUE + hours * HOUR)


# --- the clock ---


@given(pauses, moments)
def test_overdue_time_is_never_negative_nor_more_than_the_time_since_due(
    given: tuple[Pause, ...], now: datetime
) -> None:
    shown = escalation.overdue(DUE, given, now)
    assert timedelta(0) <= shown <= max(timedelta(0), now - DUE)


@given(pauses, moments, st.integers(0, 200))
def test_overdue_time_never_falls_as_time_goes_on(given: tuple[Pause, ...], now: datetime, hours: int) -> None:
    later = now + hours * HOUR
    grown = escalation.overdue(DUE, given, later) - escalation.overdue(DUE, given, now)
    assert timedelta(0) <= grown <= later - now


@given(st.permutations([Pause(after(1), after(2)), Pause(after(1.5), after(3)), Pause(after(5), None)]), moments)
def test_order_of_pauses_does_not_matter(given: list[Pause], now: datetime) -> None:
    assert escalation.overdue(DUE, given, now) == escalation.overdue(DUE, sorted(given, key=lambda p: p.start), now)
    assert escalation.reached(DUE, given, 4 * DAY) is None


@given(pauses, moments)
def test_the_same_pause_twice_counts_once(given: tuple[Pause, ...], now: datetime) -> None:
    assert escalation.overdue(DUE, given * 2, now) == escalation.overdue(DUE, given, now)


@given(pauses, st.integers(1, 400))
def test_clock_shows_exactly_what_was_asked_for_when_it_is_reached(given: tuple[Pause, ...], hours: int) -> None:
    moment = escalation.reached(DUE, given, hours * HOUR)
    assert moment is not None
    assert escalation.overdue(DUE, given, moment) == hours * HOUR
    assert escalation.overdue(DUE, given, moment - timedelta(minutes=1)) < hours * HOUR


@given(pauses, st.integers(0, 300), st.integers(1, 100), st.integers(1, 400))
def test_pause_shifts_every_later_escalation_by_exactly_its_length(
    given: tuple[Pause, ...], start: int, length: int, hours: int
) -> None:
    begins = DUE + start * HOUR
    assume(all(pause.end is not None and pause.end <= begins for pause in given))
    without = escalation.reached(DUE, given, hours * HOUR)
    extra = Pause(begins, begins + length * HOUR)
    shifted = escalation.reached(DUE, (*given, extra), hours * HOUR)
    assert without is not None
    assert shifted == (without + length * HOUR if begins < without else without)


def test_pauses_that_overlap_count_once() -> None:
    two = (Pause(after(1), after(3)), Pause(after(2), after(4)))
    assert escalation.paused(DUE, two, after(10)) == 3 * DAY


def test_pause_before_the_due_time_counts_only_from_then() -> None:
    assert escalation.paused(DUE, [Pause(after(-5), after(1))], after(10)) == DAY


def test_pause_that_ends_before_it_starts_is_none() -> None:
    assert escalation.overdue(DUE, [Pause(after(3), after(2))], after(5)) == 5 * DAY


def test_open_pause_holds_the_clock_where_it_was() -> None:
    held = [Pause(after(2))]
    assert escalation.overdue(DUE, held, after(2)) == escalation.overdue(DUE, held, after(30)) == 2 * DAY
    assert escalation.reached(DUE, held, DAY) == after(1)
    assert escalation.reached(DUE, held, 2 * DAY) == after(2)
    assert escalation.reached(DUE, held, 3 * DAY) is None


# --- what is due ---


@pytest.mark.parametrize(
    ("days", "actions"),
    [(2.99, ""), (3, "remind"), (6.99, "remind"), (7, "remind notify"), (14, "remind notify review")],
)
def test_each_action_is_due_from_its_day_on(days: float, actions: str) -> None:
    found = escalation.due(CaseFacts(DUE), RULES, after(days))
    assert " ".join(each.action for each in found) == actions


@given(st.sets(st.sampled_from(Action)), moments)
def test_what_was_begun_is_never_due_again(begun: set[Action], now: datetime) -> None:
    found = escalation.due(CaseFacts(DUE, begun=frozenset(begun)), RULES, now)
    assert not {each.action for each in found} & begun


def test_nothing_is_due_once_the_case_is_over_nor_while_it_is_paused_nor_without_trust() -> None:
    late = CaseFacts(DUE)
    assert escalation.due(replace(late, is_open=False), RULES, after(20)) == ()
    assert escalation.due(replace(late, pauses=(Pause(after(19.9)),)), RULES, after(20)) == ()
    assert escalation.due(late, RULES, after(20), "The clock went back.") == ()
    assert len(escalation.due(late, RULES, after(20))) == 3


def test_next_action_is_told_with_its_time_on_the_paused_clock() -> None:
    facts = CaseFacts(DUE, (Pause(after(1), after(2)),), frozenset({Action.REMIND}))
    assert escalation.upcoming(facts, RULES) == (RULES[Action.NOTIFY], after(8))
    assert escalation.upcoming(replace(facts, pauses=(Pause(after(1)),)), RULES) == (RULES[Action.NOTIFY], None)
    assert escalation.upcoming(replace(facts, begun=frozenset(Action)), RULES) is None


@pytest.mark.parametrize(
    ("repository", "workflow", "days"), [(1, "osint", 4), (2, "osint", 3), (1, "other", 2), (2, "other", 1)]
)
def test_closest_rule_is_in_force(repository: int, workflow: str, days: int) -> None:
    rules = [
        Rule(Action.REMIND, 4 * DAY, repository=1, workflow="osint"),
        Rule(Action.REMIND, 1 * DAY),
        Rule(Action.REMIND, 3 * DAY, workflow="osint"),
        Rule(Action.REMIND, 2 * DAY, repository=1),
    ]
    assert escalation.closest(rules, repository, workflow)[Action.REMIND].after == days * DAY


def test_rule_that_is_switched_off_switches_the_action_off_where_it_is_closest() -> None:
    rules = [*RULES.values(), Rule(Action.REMIND, 3 * DAY, workflow="osint", active=False)]
    assert Action.REMIND not in escalation.closest(rules, 1, "osint")
    assert Action.REMIND in escalation.closest(rules, 1, "other")


# --- trust ---


def looks_at(*hours: float) -> Looks:
    looks: Looks | None = None
    for hour in hours:
        looks = escalation.looked(looks, DUE + hour * HOUR)
    assert looks is not None
    return looks


@pytest.mark.parametrize(
    ("hours", "settled"),
    [
        ((0,), False),
        ((0, 0.5), False),
        ((0, 0.5, 1), True),
        ((0, 1), True),
        ((0, 1, 2.1), False),  # an outage, or a jump forward
        ((0, 1, 2.1, 2.6, 3.1), True),
        ((0, 1, 0.9), False),  # the clock went back
        ((0, 1, 0.9, 1.4), False),
        ((0, 1, 0.9, 1.4, 1.9), True),
    ],
)
def test_clock_is_believed_after_an_hour_of_regular_looks(hours: tuple[float, ...], settled: bool) -> None:
    looks = looks_at(*hours)
    assert (escalation.unsettled(looks) == "") is settled
    assert (escalation.distrust(looks, timedelta(0)) == "") is settled


def test_two_processes_that_differ_by_seconds_do_not_unsettle_each_other() -> None:
    looks = looks_at(0, 1, 1 - 20 / 3600)
    assert (looks.last, escalation.unsettled(looks)) == (DUE + HOUR, "")


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, ""), (5, ""), (-5, ""), (-6, "6 minutes behind"), (600, "600 minutes ahead of")]
)
def test_clock_that_differs_from_githubs_is_not_believed(minutes: int, words: str) -> None:
    told = escalation.distrust(looks_at(0, 1), timedelta(minutes=minutes))
    assert (told == "") if not words else (words in told)


def test_clock_that_github_did_not_confirm_is_not_believed() -> None:
    assert "could not be asked" in escalation.distrust(looks_at(0, 1), None)


def test_later_case_is_due_by_its_own_hand_over() -> None:
    assert escalation.due_time(after(9), DUE, 48, first=True) == DUE
    assert escalation.due_time(after(9), None, 48, first=True) == after(11)
    assert escalation.due_time(after(9), DUE, 48, first=False) == after(11)
