"""Which runs a rule sees: the same ones however they came, none from before the floor, none from the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.measures import Window
from rollout.domain.windows import MAX_AGE, RunFact, chosen, start
from tests.rollout.runs_of import START, end, runs

HOUR = timedelta(hours=1)
FACTS = st.lists(
    st.builds(
        RunFact,
        id=st.integers(1, 30),
        finished_at=st.integers(0, 100).map(lambda hours: START + hours * HOUR),
        judged=st.integers(0, 5),
        crashed=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda run: run.id,
)
WINDOWS = st.one_of(
    st.integers(1, 8).map(lambda count: Window(runs=count)),
    st.integers(1, 48).map(lambda hours: Window(hours=hours)),
    st.just(Window()),
)
MOMENTS = st.integers(0, 110).map(lambda hours: START + hours * HOUR)


def ids(found: tuple[RunFact, ...]) -> list[int]:
    return [run.id for run in found]


def test_runs_window_takes_the_last_that_had_work() -> None:
    found = runs("10:0 10:1 0:0 10:2 0:0 10:3 10:4")
    assert ids(chosen(found, Window(runs=4), START, end(found))) == [2, 4, 6, 7]


def test_hours_window_counts_back_from_the_newest_run() -> None:
    found = runs("10:0 10:1 10:2 10:3 10:4")
    assert ids(chosen(found, Window(hours=6), START, end(found) + HOUR)) == [3, 4, 5]


def test_hours_window_is_empty_once_nothing_is_that_new() -> None:
    found = runs("10:10")
    assert chosen(found, Window(hours=6), START, START + 6 * HOUR) == ()


def test_hours_window_does_not_change_by_mere_passing_of_time() -> None:
    found = runs("10:0 10:10")
    later = [end(found) + hours * HOUR for hours in range(5)]
    assert {tuple(ids(chosen(found, Window(hours=6), START, now))) for now in later} == {(1, 2)}


def test_runs_of_last_month_are_not_the_last_four() -> None:
    found = runs("10:1 10:1 10:1 10:1")
    assert chosen(found, Window(runs=4), START, end(found) + MAX_AGE) == ()


def test_window_without_bounds_takes_all_since_the_floor() -> None:
    found = runs("10:0 10:1 10:2")
    assert ids(chosen(found, Window(), START + HOUR, end(found))) == [2, 3]


@given(FACTS, WINDOWS, MOMENTS, MOMENTS, st.integers(0, 99))
def test_permuted_and_repeated_runs_give_the_same_window(
    found: list[RunFact], window: Window, floor: datetime, now: datetime, seed: int
) -> None:
    mixed = [*found, *found[: seed % 7]]
    Random(seed).shuffle(mixed)
    assert chosen(mixed, window, floor, now) == chosen(found, window, floor, now)


@given(FACTS, WINDOWS, MOMENTS, MOMENTS)
def test_window_holds_only_work_between_floor_and_now_in_order(
    found: list[RunFact], window: Window, floor: datetime, now: datetime
) -> None:
    inside = chosen(found, window, floor, now)
    assert all(floor <= run.finished_at <= now and not run.is_empty for run in inside)
    assert list(inside) == sorted(inside, key=lambda run: (run.finished_at, run.id))
    assert window.runs is None or len(inside) <= window.runs


@given(FACTS, WINDOWS, MOMENTS, MOMENTS)
def test_empty_runs_change_nothing(found: list[RunFact], window: Window, floor: datetime, now: datetime) -> None:
    idle = [replace(run, id=run.id + 100, judged=0, crashed=False) for run in found]
    assert chosen([*found, *idle], window, floor, now) == chosen(found, window, floor, now)


@given(FACTS, WINDOWS, MOMENTS, MOMENTS)
def test_what_lies_before_the_floor_changes_nothing(
    found: list[RunFact], window: Window, floor: datetime, now: datetime
) -> None:
    later = [run for run in found if run.finished_at >= floor]
    assert chosen(found, window, floor, now) == chosen(later, window, floor, now)


@pytest.mark.parametrize(
    ("window", "hours"), [(Window(), 0), (Window(runs=4), 0), (Window(hours=6), 4), (Window(hours=48), 0)]
)
def test_start_is_the_later_of_floor_and_window_on_the_hour(window: Window, hours: int) -> None:
    assert start(window, START, START + timedelta(hours=10, minutes=40)) == START + hours * HOUR
