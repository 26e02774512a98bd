"""Seats at a batch's samples: given by load, reassigned, closed, passed on; samples replaced. Always with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Max

from pipeline import clock
from pipeline.models import Issue
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import rotation, sampling
from rollout.domain.reviews.rotation import Seat
from rollout.models import Review, ReviewBatch, Sample, TeamMember
from rollout.services import record
from rollout.services.reviews import closing, conflicts, frames, notices, teams

UNFINISHED = (Review.State.OPEN, Review.State.CLAIMED)
EVERYBODY = "Everybody of the team scores every issue of a calibration round."


@dataclass(frozen=True, slots=True)
class Refill:
    """What comes in for an issue that was taken out, if anything, and who was next but is passed over: number → why."""

    sample: Sample | None
    passed: Mapping[int, str]


def take_places(batch: ReviewBatch, now: datetime, samples: Iterable[Sample] | None = None) -> list[Review]:
    """Seat 1 of every sample, seat 2 of those that are scored twice, by load; all members in a calibration round."""
    rows = list(batch.samples.filter(replaced_at=None)) if samples is None else list(samples)
    members = teams.available(batch.team, now, batch.due_at) if batch.team else []
    seats = [
        Seat(row.position, number, conflicts.barred(row.issue, members))
        for row in rows
        for number in ((1, 2) if row.is_double else (1,))
    ]
    users = {member.user.get_username(): member.user for member in members}
    by_position = {row.position: row for row in rows}
    made = [
        Review(
            sample=by_position[seated.sample],
            seat=seated.number,
            reviewer=users[seated.person] if seated.person else None,
            assigned_reason=seated.reason if batch.team else batch.team_reason,
        )
        for seated in rotation.seat_all(seats, teams.people_of(members, now))
    ]
    return Review.objects.bulk_create(made)


def add_sample(batch: ReviewBatch, issue: Issue, position: int, *, is_double: bool) -> Sample:
    """The issue's texts as they stand now."""
    texts = frames.texts_of(issue.body)
    return Sample.objects.create(
        batch=batch,
        issue=issue,
        position=position,
        is_double=is_double,
        workflow=issue.workflow.slug if issue.workflow else "",
        specialist=issue.specialist.slug if issue.specialist else "",
        title=issue.title,
        discovery=texts.discovery,
        assessment=texts.assessment,
        guidance=texts.guidance,
        assignment=texts.assignment,
        guidance_sha256=texts.sha256,
        html_url=issue.html_url,
    )


def may_sit(seat: Review, user: User) -> str:
    """Why a user may not take this seat, as the end of a sentence about them; empty: they may."""
    member = TeamMember.objects.filter(user=user, active=True, team__active=True).select_related("user").first()
    if member is None or not user.is_active:
        return "is in no review team"
    if not teams.scorers().filter(pk=user.pk).exists():
        return "has no permission to score samples"
    rows = TeamMember.objects.filter(user=user, active=True).select_related("user")
    why = conflicts.barred(seat.sample.issue, rows).get(user.get_username(), "")
    if why and not seat.sample.batch.is_calibration:
        return why
    if Review.objects.filter(sample=seat.sample, reviewer=user).exclude(pk=seat.pk).exists():
        return "scores this issue already"
    return ""


def reassign(review_id: int, to: User, *, by: str, reason: str) -> Review:
    """Give an unfinished seat to somebody else; what was typed before is dropped. A lead may go beyond a cap."""
    record.need_reason(reason)
    with transaction.atomic():
        seat = _unfinished(review_id)
        if seat.reviewer_id == to.pk:
            raise NotPossible(f"{to.get_username()} has this review already.")
        why = may_sit(seat, to)
        if why:
            raise NotPossible(f"{to.get_username()} cannot take it, because this person {why}; choose somebody else.")
        before = seat.reviewer.get_username() if seat.reviewer else ""
        _give(seat, to, f"Reassigned by {by}: {reason.strip()}")
        _log(seat, by, "review.reassigned", reason, before={"reviewer": before}, after={"reviewer": to.get_username()})
    return _fetch(review_id)


def pass_on(review_id: int, now: datetime | None = None) -> Review:
    """After somebody gave it back: to whoever may and has the fewest; else it stays open and the lead is told.

    To be called in the transaction in which `declined` was written.
    """
    now = now or clock.now()
    seat = _fetch(review_id)
    batch = seat.sample.batch
    members = teams.available(batch.team, now, max(now, batch.due_at)) if batch.team else []
    barred = {str(entry.get("by", "")): "gave it back" for entry in seat.declined}
    others = Review.objects.filter(sample=seat.sample, reviewer__isnull=False).exclude(pk=seat.pk)
    barred |= {
        row.reviewer.get_username(): "scores it already" for row in others.select_related("reviewer") if row.reviewer
    }
    barred |= conflicts.barred(seat.sample.issue, members)
    place = Seat(seat.sample.position, seat.seat, barred)
    found = rotation.seat_all([place], teams.people_of(members, now))[0]
    user = next((row.user for row in members if row.user.get_username() == found.person), None)
    if user is None:
        Review.objects.filter(pk=seat.pk, reviewer=None).update(assigned_reason=found.reason)
        notices.nobody_takes(seat, found.reason)
    else:
        _give(seat, user, found.reason)
    return _fetch(review_id)


def close_seat(review_id: int, *, by: str, reason: str) -> None:
    """A seat that nobody can take, or a second score that is given up: it counts as skipped."""
    record.need_reason(reason)
    with transaction.atomic():
        seat = _unfinished(review_id)
        said = f"Closed by {by}: {reason.strip()}"[:500]
        _change(seat, state=Review.State.SKIPPED, skipped_reason=said, claimed_until=None)
        _log(seat, by, "review.closed", reason)
        closing.close_if_done(seat.sample.batch)


