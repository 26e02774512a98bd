"""Reviewed samples as the domain reckons with them: for the pages, for exports, and for the registry of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet

from rollout.domain.measures import Row
from rollout.domain.reviews import results
from rollout.domain.reviews.results import Outcome, Ruling, Seat, Standing
from rollout.domain.reviews.scoring import Criterion
from rollout.metrics import guidance
from rollout.models import Adjudication, Review, ReviewBatch, Rubric, Sample
from rollout.services.reviews.queue import FROM_POOL

LEAD = "rollout.reassign_review"  # who may see the figures of single reviewers
POOLED = 4  # weeks
TREND = 8  # weeks


@dataclass(frozen=True, slots=True)
class Scored:
    """One drawn issue that still stands in its batch, and what counts of it."""

    sample: Sample
    criteria: tuple[Criterion, ...]
    seats: tuple[Seat, ...]
    outcome: Outcome

    @property
    def week(self) -> date:
        return self.sample.batch.week

    @property
    def team(self) -> str:
        team = self.sample.batch.team
        return team.name if team else "no team"

    @property
    def is_final(self) -> bool:
        return self.outcome.standing is Standing.FINAL


def weeks_back(week: date, count: int) -> date:
    """The Monday of the first of `count` weeks that end with `week`."""
    return week - timedelta(weeks=count - 1)


def read(repository_id: int, first: date, last: date, hidden: Iterable[int] = ()) -> list[Scored]:
    """The samples of the weeks `first` to `last` (Mondays), oldest first; none of calibration rounds or of `hidden`."""
    rows = _samples().filter(batch__repository_id=repository_id, batch__week__range=(first, last))
    return [scored(row) for row in rows.exclude(batch__in=list(hidden))]


def read_calibration(repository_id: int, first: date, last: date, hidden: Iterable[int] = ()) -> list[Scored]:
    """The same of calibration rounds, which count in no figure."""
    rows = _samples(calibration=True).filter(batch__repository_id=repository_id, batch__week__range=(first, last))
    return [scored(row) for row in rows.exclude(batch__in=list(hidden))]


def finals(rows: Iterable[Scored]) -> list[Scored]:
    return [row for row in rows if row.is_final]


def scored(sample: Sample) -> Scored:
    """For a row of `_samples`, or one whose relations may be asked for."""
    criteria = tuple(
        Criterion(row.slug, row.text, row.weight, row.target) for row in sample.batch.rubric.criteria.all()
    )
    seats = tuple(_seat(review) for review in sorted(sample.reviews.all(), key=lambda row: row.seat))
    return Scored(sample, criteria, seats, results.outcome(criteria, seats, _ruling(sample)))


def versions(rows: Sequence[Scored]) -> list[Rubric]:
    """The rubrics by which they were scored, the newest last."""
    found = {row.sample.batch.rubric_id: row.sample.batch.rubric for row in rows}
    return sorted(found.values(), key=lambda rubric: (rubric.published_at or rubric.created_at, rubric.pk))


def criteria_of(rows: Sequence[Scored]) -> list[Criterion]:
    """All their criteria, each slug once, as the newest version has it."""
    of_rubric = {row.sample.batch.rubric_id: row.criteria for row in rows}
    return results.known([of_rubric[rubric.pk] for rubric in versions(rows)])


def newest_criteria(rows: Sequence[Scored]) -> tuple[Criterion, ...]:
    """The criteria of the newest rubric among them, and no others."""
    newest = versions(rows)[-1:]
    return next((row.criteria for row in rows if row.sample.batch.rubric in newest), ())


def hidden_from(user: User | AbstractBaseUser | AnonymousUser) -> frozenset[int]:
    """Open batches in which this person still has to score, or could take a seat that their team has free or may have
    again: no figures of these before their own reviews are in. A lead too: figures of single reviewers tell the
    other's ratings.
    """
    if not isinstance(user, User):
        return frozenset()
    waiting = Review.objects.filter(
        sample__batch__state=ReviewBatch.State.OPEN,
        sample__replaced_at=None,
        state__in=[Review.State.OPEN, Review.State.CLAIMED],
    )
    members = "sample__batch__team__members__"
    theirs = Q(**{f"{members}user": user, f"{members}active": True})
    free = Q(reviewer=None) | Q(state=Review.State.CLAIMED, assigned_reason=FROM_POOL)  # whose claim may run out
    return frozenset(waiting.filter(Q(reviewer=user) | (theirs & free)).values_list("sample__batch", flat=True))


class ReviewScores(guidance.NoScores):
    """Where the metric `guidance_quality` finds its scores; `rollout.services.surveys` adds the survey's."""

    def reviews(self, repository_id: int, start: datetime, end: datetime, workflow: str) -> Sequence[guidance.Score]:
        """Final scores of batches that were done between `start` and `end`, both counted; `workflow` empty: all.

        Of batches that are done only: gates and evaluations show this figure to everybody, and who still scores a
        batch must not see what others made of it. So it is the end of the batch that dates its scores: one that was
        held back by a late seat is in the same window as the others.
        """
        done = ReviewBatch.State.DONE
        rows = _samples().filter(
            batch__repository_id=repository_id, batch__state=done, batch__closed_at__range=(start, end)
        )
        if workflow:
            rows = rows.filter(workflow=workflow)
        return [
            guidance.Score(Row("rollout.sample", row.pk), weighted, row.batch.closed_at)
            for row in rows
            if (weighted := scored(row).outcome.weighted) is not None and row.batch.closed_at is not None
        ]


def _samples(*, calibration: bool = False) -> QuerySet[Sample]:
    rows = Sample.objects.filter(batch__is_calibration=calibration, replaced_at=None)
    related = rows.select_related("batch__team", "batch__rubric", "issue", "adjudication")
    prefetched = related.prefetch_related("batch__rubric__criteria", "reviews__reviewer", "reviews__scores__criterion")
    # Of the batch without its frame, which may hold a week's every issue and would come with each row.
    return prefetched.defer("batch__frame", "batch__excluded").order_by("batch__week", "batch_id", "position")


def _seat(review: Review) -> Seat:
    scores = list(review.scores.all())
    return Seat(
        reviewer=review.reviewer.get_username() if review.reviewer else "",
        submitted_at=review.submitted_at if review.state == Review.State.SUBMITTED else None,
        skipped=review.state == Review.State.SKIPPED,
        ratings={score.criterion.slug: score.rating for score in scores},
        weighted=review.weighted,
        tags={score.criterion.slug: tuple(score.tags) for score in scores},
        comments={score.criterion.slug: score.comment for score in scores},
        clear=review.assignment_clear,
        right=review.assessment_right,
    )


def _ruling(sample: Sample) -> Ruling | None:
    row: Adjudication | None = getattr(sample, "adjudication", None)
    return None if row is None else Ruling(row.settled_at, row.ratings)
