"""Reviewed samples in short: rows as a submit leaves them, without going through claims."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from pipeline.models import Repository
from rollout.domain.reviews import scoring
from rollout.models import Adjudication, Improvement, Review, ReviewBatch, Rubric, Sample, Score
from rollout.services.reviews.marks import criteria_of
from tests.factories import MOMENT
from tests.rollout import factories as make

Ratings = Sequence[int | None]
MONDAY = MOMENT.date()  # weeks are counted from here
WEEK = timedelta(days=7)


def make_week(repository: Repository, weeks_ago: int = 1, **values: Any) -> ReviewBatch:
    """The batch of a week before MOMENT's, by one rubric for all unless told."""
    rubric = values.pop("rubric", None) or Rubric.objects.order_by("pk").first() or make.make_rubric()
    return make.make_batch(repository=repository, week=MONDAY - weeks_ago * WEEK, rubric=rubric, **values)


def make_submitted(
    batch: ReviewBatch,
    *seats: Ratings,
    at: datetime = MOMENT,
    reviewers: Sequence[User] = (),
    tags: Sequence[str] = (),
    comment: str = "It is short of it.",
    clear: bool | None = True,
    right: bool | None = True,
    **values: Any,
) -> Sample:
    """One sample, a submitted seat for each `seats`; the tags stand on every criterion that is not above target."""
    sample = make.make_sample(batch=batch, is_double=len(seats) > 1, **values)
    for place, ratings in enumerate(seats):
        person = reviewers[place] if place < len(reviewers) else make.make_person()
        submit(sample, ratings, person, at=at, tags=tags, comment=comment, clear=clear, right=right)
    return sample


def submit(sample: Sample, ratings: Ratings, person: User, *, at: datetime = MOMENT, **values: Any) -> Review:
    criteria = criteria_of(sample.batch.rubric)
    given = {each.slug: rating for each, rating in zip(criteria, ratings, strict=True)}
    found = scoring.result(criteria, given)
    review = make.make_review(
        sample=sample,
        reviewer=person,
        state=Review.State.SUBMITTED,
        submitted_at=at,
        weighted=found.weighted,
        met=found.met,
        assignment_clear=values.get("clear", True),
        assessment_right=values.get("right", True),
    )
    rows = {row.slug: row for row in sample.batch.rubric.criteria.all()}
    for each in criteria:
        low = scoring.needs_comment(each, given[each.slug])
        Score.objects.create(
            review=review,
            criterion=rows[each.slug],
            rating=given[each.slug],
            comment=values.get("comment", "It is short of it.") if low else "",
            tags=list(values.get("tags", ())) if low else [],
        )
    return review


def settle(sample: Sample, ratings: Ratings, at: datetime) -> Adjudication:
    given = {each.slug: rating for each, rating in zip(criteria_of(sample.batch.rubric), ratings, strict=True)}
    return make.make_adjudication(sample=sample, state=Adjudication.State.SETTLED, settled_at=at, ratings=given)


def week(weeks_ago: int = 1) -> date:
    return MONDAY - weeks_ago * WEEK


PERFECT: Ratings = (4, 4, 4, 4, 4)
GOOD: Ratings = (4, 4, 3, 4, 4)
POOR_INPUTS: Ratings = (4, 4, 1, 4, 4)


def make_results(repository: Repository, text: str) -> tuple[Score, Improvement]:
    """Two weeks of reviews with foreign `text` wherever there can be some, a calibration round, a changed task."""
    people = [make.make_person(name) for name in ("rosa", "remy", "ruth")]
    for weeks_ago in (2, 1):
        batch = make_week(repository, weeks_ago, state=ReviewBatch.State.DONE, closed_at=MOMENT)
        for ratings in (PERFECT, GOOD, POOR_INPUTS, POOR_INPUTS):
            make_submitted(batch, ratings, GOOD, title=text, comment=text, tags=["template"], reviewers=people)
            make_submitted(batch, ratings, title=text, comment=text, tags=["template", "data"], reviewers=people)
    round_ = make_week(repository, 1, is_calibration=True, state=ReviewBatch.State.DONE, closed_at=MOMENT)
    make_submitted(round_, PERFECT, GOOD, POOR_INPUTS, reviewers=people)
    task = make.make_improvement(
        repository=repository,
        text=text,
        owner="rosa",
        state=Improvement.State.CHANGED,
        link="https://github.example/acme/watch/pull/7",
        changed_at=MOMENT - 12 * timedelta(days=1),
        opened_at=MOMENT - 20 * timedelta(days=1),
    )
    return Score.objects.filter(review__sample__batch__repository=repository).latest("pk"), task
