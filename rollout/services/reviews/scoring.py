"""Submitting a review: checked, written once with its marks, and compared with the other one where there is one."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import scoring as arithmetic
from rollout.domain.reviews import sheets
from rollout.domain.reviews.scoring import Criterion
from rollout.domain.reviews.sheets import Sheet
from rollout.models import Review, Score
from rollout.services.reviews import claims, closing, disagreements, marks


class Incomplete(NotPossible):
    """What the sheet lacks: `faults` by field, one sentence each."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = faults
        super().__init__(f"Not submitted yet: {len(faults)} thing{'s are' if len(faults) > 1 else ' is'} missing.")


def submit(review_id: int, user: User, epoch: int, sheet: Sheet) -> Review:
    """Write the review and its marks, once. Sent twice, the second says nothing; under an old epoch: `claims.Lost`."""
    with transaction.atomic():
        batch = closing.lock(claims.fetch(review_id).sample.batch)
        review = claims.fetch(review_id)
        if _sent_again(review, user, epoch):
            return review
        if not _holds(review, user, epoch):
            raise claims.Lost(claims.why_lost(review, user))
        criteria = marks.criteria_of(batch.rubric)
        missing = sheets.faults(sheet, criteria, marks.asked_of(review.sample))
        if missing:
            raise Incomplete(missing)
        _write(review, user, sheet, criteria)
        _log(review, user)
        disagreements.open_if_needed(review.sample)
        closing.close_if_done(batch)
    return review


def _sent_again(review: Review, user: User, epoch: int) -> bool:
    return review.state == Review.State.SUBMITTED and review.reviewer_id == user.pk and review.epoch == epoch


def _holds(review: Review, user: User, epoch: int) -> bool:
    mine = review.reviewer_id == user.pk and review.epoch == epoch and review.state == Review.State.CLAIMED
    return mine and review.sample.replaced_at is None and review.sample.batch.state == "open"


def _write(review: Review, user: User, sheet: Sheet, criteria: tuple[Criterion, ...]) -> None:
    ratings = sheet.ratings()
    found = arithmetic.result(criteria, ratings)
    claimed = Review.objects.filter(pk=review.pk, reviewer=user, epoch=review.epoch, state=Review.State.CLAIMED)
    if not claimed.update(
        state=Review.State.SUBMITTED,
        submitted_at=clock.now(),
        claimed_until=None,
        draft={},
        assignment_clear=sheet.check("assignment_clear"),
        assessment_right=sheet.check("assessment_right"),
        for_calibration=sheet.for_calibration,
        weighted=found.weighted,
        met=found.met,
    ):
        raise claims.Lost(claims.why_lost(claims.fetch(review.pk), user))
    rows = {row.slug: row for row in review.sample.batch.rubric.criteria.all()}
    Score.objects.bulk_create(
        Score(
            review=review,
            criterion=rows[each.slug],
            rating=ratings[each.slug],
            comment=sheet.mark(each.slug).comment,
            tags=list(sheet.mark(each.slug).tags),
        )
        for each in criteria
    )
    review.refresh_from_db()


def _log(review: Review, user: User) -> None:
    # No mark and no figure, neither seat nor batch: the log is read by people who have not scored yet.
    audit.append(
        actor=user.get_username(),
        action="review.submitted",
        subject=f"review of #{review.sample.issue.number}",
        reason="Scored and submitted.",
        evidence={"seat": review.pk, "epoch": review.epoch},
    )
