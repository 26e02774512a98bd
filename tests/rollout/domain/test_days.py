"""Days of a plan as dates, and when phases open."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import days
from rollout.domain.days import Decided, Opening
from tests.rollout.hand_plan import LATER, make_plan

PLAN = make_plan()
STARTS = date(2026, 11, 9)


def on(day: int) -> date:
    return days.date_of(STARTS, day)


def went(gate: str, day: int, decision: str = "go", *, forward: bool = False) -> Decided:
    return Decided(gate, decision, on(day), forward)


@given(st.integers(-400, 400).filter(bool))
def test_a_day_and_its_date_are_each_others_inverse(day: int) -> None:
    assert days.day_of(STARTS, days.date_of(STARTS, day)) == day


def test_day_one_follows_day_minus_one() -> None:
    assert on(1) - on(-1) == timedelta(days=1)
    assert days.days_between(-1, 1) == 1


def test_only_the_first_phase_is_open_without_a_decision() -> None:
    assert days.openings(PLAN, STARTS, []) == {"rehearsal": Opening(on(-7))}


def test_a_gate_decided_on_its_day_opens_the_next_phase_on_its_first_day() -> None:
    found = days.openings(PLAN, STARTS, [went("sign-off", -1), went("day-7", 7)])
    assert found["week-1"] == Opening(on(1), "sign-off")
    assert found["week-2"] == Opening(on(8), "day-7")


def test_a_gate_decided_late_opens_at_once_and_moves_what_follows() -> None:
    found = days.openings(PLAN, STARTS, [went("sign-off", 3)])
    assert found["week-1"].on == on(3)
    assert days.gate_due(PLAN, PLAN.phases[1].gate, STARTS, [went("sign-off", 3)]) == on(9)


def test_a_gate_brought_forward_opens_the_day_after_its_decision() -> None:
    found = days.openings(PLAN, STARTS, [went("sign-off", -1), went("day-7", 4, forward=True)])
    assert found["week-2"].on == on(5)


@pytest.mark.parametrize("decision", ["no_go", "iterate", "hold"])
def test_only_go_opens_a_phase(decision: str) -> None:
    assert "week-1" not in days.openings(PLAN, STARTS, [went("sign-off", -1, decision)])


def test_iterate_starts_the_phase_again_and_moves_its_gate() -> None:
    decisions = [went("sign-off", -1), went("day-7", 7, "iterate")]
    assert days.gate_due(PLAN, PLAN.phases[1].gate, STARTS, decisions) == on(14)
    assert days.openings(PLAN, STARTS, [*decisions, went("day-7", 14)])["week-2"].on == on(15)


def test_a_go_of_a_phase_that_is_not_open_opens_nothing() -> None:
    assert set(days.openings(PLAN, STARTS, [went("day-7", 7)])) == {"rehearsal"}


def test_the_last_phase_that_has_begun_is_in_force() -> None:
    found = days.openings(PLAN, STARTS, [went("sign-off", -1), went("day-7", 7)])
    names = [getattr(days.in_force(PLAN, found, on(day)), "slug", "") for day in (-7, -1, 1, 7, 8)]
    assert names == ["rehearsal", "rehearsal", "week-1", "week-1", "week-2"]


def test_a_step_begins_on_its_day_of_the_phase() -> None:
    opening = Opening(on(8), "day-7")
    assert [days.begun(LATER, opening, on(day)) for day in (8, 9, 10)] == [False, False, True]
    assert not days.begun(LATER, None, on(30))
