"""A rubric's criteria and a review's ratings as the domain calculates with them."""

from __future__ import annotations

from rollout.domain.reviews import sheets
from rollout.domain.reviews.scoring import Criterion, Ratings
from rollout.models import Review, Rubric, Sample


def criteria_of(rubric: Rubric) -> tuple[Criterion, ...]:
    rows = rubric.criteria.order_by("order", "pk")
    return tuple(Criterion(row.slug, row.text, row.weight, row.target) for row in rows)


def ratings_of(review: Review) -> Ratings:
    return {score.criterion.slug: score.rating for score in review.scores.select_related("criterion")}


def asked_of(sample: Sample) -> list[str]:
    """The checks that apply: a text that does not exist is not judged."""
    texts = {"assignment_clear": sample.assignment, "assessment_right": sample.assessment}
    return [name for name in sheets.CHECKS if texts[name].strip()]
