"""Krippendorff's alpha against published figures and by hand, its limits, and deviations in a calibration round."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews.agreement import (
    Difference,
    Marginals,
    Units,
    agreement,
    alpha,
    deviations,
    nominal,
    ordinal,
)

# Krippendorff (2011), section C: four observers, twelve units, values 1 to 5, "." missing.
PUBLISHED = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def published() -> Units:
    return [[None if mark == "." else int(mark) for mark in unit] for unit in zip(*PUBLISHED, strict=True)]


def interval(one: int, other: int, marginals: Marginals) -> Fraction:
    return Fraction((one - other) ** 2)


def ratio(one: int, other: int, marginals: Marginals) -> Fraction:
    return Fraction(one - other, one + other) ** 2


@pytest.mark.parametrize(
    ("difference", "figure"), [(nominal, 0.743), (ordinal, 0.815), (interval, 0.849), (ratio, 0.797)]
)
def test_alpha_is_as_published(difference: Difference, figure: float) -> None:
    assert alpha(published(), difference) == pytest.approx(figure, abs=0.0005)


def test_alpha_of_two_raters_is_as_reckoned_by_hand() -> None:
    """Pairs 4-4, 4-3, 3-3, 2-3. Given: one 2, four 3s, three 4s; n = 8.

    Squared ranks apart: 2-3 (5 − 5/2)² = 6.25; 3-4 (7 − 7/2)² = 12.25; 2-4 (8 − 2)² = 36.
    Observed 2 × (6.25 + 12.25) = 37; expected 2 × (4 × 6.25 + 12 × 12.25 + 3 × 36) = 560; 1 − 7 × 37 ÷ 560.
    """
    assert alpha([[4, 4], [4, 3], [3, 3], [2, 3]]) == pytest.approx(1 - 7 * 37 / 560)


@pytest.mark.parametrize(
    "units",
    [[], [[3]], [[3, None], [None, 4]], [[4, 4], [4, 4], [4, None]]],
    ids=["none", "one", "no pair", "all equal"],
)
def test_alpha_is_undefined_without_a_pair_or_without_variation(units: Units) -> None:
    assert alpha(units) is None


def test_opposite_raters_are_worse_than_chance() -> None:
    found = alpha([[0, 4], [4, 0], [0, 4], [4, 0]])
    assert found is not None
    assert found < 0


UNITS = st.lists(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=2, max_size=4), max_size=12)


@given(UNITS)
def test_alpha_is_never_above_1(units: Units) -> None:
    found = alpha(units)
    assert found is None or found <= 1


@given(UNITS, st.randoms(use_true_random=False))
def test_order_of_units_and_raters_does_not_matter(units: list[list[int | None]], chance: Random) -> None:
    other = [list(ratings) for ratings in units]
    for ratings in other:
        chance.shuffle(ratings)
    chance.shuffle(other)
    assert alpha(other) == alpha(units)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=12), st.integers(2, 4))
def test_perfect_agreement_with_variation_is_1(ratings: list[int], raters: int) -> None:
    found = alpha([[rating] * raters for rating in ratings])
    assert found == (1 if len(set(ratings)) > 1 else None)


@given(UNITS)
def test_what_was_rated_once_or_not_at_all_changes_nothing(units: list[list[int | None]]) -> None:
    assert alpha([*units, [3, None], [None, None]]) == alpha(units)


def test_agreement_counts_pairs_and_how_far_they_are_apart() -> None:
    found = agreement([[4, 4], [4, 3, 1], [2, None]])
    assert (found.units, found.pairs, found.same, found.apart) == (2, 4, 1, 2)


@pytest.mark.parametrize(
    ("units", "word", "said"),
    [
        ([], "not enough data", "No issue was rated twice"),
        ([[4, 3]] * 9, "not enough data", "9 pairs, it takes 10"),
        ([[4, 4]] * 10, "undefined", "everybody always gave the same one"),
        ([[4, 4], [1, 1]] * 5, "reliable", "10 of 10 pairs gave the same rating"),
        ([[4, 4], [1, 1]] * 8 + [[4, 1]] * 2, "tentative", "2 were two points or more apart"),
        ([[4, 1], [1, 4]] * 5, "not reliable", "0 of 10 pairs"),
    ],
)
def test_agreement_in_words(units: Units, word: str, said: str) -> None:
    found = agreement(units)
    assert found.word == word
    assert said in found.sentence


def test_answers_of_yes_and_no_are_not_points_apart() -> None:
    found = agreement([[1, 1], [0, 1]] * 5, nominal)
    assert (found.same, found.apart) == (5, None)
    assert found.sentence == "5 of 10 pairs gave the same answer."


def test_deviation_is_from_the_median_of_the_group() -> None:
    found = deviations([{"ana": 4, "ben": 3, "cleo": 1}, {"ana": 4, "ben": 4, "cleo": 2}, {"ana": 2, "ben": None}])
    assert (found["ana"].n, found["ana"].mean, found["ana"].largest) == (2, 0.5, 1)
    assert (found["ben"].mean, found["ben"].largest) == (0, 0)
    assert (found["cleo"].mean, found["cleo"].largest) == (-2, -2)


def test_nobody_deviates_where_only_one_has_rated() -> None:
    assert deviations([{"ana": 4}, {"ben": None}, {}]) == {}
