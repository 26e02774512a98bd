"""Cases, cohorts and blockers: what counts as completed, pending, censored; one case per issue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.handover import Outcome
from rollout.domain.completion import (
    SEVEN_DAYS,
    TWO_DAYS,
    Case,
    Reported,
    Try,
    cases_of,
    cohort,
    cohorts,
    curve,
    frequencies,
    reporting_outcome,
    within,
)

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_BLOCKERS = ("", "permission", "quota", "unclear", "checks", "conflict", "approval", "other")


def handed(
    issue: int, ago: timedelta, outcome: str = "working", after: timedelta | None = None, **values: object
) -> Try:
    """Handed over so long ago; ended `after` that."""
    at = NOW - ago
    end = at + after if after is not None else None
    key = int(at.timestamp()) % 10**6 * 100 + issue
    return Try(key, issue, at, outcome, ended_at=end, **values)  # type: ignore[arg-type]  # any field of a Try


def one(*tries: Try) -> Case:
    found = cases_of(tries, NOW)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("outcome", "blocker", "word"),
    [
        ("pending", "", "pending"),
        ("working", "", "working"),
        ("finished", "", "working"),
        ("finished", "conflict", "blocked"),
        ("working", "checks", "blocked"),
        ("waiting", "approval", "blocked"),
        ("waiting", "", "blocked"),
        ("failed", "", "failed"),
        ("failed", "other", "failed"),
        ("failed", "quota", "blocked"),
        ("failed", "permission", "blocked"),
        ("failed", "unclear", "blocked"),
        ("completed", "", "completed"),
        ("completed", "checks", "completed"),
        ("rejected", "", "rejected"),
        ("lost", "", "lost"),
        ("withdrawn", "", "withdrawn"),
    ],
)
def test_stored_outcome_has_a_reporting_word(outcome: str, blocker: str, word: str) -> None:
    assert reporting_outcome(outcome, blocker) == word


@pytest.mark.parametrize("outcome", [*Outcome, "withdrawn"])
@pytest.mark.parametrize("blocker", _BLOCKERS)
def test_every_pair_of_outcome_and_blocker_is_reported(outcome: str, blocker: str) -> None:
    assert reporting_outcome(outcome, blocker) in Reported


def test_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="shining"):
        reporting_outcome("shining", "")


def test_repeat_of_a_lost_hand_over_counts_from_the_first() -> None:
    case = one(handed(1, 50 * HOUR, "lost"), handed(1, 40 * HOUR, "completed", 20 * HOUR))
    assert (case.requested_at, case.completed_at) == (NOW - 50 * HOUR, NOW - 20 * HOUR)
    assert case.outcome is Reported.COMPLETED


def test_handing_over_anew_after_taking_back_is_a_new_case() -> None:
    found = cases_of([handed(1, 50 * HOUR, "withdrawn", HOUR), handed(1, 10 * HOUR)], NOW)
    assert [case.withdrawn_at is None for case in found] == [False, True]
    assert found[1].requested_at == NOW - 10 * HOUR


def test_completion_is_when_the_issue_was_closed_not_when_it_was_seen() -> None:
    closed = NOW - 9 * HOUR
    assert one(handed(1, 10 * HOUR, "completed", 3 * HOUR, closed_at=closed)).completed_at == closed


def test_closing_from_before_the_hand_over_is_of_an_earlier_life() -> None:
    case = one(handed(1, 10 * HOUR, "completed", 3 * HOUR, closed_at=NOW - 20 * HOUR))
    assert case.completed_at == NOW - 7 * HOUR


def test_obstacles_of_all_tries_are_kept_once_each() -> None:
    case = one(
        handed(1, 20 * HOUR, "failed", HOUR, blocker="quota"),
        handed(1, 10 * HOUR, "working", blockers=("approval", "quota")),
    )
    assert case.blockers == ("quota", "approval")
    assert case.outcome is Reported.WORKING


@pytest.mark.parametrize(("at", "week"), [("2026-11-30", "2026-W49"), ("2027-01-03", "2026-W53")])
def test_week_is_the_iso_week_of_the_first_hand_over(at: str, week: str) -> None:
    moment = datetime.fromisoformat(f"{at}T23:59:00+00:00")
    assert cases_of([Try(1, 1, moment, "working")], moment)[0].week == week


def test_young_cases_are_pending_and_no_failures() -> None:
    cases = cases_of([handed(1, 47 * HOUR), handed(2, 49 * HOUR), handed(3, 49 * HOUR, "completed", HOUR)], NOW)
    found = within(cases, TWO_DAYS, NOW)
    assert (found.hits, found.of, found.pending, found.value) == (1, 2, 1, 0.5)
    assert within(cases, SEVEN_DAYS, NOW).value is None


def test_quick_completion_of_a_young_case_does_not_flatter_the_plain_share() -> None:
    assert within(cases_of([handed(1, 3 * HOUR, "completed", HOUR)], NOW), TWO_DAYS, NOW).of == 0


def test_open_case_is_censored_now() -> None:
    found = curve(cases_of([handed(1, 10 * HOUR), handed(2, 30 * HOUR, "completed", 20 * HOUR)], NOW), NOW)
    assert found.happened(20 * 3600) == 1.0  # only the older one was still watched at 20 hours
    assert found.at_risk(10 * 3600) == 2
    assert found.at_risk(20 * 3600) == 1


@pytest.mark.parametrize("outcome", ["rejected", "failed", "lost"])
def test_what_ended_without_completion_stays_at_risk_until_now(outcome: str) -> None:
    tries = [handed(1, 30 * HOUR, outcome, HOUR), handed(2, 30 * HOUR, "completed", 20 * HOUR)]
    found = curve(cases_of(tries, NOW), NOW)
    assert found.happened(20 * 3600) == 0.5


def test_what_we_took_back_leaves_the_risk_set_censored() -> None:
    tries = [handed(1, 30 * HOUR, "withdrawn", HOUR), handed(2, 30 * HOUR, "completed", 20 * HOUR)]
    found = curve(cases_of(tries, NOW), NOW)
    assert (found.at_risk(3600), found.at_risk(2 * 3600), found.happened(20 * 3600)) == (2, 1, 1.0)


def test_what_happens_later_is_not_known_yet() -> None:
    tries = [handed(1, 30 * HOUR, "withdrawn", 20 * HOUR), handed(2, 30 * HOUR, "completed", 20 * HOUR)]
    before = cases_of(tries, NOW - 15 * HOUR)
    assert [(case.withdrawn_at, case.completed_at) for case in before] == [(None, None)] * 2
    assert curve(before, NOW - 15 * HOUR).longest == 15 * 3600


def test_cohort_counts_every_case_once() -> None:
    tries = [
        handed(1, 9 * DAY, "completed", 10 * HOUR),
        handed(2, 9 * DAY, "rejected", HOUR),
        handed(3, DAY),
        handed(4, 9 * DAY, "withdrawn", HOUR),
    ]
    found = cohort("all", cases_of(tries, NOW), NOW)
    assert (found.cases, found.completed, found.open, found.withdrawn, found.ended_otherwise) == (4, 1, 1, 1, 1)
    assert (found.two_days.hits, found.two_days.of, found.two_days.pending) == (1, 2, 1)


def test_cohorts_split_by_name() -> None:
    tries = [handed(1, DAY, workflow="osint"), handed(2, DAY, workflow="dossier"), handed(3, DAY, workflow="osint")]
    found = cohorts(cases_of(tries, NOW), lambda case: case.workflow, NOW)
    assert [(one.name, one.cases) for one in found] == [("dossier", 1), ("osint", 2)]


def test_blockers_come_most_frequent_first_with_the_newest_as_examples() -> None:
    tries = [handed(number, number * HOUR, "waiting", blocker="approval") for number in range(1, 6)]
    cases = cases_of([*tries, handed(9, HOUR, "failed", blocker="quota"), handed(10, HOUR)], NOW)
    found = frequencies(cases, lambda case: case.blockers)
    assert [(one.name, one.cases) for one in found] == [("approval", 5), ("quota", 1)]
    assert found[0].share == pytest.approx(5 / 7)
    assert found[0].examples == tuple(one.key for one in tries[:3])


TRIES = st.lists(
    st.builds(
        handed,
        st.integers(1, 4),
        st.integers(1, 300).map(lambda hours: hours * HOUR),
        st.sampled_from([*Outcome, "withdrawn"]),
        st.none() | st.integers(0, 300).map(lambda hours: hours * HOUR),
        blocker=st.sampled_from(_BLOCKERS),
    ),
    max_size=8,
)


@settings(max_examples=60)
@given(TRIES)
def test_every_try_is_in_exactly_one_case_and_no_case_ends_before_it_begins(tries: list[Try]) -> None:
    cases = cases_of(tries, NOW)
    assert sorted(key for case in cases for key in case.keys) == sorted(one.key for one in tries)
    for case in cases:
        assert case.completed_at is None or case.requested_at <= case.completed_at <= NOW
        assert case.completed_at is None or case.outcome is Reported.COMPLETED
        assert case.withdrawn_at is None or case.outcome is Reported.WITHDRAWN


@settings(max_examples=60)
@given(TRIES)
def test_without_open_young_and_withdrawn_cases_curve_and_plain_share_agree(tries: list[Try]) -> None:
    cases = [
        case
        for case in cases_of(tries, NOW)
        if case.withdrawn_at is None and case.is_old_enough(SEVEN_DAYS + HOUR, NOW)
    ]
    share = within(cases, SEVEN_DAYS, NOW)
    if share.value is not None:
        assert curve(cases, NOW).happened(SEVEN_DAYS.total_seconds()) == pytest.approx(share.value)
