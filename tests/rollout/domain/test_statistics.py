"""Intervals and quantiles, against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.statistics import bounded_interval, mean, mean_interval, quantile, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe (1998), table I, method 3 (score without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_newcombe(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([low, high], abs=5e-5)


def test_wilson_of_ten_of_ten_ends_at_one() -> None:
    found = wilson(10, 10)
    assert found is not None
    assert found.low == pytest.approx(0.7225, abs=5e-5)
    assert found.high == 1.0


def test_wilson_without_sample_is_none() -> None:
    assert wilson(0, 0) is None


def test_wilson_of_more_hits_than_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2 is not a share"):
        wilson(3, 2)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_lies_within_0_and_1_around_the_share(case: tuple[int, int]) -> None:
    hits, n = case
    found = wilson(hits, n)
    assert found is not None
    assert 0 <= found.low <= hits / n <= found.high <= 1


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_narrows_with_the_sample(case: tuple[int, int]) -> None:
    hits, n = case
    small, large = wilson(hits, n), wilson(10 * hits, 10 * n)
    assert small is not None
    assert large is not None
    assert large.high - large.low < small.high - small.low


def test_mean_interval_agrees_with_a_textbook_sample() -> None:
    # Ten weights, mean 10.0, s = 2.0 by construction: t(9) = 2.2622, so ± 1.4307 …
    values = [8.0, 12.0] * 5
    found = mean_interval(values)
    half = 2.2622 * (10 / 9 * 4) ** 0.5 / 10**0.5
    assert found is not None
    assert [found.low, found.high] == pytest.approx([10 - half, 10 + half])


def test_mean_interval_of_large_samples_nears_the_normal_one() -> None:
    found = mean_interval([0.0, 1.0] * 500)
    assert found is not None
    assert found.high - 0.5 == pytest.approx(1.9623 * 0.50025 / 1000**0.5, rel=1e-4)


def test_mean_interval_of_one_value_is_none() -> None:
    assert mean_interval([4.0]) is None


@pytest.mark.parametrize(("n", "low"), [(1, 0.0), (10, 0.733), (35, 0.918), (40, 0.928), (73, 0.960)])
def test_bounded_interval_of_perfect_values_leaves_room_for_what_was_not_seen(n: int, low: float) -> None:
    found = bounded_interval([1.0] * n)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([low, 1.0], abs=0.0005)


def test_bounded_interval_is_students_of_the_values_and_both_ends() -> None:
    found = bounded_interval([0.75, 1.0, 0.5, 0.75])
    ends = mean_interval([0.75, 1.0, 0.5, 0.75, 0.0, 1.0])
    assert found is not None
    assert ends is not None
    assert (found.low, found.high) == (ends.low, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_bounded_interval_holds_the_mean_and_stays_within_0_and_1(values: list[float]) -> None:
    found = bounded_interval(values)
    assert found is not None
    middle = mean(values)
    assert middle is not None
    assert 0 <= found.low <= middle + 1e-12
    assert middle - 1e-12 <= found.high <= 1


def test_bounded_interval_of_nothing_is_none_and_of_points_is_refused() -> None:
    assert bounded_interval([]) is None
    with pytest.raises(ValueError, match="divide by the scale"):
        bounded_interval([3.0, 4.0])


@pytest.mark.parametrize(("share", "value"), [(0.0, 15), (0.05, 16), (0.3, 23), (0.4, 29), (0.5, 35), (1.0, 50)])
def test_quantile_interpolates_between_neighbours(share: float, value: float) -> None:
    assert quantile([50, 15, 40, 20, 35], share) == pytest.approx(value)


def test_quantile_and_mean_without_values_are_none() -> None:
    assert quantile([], 0.95) is None
    assert mean([]) is None


def test_quantile_outside_0_and_1_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile([1.0], 1.5)
