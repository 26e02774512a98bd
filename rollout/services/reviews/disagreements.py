"""Two reviews of one issue that differ too much: a third person, who sees both, decides. The originals stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import scoring as arithmetic
from rollout.domain.reviews.scoring import SCALE, Ratings
from rollout.models import Adjudication, Review, Sample
from rollout.services import record
from rollout.services.reviews import closing, conflicts, notices
from rollout.services.reviews.marks import criteria_of, ratings_of

MAX_COMMENT = 2_000


def pair(sample: Sample) -> list[Review]:
    """The submitted reviews of an issue that is scored twice, by seat."""
    rows = sample.reviews.filter(state=Review.State.SUBMITTED).select_related("reviewer")
    return list(rows.order_by("seat")[:2])


def open_if_needed(sample: Sample) -> Adjudication | None:
    """Call it in the transaction of a submit, under the lock. Calibration rounds are talked over, not settled."""
    both = pair(sample)
    if len(both) < 2 or sample.batch.is_calibration:
        return None
    why = arithmetic.disagreement(criteria_of(sample.batch.rubric), ratings_of(both[0]), ratings_of(both[1]))
    if not why:
        return None
    found, is_new = Adjudication.objects.get_or_create(
        sample=sample, defaults={"reason": why[:500], "opened_at": clock.now()}
    )
    if is_new:
        notices.disputed(found)
    return found


def why_not(adjudication: Adjudication, user: User) -> str:
    """Why this person cannot settle it, in one sentence; empty: they can."""
    if adjudication.state != Adjudication.State.OPEN:
        return f"It was settled by {adjudication.adjudicator}; that stands."
    if any(review.reviewer_id == user.pk for review in pair(adjudication.sample)):
        return "You wrote one of the two reviews, so somebody else settles this."
    hand = conflicts.of_person(adjudication.sample.issue, user)
    if hand:
        return f"Somebody else settles this, because {user.get_username()} {hand}."
    return ""


def choose(adjudication: Adjudication, user: User, review: Review, comment: str) -> Adjudication:
    """One of the two reviews is right as it is."""
    if review.pk not in {each.pk for each in pair(adjudication.sample)}:
        raise NotPossible("Choose one of the two reviews of this issue.")
    return _settle(adjudication, user, ratings_of(review), comment, chosen=review)


def rescore(adjudication: Adjudication, user: User, ratings: Mapping[str, int | None], comment: str) -> Adjudication:
    """Neither is: the adjudicator's own ratings, each criterion rated or N/A."""
    criteria = criteria_of(adjudication.sample.batch.rubric)
    missing = [each.text for each in criteria if each.slug not in ratings]
    if missing:
        raise NotPossible(f"Rate every criterion or choose N/A; missing: {', '.join(missing)}.")
    if any(rating is not None and not 0 <= rating <= SCALE for rating in ratings.values()):
        raise NotPossible(f"A rating is 0 to {SCALE}.")
    return _settle(adjudication, user, {each.slug: ratings[each.slug] for each in criteria}, comment)


def _settle(
    adjudication: Adjudication, user: User, ratings: Ratings, comment: str, chosen: Review | None = None
) -> Adjudication:
    said = comment.replace("\0", "").strip()[:MAX_COMMENT]  # a NUL is no text to PostgreSQL
    if not said:
        raise NotPossible("Say in one sentence why; both reviewers read it. Nothing was settled.")
    found = arithmetic.result(criteria_of(adjudication.sample.batch.rubric), ratings)
    with transaction.atomic():
        batch = closing.lock(adjudication.sample.batch)
        adjudication.refresh_from_db()
        refused = why_not(adjudication, user)
        if refused:
            raise NotPossible(refused)
        values: dict[str, Any] = {
            "state": Adjudication.State.SETTLED,
            "adjudicator": user.get_username(),
            "chosen": chosen,
            "ratings": dict(ratings),
            "weighted": found.weighted,
            "met": found.met,
            "comment": said,
            "settled_at": clock.now(),
        }
        if not Adjudication.objects.filter(pk=adjudication.pk, state=Adjudication.State.OPEN).update(**values):
            raise NotPossible("Somebody else settled it a moment ago; look again.")
        adjudication.refresh_from_db()
        record.need_person(user.get_username(), "Settling a disagreement")
        # No figure: others of the batch may not have scored yet, and the log is read by all.
        audit.append(
            actor=user.get_username(),
            action="disagreement.settled",
            subject=str(adjudication),
            reason="One of the two reviews was chosen." if chosen else "Scored anew.",
            evidence={"adjudication": adjudication.pk},
        )
        closing.close_if_done(batch)
    return adjudication