def replace(sample_id: int, *, by: str, reason: str, refill: bool = True, now: datetime | None = None) -> Sample | None:
    """Take an issue out of an open batch; with `refill` the next by rank of its workflow comes in, if there is one.

    Refused once anybody has submitted a score of it, so that nobody chooses the figures. What came in is noted in
    `excluded`, so that the draw can be verified with its replacements; so is, with the reason, what was next but is
    passed over, because it cannot be reviewed any more.
    """
    record.need_reason(reason)
    now = now or clock.now()
    with transaction.atomic():
        row = Sample.objects.select_related("batch__team", "issue").get(pk=sample_id)
        batch = closing.lock(row.batch)
        _may_be_replaced(row, batch)
        if not Sample.objects.filter(pk=row.pk, replaced_at=None).update(
            replaced_at=now, replaced_reason=reason.strip()[:500]
        ):
            raise NotPossible(f"#{row.issue.number} was taken out of this batch already.")
        came = _refill(batch, row, now) if refill and not batch.is_calibration else Refill(None, {})
        _note_replaced(batch, row, came, by, reason, refill, now)
        _close_without(batch, now)
    return came.sample


def _may_be_replaced(row: Sample, batch: ReviewBatch) -> None:
    if batch.state != ReviewBatch.State.OPEN:
        raise NotPossible(f"This batch is {batch.get_state_display()}; nothing is replaced in it any more.")
    if row.reviews.filter(state=Review.State.SUBMITTED).exists():
        raise NotPossible(f"#{row.issue.number} was scored already, and a scored issue stays in the figures.")


def _refill(batch: ReviewBatch, row: Sample, now: datetime) -> Refill:
    taken = set(batch.samples.values_list("issue__number", flat=True))
    frame, passed = sampling.from_stored(batch.frame), dict[int, str]()
    while entry := sampling.instead(frame, batch.seed, taken | passed.keys(), row.workflow):
        rows = Issue.objects.select_related("workflow", "specialist").filter(repository=batch.repository_id)
        issue = rows.filter(number=entry.number).first()
        why = frames.why_stale(issue, entry.guidance) if issue else "The issue is not known any more."
        if issue is None or why:
            passed[entry.number] = why
            continue
        last = batch.samples.aggregate(last=Max("position"))["last"] or 0
        came = add_sample(batch, issue, last + 1, is_double=row.is_double)
        take_places(batch, now, [came])
        return Refill(came, passed)
    return Refill(None, passed)


def _note_replaced(
    batch: ReviewBatch, row: Sample, came: Refill, by: str, reason: str, refill: bool, now: datetime
) -> None:
    entry = {
        "number": row.issue.number,
        "reason": reason.strip()[:500],
        "by": by,
        "at": now.isoformat(),
        "workflow": row.workflow,
        "refill": refill,
        "came": came.sample.issue.number if came.sample else None,
        "passed": list(came.passed),
    }
    passed = [
        {"number": number, "reason": f"Passed over in place of #{row.issue.number}: {why}"}
        for number, why in came.passed.items()
    ]
    batch.excluded = [*batch.excluded, *passed, entry]
    batch.save(update_fields=["excluded"])
    audit.append(
        actor=by,
        action="sample.replaced" if refill else "sample.excluded",
        subject=str(row)[:200],
        reason=reason,
        before={"issue": row.issue.number},
        after={"issue": entry["came"], "passed": entry["passed"]},
        evidence={"batch": batch.pk},
    )


def _close_without(batch: ReviewBatch, now: datetime) -> None:
    """The last issue may have gone, or the last one that was still to be scored."""
    if batch.samples.filter(replaced_at=None).exists():
        closing.close_if_done(batch)
        return
    note = f"{batch.note} Every issue of the sample was taken out.".strip()
    ReviewBatch.objects.filter(pk=batch.pk).update(state=ReviewBatch.State.EMPTY, closed_at=now, note=note[:500])


def _unfinished(review_id: int) -> Review:
    """The seat under its batch's lock, if it can still be given away."""
    closing.lock(_fetch(review_id).sample.batch)
    seat = _fetch(review_id)
    if seat.sample.replaced_at is not None or seat.sample.batch.state != ReviewBatch.State.OPEN:
        raise NotPossible("Its batch is closed or its issue was replaced; there is nothing to reassign.")
    if seat.state not in UNFINISHED:
        raise NotPossible(f"This review is {seat.get_state_display()} and stays with who made it.")
    return seat


def _give(seat: Review, to: User, reason: str) -> None:
    try:
        with transaction.atomic():
            _change(
                seat,
                reviewer=to,
                state=Review.State.OPEN,
                assigned_reason=reason[:300],
                claimed_until=None,
                draft={},
                draft_saved_at=None,
            )
    except IntegrityError:
        raise NotPossible(f"{to.get_username()} has just taken the other seat of this issue.") from None


def _change(seat: Review, **values: Any) -> None:
    same = Review.objects.filter(pk=seat.pk, epoch=seat.epoch, state=seat.state)
    if not same.update(epoch=F("epoch") + 1, **values):
        raise NotPossible("This review has changed meanwhile; look at the batch again.")


def _fetch(review_id: int) -> Review:
    return Review.objects.select_related("sample__batch__team", "sample__issue", "reviewer").get(pk=review_id)


def _log(seat: Review, by: str, action: str, reason: str, **values: Any) -> None:
    audit.append(actor=by, action=action, subject=str(seat)[:200], reason=reason, evidence={"seat": seat.pk}, **values)
