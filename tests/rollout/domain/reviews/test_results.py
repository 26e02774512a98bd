"""When an issue's score is final, what counts of it, and what a few scores show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import factorial, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews.results import (
    WEIGHTED,
    Outcome,
    Ruling,
    Seat,
    Standing,
    Verdict,
    figure,
    grouped,
    known,
    outcome,
    share_of,
    target_of,
)
from rollout.domain.reviews.scoring import Criterion

AT = datetime(2026, 11, 9, 10, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=3)
CRITERIA = (Criterion("persona", "Persona", 40, 0.9), Criterion("inputs", "Inputs", 60, 0.7))


def seat(persona: int | None = 4, inputs: int | None = 4, at: datetime | None = AT, **values: object) -> Seat:
    made = Seat("ana", at, ratings={"persona": persona, "inputs": inputs}, weighted=0.9)
    return replace(made, **values)  # type: ignore[arg-type]  # whatever a case names


def told(*seats: Seat, ruling: Ruling | None = None) -> Outcome:
    return outcome(CRITERIA, seats, ruling)


def test_one_submitted_review_is_final_as_it_is() -> None:
    found = told(seat(4, 3))
    assert (found.standing, found.at, found.weighted) == (Standing.FINAL, AT, 0.9)
    assert found.shares == {"persona": 1.0, "inputs": 0.75}


def test_two_reviews_that_agree_are_their_mean_since_the_later_one() -> None:
    found = told(seat(4, 4), seat(4, 3, LATER, weighted=0.8))
    assert (found.standing, found.at) == (Standing.FINAL, LATER)
    assert found.weighted == pytest.approx(0.85)
    assert found.shares == {"persona": 1.0, "inputs": 0.875}


def test_n_a_of_one_reviewer_leaves_the_other_one_s_rating() -> None:
    assert told(seat(4, None), seat(4, 4)).shares["inputs"] == 1.0
    assert told(seat(4, None)).shares["inputs"] is None


def test_disagreement_is_pending_even_before_anybody_opened_an_adjudication() -> None:
    found = told(seat(4, 4), seat(1, 4))
    assert (found.standing, found.weighted) == (Standing.PENDING, None)
    assert "disagree" in found.reason


def test_open_adjudication_is_pending() -> None:
    assert told(seat(), seat(), ruling=Ruling()).standing is Standing.PENDING


def test_settled_adjudication_counts_instead_of_both_reviews() -> None:
    found = told(seat(4, 4), seat(1, 1), ruling=Ruling(LATER, {"persona": 2, "inputs": None}))
    assert (found.standing, found.at, found.weighted) == (Standing.FINAL, LATER, 0.5)
    assert found.shares == {"persona": 0.5, "inputs": None}


RATING = st.one_of(st.none(), st.integers(0, 4))
SEATS = st.builds(seat, RATING, RATING, st.sampled_from([None, AT, LATER]), skipped=st.booleans())


@given(SEATS, SEATS)
def test_order_of_two_seats_does_not_matter(one: Seat, other: Seat) -> None:
    assert told(one, other) == told(other, one)


@given(SEATS, SEATS)
def test_mean_lies_between_the_two_reviews(one: Seat, other: Seat) -> None:
    found = told(one, other)
    for slug, share in found.shares.items():
        given_ = [mark for mark in (one.share(slug), other.share(slug)) if mark is not None]
        assert share is None or min(given_) <= share <= max(given_)


@pytest.mark.parametrize(
    ("seats", "standing", "said"),
    [
        ((), Standing.PENDING, "Nobody has been asked"),
        ((seat(), seat(at=None)), Standing.PENDING, "1 review not submitted yet"),
        ((seat(at=None, skipped=True),), Standing.LEFT_OUT, "skipped"),
        ((seat(), seat(at=None, skipped=True)), Standing.FINAL, "One review"),
    ],
)
def test_waiting_seats_wait_and_skipped_ones_are_left_out(
    seats: tuple[Seat, ...], standing: Standing, said: str
) -> None:
    found = told(*seats)
    assert found.standing is standing
    assert said in found.reason


def test_what_one_of_two_readers_finds_unclear_is_unclear() -> None:
    found = told(seat(clear=True, right=None), seat(clear=False, right=None))
    assert (found.clear, found.right) == (False, None)


def test_ten_perfect_scores_do_not_meet_a_target_of_90_percent() -> None:
    found = figure([1.0] * 10, 0.9)
    assert (found.value, found.n, found.verdict) == (1.0, 10, Verdict.OPEN)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.733, abs=0.001)


@pytest.mark.parametrize(
    ("scores", "verdict", "said"),
    [
        ([], Verdict.NOTHING, "Nothing of it is final yet"),
        ([None], Verdict.NOTHING, "Nothing of it is final yet"),
        ([1.0] * 40, Verdict.MET, "whole interval is above 90 %"),
        ([0.75] * 10, Verdict.BELOW, "whole interval is at or below 90 %"),
        ([1.0] * 5, Verdict.OPEN, "it takes 10 scores and an interval"),
        ([0.75, 1.0] * 2 + [0.75] * 6, Verdict.OPEN, "So far at or below 90 %"),
        ([1.0, 0.75] * 10, Verdict.OPEN, "it takes an interval"),
    ],
)
def test_verdict_needs_the_whole_interval(scores: list[float | None], verdict: Verdict, said: str) -> None:
    found = figure(scores, 0.9)
    assert found.verdict is verdict
    assert said in found.sentence


def test_nine_scores_meet_nothing_however_low_the_target() -> None:
    assert figure([1.0] * 9, 0.1).verdict is Verdict.OPEN
    assert figure([1.0] * 10, 0.1).verdict is Verdict.MET


def test_score_that_equals_its_target_falls_short_of_it() -> None:
    assert figure([0.75] * 20, 0.75).is_short


def test_figure_without_a_target_has_no_verdict_of_its_own() -> None:
    assert (figure([1.0] * 40).verdict, figure([1.0] * 40).sentence) == (Verdict.OPEN, "")


RATED = {
    "9 of 10 a 4, else 3": {4: 0.9, 3: 0.1},
    "9 of 10 a 4, else 1": {4: 0.9, 1: 0.1},
    "97 of 100 a 4, else 0": {4: 0.97, 0: 0.03},
    "99 of 100 a 4, else 0": {4: 0.99, 0: 0.01},
    "4, some 3, few 1": {4: 0.8, 3: 0.15, 1: 0.05},
    "4, 3 and 2": {4: 0.6, 3: 0.3, 2: 0.1},
    "half 4, half 2": {4: 0.5, 2: 0.5},
}


def counts(n: int, kinds: int) -> Iterator[tuple[int, ...]]:
    """Every way in which n scores may fall into so many kinds."""
    if kinds == 1:
        yield (n,)
        return
    for first in range(n + 1):
        yield from ((first, *rest) for rest in counts(n - first, kinds - 1))


@pytest.mark.parametrize("rated", RATED.values(), ids=RATED.keys())
@pytest.mark.parametrize(("n", "least"), [(10, 0.98), (40, 0.95)])
def test_interval_holds_the_mean_as_often_as_it_says(rated: dict[int, float], n: int, least: float) -> None:
    """Over every possible sample, each with its probability."""
    mean = sum(rating * chance for rating, chance in rated.items()) / 4
    covered = 0.0
    for drawn in counts(n, len(rated)):
        bounds = figure([rating / 4 for rating, count in zip(rated, drawn, strict=True) for _ in range(count)]).interval
        ways = factorial(n) / prod(factorial(count) for count in drawn)
        chance = ways * prod(share**count for share, count in zip(rated.values(), drawn, strict=True))
        assert bounds is not None
        covered += chance * (bounds.low <= mean <= bounds.high)
    assert covered >= least


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=50), st.floats(0, 1))
def test_met_and_below_are_never_on_the_wrong_side_of_the_mean(scores: list[float], target: float) -> None:
    found = figure(scores, target)
    if found.verdict is Verdict.MET:
        assert not found.is_short
    if found.verdict is Verdict.BELOW:
        assert found.is_short


def test_share_counts_who_could_say() -> None:
    found = share_of([True, True, None, False])
    assert (found.yes, found.n) == (2, 3)
    assert found.value == pytest.approx(2 / 3)
    assert share_of([None]).interval is None


def test_weighted_target_is_that_of_all_criteria() -> None:
    assert target_of(CRITERIA, WEIGHTED) == pytest.approx(0.4 * 0.9 + 0.6 * 0.7)
    assert target_of(CRITERIA, "inputs") == 0.7
    assert target_of(CRITERIA, "gone") is None


def test_criteria_of_several_versions_are_matched_by_slug_and_the_newest_wins() -> None:
    newer = (Criterion("inputs", "Inputs, all of them", 100, 0.8),)
    assert known([CRITERIA, newer]) == [newer[0], CRITERIA[0]]


def test_rows_are_grouped_by_name() -> None:
    assert grouped(["b1", "a1", "b2"], lambda row: row[0]) == {"a": ["a1"], "b": ["b1", "b2"]}
