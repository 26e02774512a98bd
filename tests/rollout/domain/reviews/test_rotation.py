"""Whose week it is, and who takes which seat."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews.rotation import ANCHOR, Person, Seat, Seated, TeamState, duty, seat_all

TEAMS = (
    TeamState("workflow-assignment", "Workflow Assignment", 2),
    TeamState("site-monitoring", "Site Monitoring", 1),
    TeamState("copilot-ops", "Copilot Ops", 3),
)
WEEK = timedelta(days=7)
NAMES = "abcdef"
PEOPLE = st.lists(
    st.builds(Person, st.sampled_from(NAMES), st.integers(0, 6), st.integers(0, 4)),
    max_size=6,
    unique_by=lambda one: one.name,
)
BARRED = st.dictionaries(st.sampled_from(NAMES), st.just("wrote the issue"), max_size=3)
SEATS = st.lists(
    st.builds(Seat, st.integers(1, 6), st.integers(1, 2), BARRED),
    max_size=12,
    unique_by=lambda one: (one.sample, one.number),
)


def without(*slugs: str) -> list[TeamState]:
    return [TeamState(one.slug, one.name, 0 if one.slug in slugs else one.available) for one in TEAMS]


def test_three_teams_take_turns_week_by_week() -> None:
    turns = [duty(ANCHOR + WEEK * week, TEAMS).slug for week in range(6)]

    assert turns == ["workflow-assignment", "site-monitoring", "copilot-ops"] * 2


def test_turn_goes_on_over_the_end_of_a_year_with_53_weeks() -> None:
    weeks = [date(2026, 12, 21) + WEEK * step for step in range(4)]  # ISO weeks 52, 53, 1, 2
    turns = [duty(week, TEAMS).slug for week in weeks]

    assert [week.isocalendar().week for week in weeks] == [52, 53, 1, 2]
    assert len(set(turns[:3])) == 3
    assert turns[3] == turns[0]


def test_duty_says_who_and_who_comes_next() -> None:
    found = duty(ANCHOR + WEEK, TEAMS)

    assert found.reason == "Site Monitoring reviews this week, then Copilot Ops."


def test_team_without_anybody_is_passed_over_with_the_reason_for_that_week_only() -> None:
    found = duty(ANCHOR, without("workflow-assignment"))

    assert found.slug == "site-monitoring"
    assert "because nobody is available in Workflow Assignment" in found.reason
    assert duty(ANCHOR + WEEK, without("workflow-assignment")).slug == "site-monitoring"


def test_nobody_anywhere_is_said() -> None:
    found = duty(ANCHOR, without(*(one.slug for one in TEAMS)))

    assert (found.slug, found.reason) == (
        None,
        "Nobody is available in Workflow Assignment, Site Monitoring and Copilot Ops; give a team members.",
    )
    assert duty(ANCHOR, []).slug is None


def test_only_team_reviews_every_week() -> None:
    assert duty(ANCHOR, TEAMS[:1]).reason == "Workflow Assignment reviews this week."


@given(st.integers(-300, 300), st.lists(st.integers(0, 2), min_size=1, max_size=5))
def test_duty_always_goes_to_a_team_with_somebody(week: int, available: list[int]) -> None:
    teams = [TeamState(f"t{at}", f"T{at}", many) for at, many in enumerate(available)]

    found = duty(ANCHOR + WEEK * week, teams)

    assert (found.slug is None) == (not any(available))
    assert found.slug is None or teams[int(found.slug[1:])].available


def taken(found: list[Seated]) -> dict[str, int]:
    return {name: sum(one.person == name for one in found) for name in NAMES}


@given(SEATS, PEOPLE)
def test_nobody_reviews_their_own_twice_or_beyond_the_cap(seats: list[Seat], people: list[Person]) -> None:
    found = seat_all(seats, people)

    assert [(one.sample, one.number) for one in found] == [(one.sample, one.number) for one in seats]
    for seat, got in zip(seats, found, strict=True):
        assert got.person not in seat.barred
    pairs = [(one.sample, one.person) for one in found if one.person]
    assert len(pairs) == len(set(pairs))
    assert all(taken(found)[one.name] + one.load <= max(one.cap, one.load) for one in people)


@given(SEATS, PEOPLE)
def test_seat_stays_free_only_when_nobody_may_take_it(seats: list[Seat], people: list[Person]) -> None:
    found = seat_all(seats, people)

    for seat, got in zip(seats, found, strict=True):
        if got.person is None:
            here = {one.person for one in found if one.sample == seat.sample}
            busy = {one.name for one in people if one.load + taken(found)[one.name] >= one.cap}
            may = [one for one in people if one.name not in {*seat.barred, *here, *busy}]
            assert may == []
            assert got.reason.startswith("Nobody can take it")


@given(SEATS, PEOPLE, st.randoms(use_true_random=False))
def test_same_seats_come_out_whatever_the_order(seats: list[Seat], people: list[Person], mixed: object) -> None:
    again = {(one.sample, one.number): one for one in seat_all(seats[::-1], people[::-1])}

    assert [again[one.sample, one.number] for one in seats] == seat_all(seats, people)


@given(st.integers(1, 12), st.integers(1, 5))
def test_seats_without_conflicts_are_shared_evenly(samples: int, members: int) -> None:
    people = [Person(name, 100) for name in NAMES[:members]]

    loads = [many for many in taken(seat_all([Seat(n, 1) for n in range(samples)], people)).values() if many]

    assert max(loads) - min(loads) <= 1


def test_load_of_the_week_counts_and_equal_loads_go_by_name() -> None:
    people = [Person("ana", 10, load=2), Person("bo", 10), Person("cy", 10)]

    found = seat_all([Seat(n, 1) for n in range(1, 5)], people)

    assert [one.person for one in found] == ["bo", "cy", "bo", "cy"]
    assert found[0].reason == "0 reviews in this week before it, the fewest of the 3 who may."


def test_seat_that_one_person_alone_may_take_is_filled_first() -> None:
    seats = [Seat(1, 1), Seat(2, 1, {"bo": "wrote the issue"})]

    found = seat_all(seats, [Person("ana", 1), Person("bo", 1)])

    assert [one.person for one in found] == ["bo", "ana"]


def test_seat_that_nobody_can_take_says_why_for_each() -> None:
    seats = [Seat(1, 1, {"bo": "wrote the issue"}), Seat(1, 2, {"bo": "wrote the issue"})]

    found = seat_all(seats, [Person("ana", 5), Person("bo", 5), Person("cy", 3, load=3)])

    assert found[1].reason == "Nobody can take it: ana scores it already; bo wrote the issue; cy has 3 of 3 reviews."
    assert seat_all([Seat(1, 1)], [])[0].reason == "Nobody can take it: the team has no available member."


def test_long_reason_fits_its_column() -> None:
    people = [Person(f"reviewer-number-{at}", 0) for at in range(40)]

    assert len(seat_all([Seat(1, 1)], people)[0].reason) <= 300


@pytest.mark.parametrize("cap", [0, 1])
def test_cap_of_none_means_none(cap: int) -> None:
    assert (seat_all([Seat(1, 1)], [Person("ana", cap)])[0].person == "ana") is bool(cap)
