"""Kaplan–Meier against published values and against what it must be without censoring."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.survival import Curve, Observation, kaplan_meier

# Weeks of remission under 6-MP and under placebo, + censored: Freireich et al. (1963), the example that textbooks work
# out (for one Kleinbaum & Klein, "Survival Analysis"), with Greenwood's standard errors.
FREIREICH = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def curve(text: str) -> Curve:
    """ "6 9+": an event at 6, one censored at 9."""
    return kaplan_meier(Observation(float(word.rstrip("+")), not word.endswith("+")) for word in text.split())


@pytest.mark.parametrize(
    ("week", "survival", "at_risk", "deviation"),
    [
        (6, 0.857, 21, 0.0764),
        (7, 0.807, 17, 0.0869),
        (10, 0.753, 15, 0.0963),
        (13, 0.690, 12, 0.1068),
        (16, 0.627, 11, 0.1141),
        (22, 0.538, 7, 0.1282),
        (23, 0.448, 6, 0.1346),
    ],
)
def test_remission_times_agree_with_the_published_table(
    week: int, survival: float, at_risk: int, deviation: float
) -> None:
    step = next(step for step in curve(FREIREICH).steps if step.time == week)
    assert step.survival == pytest.approx(survival, abs=5e-4)
    assert step.deviation == pytest.approx(deviation, abs=5e-5)
    assert step.at_risk == at_risk


def test_median_remission_is_as_published() -> None:
    assert curve(FREIREICH).quantile(0.5) == 23
    assert curve(PLACEBO).quantile(0.5) == 8


def test_log_log_band_of_the_placebo_group_is_as_published() -> None:
    # As R's survfit(conf.type = "log-log") prints it: 8 (4, 11).
    assert curve(PLACEBO).quantile_band(0.5) == (4, 11)


def test_log_log_band_of_the_treated_group_is_as_published() -> None:
    found = curve(FREIREICH)
    band = found.happened_band(10)
    assert band is not None
    assert (1 - band.high, 1 - band.low) == pytest.approx((0.503, 0.889), abs=5e-4)
    assert found.quantile_band(0.5) == (13, None)


def test_curve_says_nothing_beyond_the_last_that_was_looked_at() -> None:
    found = curve("2 5+ 9+")
    assert found.survival(9) == pytest.approx(2 / 3)
    assert found.survival(10) is None
    assert curve("2 5 9").survival(100) == 0.0


def test_quantile_that_is_not_reached_is_none() -> None:
    assert curve("1 5+ 5+ 5+").quantile(0.5) is None
    assert curve("1 2 3 4 5").quantile(0.8) == 4  # 1 − 0.8 in binary must not ask for the next one


def test_nothing_observed_says_nothing() -> None:
    found = kaplan_meier([])
    assert (found.n, found.longest, found.survival(0), found.quantile(0.5)) == (0, None, None, None)
    assert found.quantile_band(0.5) == (None, None)


def test_band_of_the_last_event_without_anybody_left_is_none() -> None:
    last = curve("1 2 3").steps[-1]
    assert (last.survival, last.deviation, last.band) == (0.0, None, None)


@pytest.mark.parametrize("time", [-1.0, float("nan"), float("inf")])
def test_time_that_is_none_is_refused(time: float) -> None:
    with pytest.raises(ValueError, match="A time is a number from 0 on"):
        kaplan_meier([Observation(time, True)])


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_quantile_outside_0_and_1_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        curve("1 2").quantile(share)


TIMES = st.integers(0, 30).map(float)
OBSERVATIONS = st.lists(st.builds(Observation, TIMES, st.booleans()), max_size=25)


@settings(max_examples=50)
@given(st.lists(TIMES, min_size=1, max_size=25), TIMES)
def test_without_censoring_it_is_one_minus_the_plain_share(times: list[float], at: float) -> None:
    found = kaplan_meier(Observation(time, True) for time in times)
    assert found.survival(at) == pytest.approx(sum(time > at for time in times) / len(times), abs=1e-12)


@settings(max_examples=50)
@given(OBSERVATIONS)
def test_curve_only_falls_and_stays_between_0_and_1_within_its_band(observations: list[Observation]) -> None:
    found = kaplan_meier(observations)
    values = [1.0, *(step.survival for step in found.steps), 0.0]
    assert values == sorted(values, reverse=True)
    for step in found.steps:
        if step.band is not None:
            assert 0 <= step.band.low <= step.survival <= step.band.high <= 1


@settings(max_examples=50)
@given(OBSERVATIONS, st.integers(1, 5))
def test_censoring_after_the_last_event_changes_nothing_before(observations: list[Observation], later: int) -> None:
    last = max((one.time for one in observations if one.happened), default=0.0)
    moved = [one if one.happened or one.time < last else Observation(one.time + later, False) for one in observations]
    assert [step.survival for step in kaplan_meier(moved).steps] == [
        step.survival for step in kaplan_meier(observations).steps
    ]


@settings(max_examples=50)
@given(OBSERVATIONS, st.randoms(use_true_random=False))
def test_order_of_observations_does_not_matter(observations: list[Observation], random: Random) -> None:
    shuffled = list(observations)
    random.shuffle(shuffled)
    assert kaplan_meier(shuffled) == kaplan_meier(observations)


@settings(max_examples=50)
@given(OBSERVATIONS, st.sampled_from([0.25, 0.5, 0.8, 0.95]))
def test_quantile_is_the_first_time_by_which_the_share_has_happened(
    observations: list[Observation], share: float
) -> None:
    found = kaplan_meier(observations)
    time = found.quantile(share)
    if time is None:
        assert all(step.survival > 1 - share for step in found.steps)
        return
    happened = found.happened(time)
    assert happened is not None
    assert happened >= share - 1e-9
    assert all(step.survival > 1 - share for step in found.steps if step.time < time)
