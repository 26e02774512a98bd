"""What reviewers and leads are told of a batch, through the outbox: Slack, and mail to those whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.urls import reverse

from rollout.models import Adjudication, Review, ReviewBatch, Rollout
from rollout.services import announcements, links
from rollout.services.reconcile import AT_WORK
from rollout.services.reviews import teams


def drawn(batch: ReviewBatch) -> None:
    """Its reviewers and leads: what there is to do, until when, and what nobody can take."""
    seats = list(_seats(batch))
    free = [seat for seat in seats if seat.reviewer is None]
    told = {seat.reviewer for seat in seats if seat.reviewer is not None} | set(teams.leads(batch))
    lines = [
        f"{called(batch)}: {batch.samples.count()} issues, due {batch.due_at:%a %d %b %H:%M} UTC.",
        "" if batch.is_calibration else batch.team_reason,
        batch.note,
        *(f"Nobody has seat {seat.seat} of #{seat.sample.issue.number}: {seat.assigned_reason}" for seat in free),
        where(batch),
    ]
    subject = f"Guidance to review: {batch.repository}"
    tell(batch, f"reviews:{batch.pk}:drawn", subject, [line for line in lines if line], told)


def called(batch: ReviewBatch) -> str:
    """Its name to reviewers, who are not to know which issues calibrate."""
    return f"{batch.repository}" if batch.is_calibration else f"{batch}, {batch.repository}"


def where(batch: ReviewBatch) -> str:
    """Its page, which reviewers do not have of an open calibration round: there, their queue."""
    queue = links.absolute(reverse("admin:rollout_review_queue"))
    return f"Your queue: {queue}" if batch.is_calibration else f"The batch: {links.of('reviewbatch', batch.pk)}"


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


def disputed(row: Adjudication) -> None:
    """The leads: somebody who wrote neither review decides, and until then the batch stays open. No mark is told."""
    batch, number = row.sample.batch, row.sample.issue.number
    tell(
        batch,
        f"reviews:{batch.pk}:dispute:{row.pk}",
        f"Two reviewers disagree: #{number}",
        [f"{batch}, {batch.repository}: somebody else settles it: {links.of('adjudication', row.pk)}"],
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
