"""Sheets of reviewers for tests, and a batch with two seats at one sample."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from rollout.domain.reviews.sheets import Mark, Sheet
from rollout.models import Review, ReviewBatch
from rollout.services.reviews import claims, scoring
from tests.rollout import factories as make

SLUGS = tuple(slug for slug, *_ in make.CRITERIA)


def sheet(*ratings: str, **values: Any) -> Sheet:
    """All fours and two yes, or these ratings; what needs a comment has one."""
    given = ratings or ("4",) * len(SLUGS)
    marks = {
        slug: Mark(rating, "" if rating == "4" else "It does not say where to look.", ())
        for slug, rating in zip(SLUGS, given, strict=True)
    }
    return Sheet(**{"marks": marks, "checks": {"assignment_clear": "yes", "assessment_right": "yes"}, **values})


def seated(*reviewers: User, batch: ReviewBatch | None = None, **values: Any) -> list[Review]:
    """One sample with a seat for each reviewer."""
    sample = make.make_sample(batch=batch or make.make_batch(), is_double=len(reviewers) > 1)
    return [make.make_review(sample=sample, reviewer=person, **values) for person in reviewers]


def scored(seat: Review, *ratings: str) -> Review:
    """Claimed and submitted by its reviewer."""
    assert seat.reviewer is not None
    mine = claims.claim(seat.pk, seat.reviewer)
    return scoring.submit(mine.pk, seat.reviewer, mine.epoch, sheet(*ratings))


def who(seat: Review) -> User:
    """The reviewer of a seat that has one."""
    assert seat.reviewer is not None
    return seat.reviewer
