"""A reading judged: five verdicts, minimum sample, no-data policy, staleness, bounds of samples."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.criteria import COMPARE, Judgement, holds, judge
from rollout.domain.measures import Reading, Unit
from rollout.domain.plan import Criterion, NoData, Source
from rollout.domain.verdicts import Verdict
from tests.rollout.runs_of import START

NOW = START + timedelta(days=2)
RATE = Criterion("c", "Completion", Source.AUTOMATIC, "m", unit=Unit.SHARE, comparator=">", threshold=0.8)
NONE = Criterion("c", "No violation", Source.AUTOMATIC, "m", comparator="==", threshold=0, minimum_sample=100)
FOUR = Criterion("c", "At least 4", Source.AUTOMATIC, "m", comparator=">=", threshold=4)


def reading(value: float | None, n: int = 50, **values: Any) -> Reading:
    return Reading(value, n, **{"newest": NOW - timedelta(hours=1), **values})


def judged(criterion: Criterion, found: Reading, *, floor: datetime = START, now: datetime = NOW) -> Judgement:
    return judge(criterion, found, floor=floor, now=now)


@pytest.mark.parametrize(("value", "verdict"), [(0.81, Verdict.PASS), (0.8, Verdict.BREACH), (0.4, Verdict.BREACH)])
def test_share_is_compared_strictly(value: float, verdict: Verdict) -> None:
    assert judged(RATE, reading(value)).verdict is verdict


def test_reason_names_value_target_and_sample() -> None:
    assert judged(RATE, reading(0.4)).reason == "40 % since evidence counts, n = 50; asked for: above 80 %."


def test_fault_of_the_metric_is_an_error() -> None:
    found = judged(RATE, Reading(None, 0, error="the table is gone"))
    assert found == Judgement(Verdict.ERROR, "It could not be measured: the table is gone")


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [(NoData.HOLD, Verdict.INCONCLUSIVE), (NoData.BREACH, Verdict.BREACH), (NoData.IGNORE, None)],
)
def test_no_data_follows_the_policy(policy: NoData, verdict: Verdict | None) -> None:
    assert judged(replace(RATE, no_data=policy), reading(None, 0)).verdict is verdict


def test_zero_rows_never_pass_even_where_zero_is_asked_for() -> None:
    assert judged(NONE, reading(0, 0)).verdict is Verdict.INCONCLUSIVE


def test_cases_too_young_are_told() -> None:
    assert "3 cases too young to judge" in judged(RATE, reading(None, 0, parts={"pending": 3})).reason


def test_nothing_newer_than_the_floor_is_stale() -> None:
    assert judged(RATE, reading(0.9, newest=START), floor=START + timedelta(seconds=1)).verdict is Verdict.STALE


def test_evidence_of_last_month_is_stale() -> None:
    assert judged(RATE, reading(0.9, newest=START), now=START + timedelta(days=8)).verdict is Verdict.STALE


def test_too_small_a_sample_is_inconclusive_whichever_way_it_points() -> None:
    small = replace(RATE, minimum_sample=60)
    assert {judged(small, reading(value)).verdict for value in (0.1, 0.99)} == {Verdict.INCONCLUSIVE}


def test_one_violation_is_a_breach_however_small_the_sample() -> None:
    assert judged(NONE, reading(1, 1)).verdict is Verdict.BREACH


def test_two_of_four_runs_so_far_is_no_breach() -> None:
    found = judged(FOUR, reading(2, 2))
    assert found == Judgement(Verdict.INCONCLUSIVE, "2 since evidence counts; asked for: at least 4: not there yet.")


def test_sampled_figure_must_clear_with_its_whole_interval() -> None:
    parts = {"sampled": True, "low": 0.78, "high": 0.94}
    found = judged(RATE, reading(0.86, 10, parts=parts))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the 95 % interval reaches down to 78 %, n = 10" in found.reason


def test_sampled_figure_whose_interval_clears_passes() -> None:
    assert judged(RATE, reading(0.9, 10, parts={"sampled": True, "low": 0.84, "high": 0.96})).verdict is Verdict.PASS


def test_sampled_figure_below_target_is_a_breach() -> None:
    assert judged(RATE, reading(0.7, 10, parts={"sampled": True, "low": 0.6, "high": 0.9})).verdict is Verdict.BREACH


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(1, 99))
def test_share_equal_to_its_decimal_threshold_is_equal(case: tuple[int, int], percent: int) -> None:
    hits, n = case
    assert holds(hits / n, "==", percent / 100) == (hits * 100 == percent * n)


@given(
    st.one_of(st.none(), st.floats(0, 1)),
    st.integers(0, 60),
    st.sampled_from(sorted(COMPARE)),
    st.floats(0, 1),
    st.sampled_from(NoData),
    st.sampled_from(Unit),
)
def test_pass_needs_a_value_a_sample_and_the_comparison(
    value: float | None, n: int, comparator: str, threshold: float, policy: NoData, unit: Unit
) -> None:
    asked = replace(RATE, comparator=comparator, threshold=threshold, no_data=policy, unit=unit, minimum_sample=20)
    found = judged(asked, reading(value, n))
    if found.verdict is Verdict.PASS:
        assert value is not None
        assert n >= 20
        assert holds(value, comparator, threshold)
