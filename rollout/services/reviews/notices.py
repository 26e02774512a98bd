"""What reviewers and leads are told of a batch, through the outbox: Slack, and mail to those whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User

from rollout.models import Review, ReviewBatch, Rollout
from rollout.services import announcements, links
from rollout.services.reconcile import AT_WORK
from rollout.services.reviews import teams


def drawn(batch: ReviewBatch) -> None:
    """Its reviewers and leads: what there is to do, until when, and what nobody can take."""
    seats = list(_seats(batch))
    free = [seat for seat in seats if seat.reviewer is None]
    told = {seat.reviewer for seat in seats if seat.reviewer is not None} | set(teams.leads(batch))
    what = "Calibration round" if batch.is_calibration else "Guidance to review"
    lines = [
        f"{batch}, {batch.repository}: {batch.samples.count()} issues, due {batch.due_at:%a %d %b %H:%M} UTC.",
        batch.team_reason,
        batch.note,
        *(f"Nobody has seat {seat.seat} of #{seat.sample.issue.number}: {seat.assigned_reason}" for seat in free),
        f"The batch: {links.of('reviewbatch', batch.pk)}",
    ]
    tell(batch, f"reviews:{batch.pk}:drawn", f"{what}: {batch.repository}", [line for line in lines if line], told)


def nobody_takes(seat: Review, why: str) -> None:
    """The lead, after somebody gave a review back and nobody else can take it."""
    batch = seat.sample.batch
    tell(
        batch,
        f"reviews:{batch.pk}:seat:{seat.pk}:{len(seat.declined)}",
        f"A review that nobody can take: #{seat.sample.issue.number}",
        [why, f"Reassign it, or close the seat: {links.of('reviewbatch', batch.pk)}"],
        teams.leads(batch),
    )


def tell(batch: ReviewBatch, key: str, subject: str, lines: Iterable[str], users: Iterable[User]) -> None:
    """Once per key and channel; mail only to those who have an address. Joins the transaction."""
    addresses = sorted({user.email for user in users if user.email})
    announcements.announce(
        Rollout.objects.filter(repository=batch.repository_id, state__in=AT_WORK).first(),
        key=key,
        subject=subject,
        body="\n".join(lines),
        channels=("slack", "email") if addresses else ("slack",),
        recipients=addresses,
    )


def _seats(batch: ReviewBatch) -> Iterable[Review]:
    rows = Review.objects.filter(sample__batch=batch, sample__replaced_at=None)
    return rows.select_related("reviewer", "sample__issue").order_by("sample__position", "seat")
