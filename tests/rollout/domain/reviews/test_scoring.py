"""Weighted scores, verdicts and disagreements of reviews."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews import scoring
from rollout.domain.reviews.scoring import Criterion

PLAN = (
    Criterion("persona", "Persona appropriateness", 20, 0.90),
    Criterion("objectives", "Actionable objectives", 25, 0.95),
    Criterion("input", "Input completeness", 20, 0.90),
    Criterion("deliverables", "Deliverable clarity", 25, 0.95),
    Criterion("acceptance", "Acceptance criteria specificity", 10, 0.85),
)
RATINGS = st.fixed_dictionaries({each.slug: st.none() | st.integers(0, 4) for each in PLAN})


def rated(*values: int | None) -> dict[str, int | None]:
    return dict(zip((each.slug for each in PLAN), values, strict=True))


def test_full_marks_meet_the_plan_and_one_point_less_on_the_lightest_still_does() -> None:
    best, nearly = scoring.result(PLAN, rated(4, 4, 4, 4, 4)), scoring.result(PLAN, rated(4, 4, 4, 4, 3))

    assert (best.weighted, best.target, best.met) == (1.0, 0.92, True)
    assert (nearly.weighted, nearly.met) == (0.975, True)


def test_score_below_the_weighted_target_is_not_met() -> None:
    found = scoring.result(PLAN, rated(4, 3, 4, 3, 4))

    assert (found.weighted, found.met) == (0.875, False)


def test_not_applicable_leaves_the_denominator_and_the_target() -> None:
    found = scoring.result(PLAN, rated(None, 4, None, 4, None))

    assert (found.weighted, found.target, found.met) == (1.0, 0.95, True)


def test_nothing_rated_is_no_verdict() -> None:
    assert scoring.result(PLAN, rated(None, None, None, None, None)) == scoring.Result(None, None, None)
    assert scoring.result(PLAN, {}) == scoring.Result(None, None, None)


@pytest.mark.parametrize(("target", "met"), [(0.7499, True), (0.75, False), (0.7501, False)])
def test_score_equal_to_its_target_is_not_met(target: float, met: bool) -> None:
    criteria = [Criterion("one", "One", 30, target), Criterion("two", "Two", 70, target)]

    assert scoring.result(criteria, {"one": 3, "two": 3}).met is met
    assert scoring.above_target(criteria[0], 3) is met


@given(RATINGS)
def test_weighted_score_is_a_share(ratings: dict[str, int | None]) -> None:
    found = scoring.result(PLAN, ratings)

    assert found.weighted is None or 0 <= found.weighted <= 1
    assert (found.weighted is None) == (found.met is None) == all(value is None for value in ratings.values())


@given(RATINGS, st.randoms(use_true_random=False))
def test_order_of_criteria_does_not_matter(ratings: dict[str, int | None], chance: random.Random) -> None:
    shuffled = chance.sample(PLAN, len(PLAN))

    assert scoring.result(shuffled, ratings) == scoring.result(PLAN, ratings)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.integers(1, 12))
def test_equal_weights_give_the_plain_mean(values: list[int], weight: int) -> None:
    criteria = [Criterion(str(place), "", weight, 0.9) for place in range(len(values))]
    ratings: dict[str, int | None] = {str(place): value for place, value in enumerate(values)}

    assert scoring.result(criteria, ratings).weighted == pytest.approx(sum(values) / len(values) / 4)


@given(RATINGS, st.sampled_from(PLAN))
def test_a_better_rating_never_lowers_score_or_verdict(ratings: dict[str, int | None], at: Criterion) -> None:
    before = ratings[at.slug]
    if before is None or before == scoring.SCALE:
        return
    worse, better = scoring.result(PLAN, ratings), scoring.result(PLAN, {**ratings, at.slug: before + 1})

    assert worse.weighted is not None
    assert better.weighted is not None
    assert better.weighted > worse.weighted
    assert bool(better.met) >= bool(worse.met)


@pytest.mark.parametrize("rating", [-1, 5])
def test_rating_outside_the_scale_is_refused(rating: int) -> None:
    with pytest.raises(ValueError, match="0 to 4"):
        scoring.share(rating)


@pytest.mark.parametrize(("rating", "needed"), [(4, False), (3, True), (0, True), (None, True)])
def test_comment_is_needed_unless_above_target(rating: int | None, needed: bool) -> None:
    assert scoring.needs_comment(PLAN[0], rating) is needed


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ((4, 4, 4, 4, 4), (4, 4, 4, 4, 4), ""),
        ((4, 4, 4, 4, 4), (4, 4, 4, 4, 3), ""),
        ((4, 4, 4, 4, 4), (4, 4, 4, 4, 2), "Acceptance criteria specificity: 2 points apart."),
        ((4, 4, 4, 4, 4), (4, 3, 4, 3, 4), "The verdicts differ: met and not met."),
        ((4, 4, 4, 4, 4), (4, 4, 4, 4, None), ""),
        ((4, 4, 4, 4, None), (4, 4, 4, 4, 3), "Acceptance criteria specificity: N/A and 3, which is below target."),
        ((None,) * 5, (None,) * 5, ""),
        ((None,) * 5, (4, 4, 4, 4, 4), "The verdicts differ: nothing rated and met."),
    ],
)
def test_two_reviews_disagree(one: tuple[int | None], other: tuple[int | None], says: str) -> None:
    assert scoring.disagreement(PLAN, rated(*one), rated(*other)) == says
    assert bool(scoring.disagreement(PLAN, rated(*other), rated(*one))) is bool(says)


@given(RATINGS)
def test_nobody_disagrees_with_themselves(ratings: dict[str, int | None]) -> None:
    assert scoring.disagreement(PLAN, ratings, dict(ratings)) == ""
