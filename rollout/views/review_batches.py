"""A batch as its page shows it: who has which seat and how far it is, never what was scored; whose week it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q

from rollout.domain.reviews import weeks
from rollout.models import Review, ReviewBatch, Sample, TeamMember
from rollout.services.reviews import teams
from rollout.services.reviews.seats import UNFINISHED

WEEKS_OFFERED = 8


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One issue of a batch with its seats; `may_change`: it can still be taken out."""

    sample: Sample
    seats: Sequence[Review]
    may_change: bool


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    seats: int

    @property
    def sentence(self) -> str:
        return f"{self.done} of {self.seats} reviews done"


def lines(batch: ReviewBatch) -> list[SampleLine]:
    """Every issue in the order of its position, those that were taken out as well."""
    rows = batch.samples.select_related("issue").prefetch_related("reviews__reviewer").order_by("position")
    found = []
    for row in rows:
        seats = sorted(row.reviews.all(), key=lambda seat: seat.seat)
        scored = any(seat.state == Review.State.SUBMITTED for seat in seats)
        is_open = batch.state == ReviewBatch.State.OPEN and row.replaced_at is None
        found.append(SampleLine(row, seats, is_open and not scored))
    return found


def progress(batch: ReviewBatch) -> Progress:
    """Seats that are submitted or skipped, of those at issues that still stand."""
    counts = Review.objects.filter(sample__batch=batch, sample__replaced_at=None).aggregate(
        all=Count("pk"), left=Count("pk", filter=Q(state__in=UNFINISHED))
    )
    return Progress(counts["all"] - counts["left"], counts["all"])


def replaced(batch: ReviewBatch) -> list[dict[str, Any]]:
    """What a person took out after the draw, as it is noted."""
    return [entry for entry in batch.excluded if "came" in entry]


def left_out(batch: ReviewBatch) -> list[dict[str, Any]]:
    """What the draw itself left out, each with its reason."""
    return [entry for entry in batch.excluded if "came" not in entry]


def weeks_offered(now: datetime) -> list[tuple[str, str]]:
    """(Monday, words) of the weeks that a lead may draw, the last one that is over first, this one last."""
    this = weeks.monday_of(now)
    past = [this - weeks.WEEK * back for back in range(1, WEEKS_OFFERED + 1)]
    return [
        *((day.isoformat(), _week_words(day)) for day in past),
        (this.isoformat(), f"{_week_words(this)}, not over yet"),
    ]


def _week_words(monday: date) -> str:
    return f"{monday:%d %b} to {monday + timedelta(days=6):%d %b %Y}"


def candidates(seat: Review) -> list[tuple[str, str]]:
    """(user's id, name with team) of everybody in a team who may score, but whoever has the seat."""
    rows = TeamMember.objects.filter(active=True, team__active=True, user__in=teams.scorers())
    rows = rows.exclude(user=seat.reviewer).select_related("user", "team").order_by("team__order", "user__username")
    found: dict[int, str] = {}
    for row in rows:
        found.setdefault(row.user_id, f"{row.user.get_username()} ({row.team})")
    return [(str(key), words) for key, words in found.items()]


def status(now: datetime) -> dict[str, Any]:
    """Whose week it is and every open batch, as plain values."""
    rows = (
        ReviewBatch.objects.filter(state=ReviewBatch.State.OPEN).select_related("repository").order_by("due_at", "pk")
    )
    return {"duty": teams.duty(now).reason, "open": [_facts(row, now) for row in rows]}


def _facts(batch: ReviewBatch, now: datetime) -> dict[str, Any]:
    found = progress(batch)
    late = " OVERDUE," if now > batch.due_at else ""
    nobody = Review.objects.filter(
        sample__batch=batch, sample__replaced_at=None, reviewer=None, state__in=UNFINISHED
    ).count()
    free = f", {nobody} without a reviewer" if nobody else ""
    return {
        "batch": batch.pk,
        "repository": batch.repository.full_name,
        "week": batch.week.isoformat(),
        "calibration": batch.is_calibration,
        "due": batch.due_at.isoformat(),
        "done": found.done,
        "seats": found.seats,
        "says": f"{batch}, {batch.repository}:{late} {found.sentence}{free}, due {batch.due_at:%a %d %b %H:%M} UTC.",
    }


def reviewers(batch: ReviewBatch) -> list[tuple[User, int, int]]:
    """(who, done, seats) for everybody with a seat that still stands, by name."""
    rows = Review.objects.filter(sample__batch=batch, sample__replaced_at=None, reviewer__isnull=False)
    found: dict[User, list[int]] = {}
    for row in rows.select_related("reviewer").order_by("reviewer__username"):
        if row.reviewer is not None:
            counts = found.setdefault(row.reviewer, [0, 0])
            counts[0] += row.state not in UNFINISHED
            counts[1] += 1
    return [(user, done, seats) for user, (done, seats) in found.items()]
