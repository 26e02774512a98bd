"""A limit by days that counted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import ramp
from rollout.domain.ramp import RampState
from rollout.domain.verdicts import Verdict
from tests.rollout.hand_plan import RAMP

START = date(2026, 11, 9)
MET = {"fast-enough": Verdict.PASS}


@pytest.mark.parametrize(
    ("day", "limit"), [(0, None), (1, 15), (2, 15), (3, 18), (5, 18), (6, 20), (7, 20), (8, 20), (99, 20)]
)
def test_the_limit_follows_the_days_that_counted(day: int, limit: int | None) -> None:
    assert ramp.limit_on(RAMP, day) == limit


def test_a_day_counts_once() -> None:
    once = ramp.advance(RAMP, RampState(), today=START, not_live="", verdicts=MET)
    assert once == RampState(1, START)
    assert ramp.advance(RAMP, once, today=START, not_live="", verdicts=MET) == once


def test_a_missed_day_does_not_jump_the_ramp() -> None:
    counted = RampState(1, START)
    assert ramp.advance(RAMP, counted, today=START + timedelta(days=5), not_live="", verdicts=MET).day == 2


def test_a_day_on_which_it_is_not_live_does_not_count_and_says_why() -> None:
    found = ramp.advance(RAMP, RampState(2, START), today=START + timedelta(days=1), not_live="Held.", verdicts=MET)
    assert found == RampState(2, START, "Held.")


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.PASS])
@pytest.mark.parametrize("day", [0, 3])
def test_anything_but_pass_freezes_the_ramp_where_it_is(verdict: Verdict, day: int) -> None:
    before = RampState(day, START if day else None)
    found = ramp.advance(RAMP, before, today=START + timedelta(days=1), not_live="", verdicts={"fast-enough": verdict})
    assert (found.day, found.counted_on) == (before.day, before.counted_on)
    assert "fast-enough" in found.frozen


def test_the_worst_prerequisite_is_named() -> None:
    verdicts = {"slow": Verdict.INCONCLUSIVE, "broken": Verdict.BREACH, "fine": Verdict.PASS}
    found = ramp.advance(RAMP, RampState(), today=START, not_live="", verdicts=verdicts)
    assert found.frozen == "The prerequisite broken is not met."


def test_a_day_that_froze_in_the_morning_counts_when_it_passes_in_the_afternoon() -> None:
    frozen = ramp.advance(RAMP, RampState(), today=START, not_live="", verdicts={"fast-enough": Verdict.STALE})
    assert ramp.advance(RAMP, frozen, today=START, not_live="", verdicts=MET) == RampState(1, START)


DAYS = st.lists(st.tuples(st.integers(-3, 5), st.booleans(), st.sampled_from(list(Verdict))), max_size=60)


@given(DAYS)
def test_whatever_happens_the_ramp_grows_at_most_once_a_date_and_never_shrinks(
    events: list[tuple[int, bool, Verdict]],
) -> None:
    state, today, dates = RampState(), START, set()
    for step, live, verdict in events:
        today += timedelta(days=step)  # negative: the clock was turned back
        after = ramp.advance(RAMP, state, today=today, not_live="" if live else "no", verdicts={"x": verdict})
        assert after.day - state.day in {0, 1}
        if after.day > state.day:
            assert live
            assert verdict is Verdict.PASS
            assert after.counted_on not in dates
            dates.add(after.counted_on)
        state = after
    assert state.day <= ramp.last_day(RAMP)


@given(st.integers(0, 40), st.integers(0, 40))
def test_more_counted_days_never_mean_a_lower_limit(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert (ramp.limit_on(RAMP, low) or 0) <= (ramp.limit_on(RAMP, high) or 0)
