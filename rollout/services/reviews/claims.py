"""Claiming a seat, so that two reviewers never score one: compare-and-set with an epoch, two hours, renewed by saving.

Nobody sweeps: a claim that ran out is seen to be free by whoever asks next. Until somebody takes it, the late
reviewer goes on as if nothing had happened; afterwards their epoch is old and every save is refused.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews.sheets import Sheet, from_stored
from rollout.models import Review, ReviewBatch, Sample
from rollout.services import record
from rollout.services.reviews import closing, queue, seats

TTL = timedelta(hours=2)


class Lost(NotPossible):
    """The seat is not, or no longer, claimed by who asks; what they typed is still on their page."""


def start_next(user: User, batch: ReviewBatch | None = None) -> Review:
    """The user's live claim, or the next seat, claimed now. NotPossible when nothing is left."""
    now = clock.now()
    for seat in queue.next_seats(user, now, batch):
        if _live(seat, user, now) or _take(seat, user, now):
            return fetch(seat.pk)
    raise NotPossible("Nothing is left for you to score; the next sample is drawn on Monday.")


def claim(review_id: int, user: User) -> Review:
    """This seat of the user's own, claimed now; a live claim goes on as it is."""
    now, seat = clock.now(), fetch(review_id)
    if seat.reviewer_id != user.pk or seat.state not in queue.UNFINISHED:
        raise Lost(why_lost(seat, user))
    if not (_live(seat, user, now) or _take(seat, user, now)):
        raise Lost(why_lost(fetch(review_id), user))
    return fetch(review_id)


def save_draft(review_id: int, user: User, epoch: int, sheet: Sheet) -> datetime:
    """Keep what is typed so far and renew the claim; until when it holds."""
    now = clock.now()
    until = now + TTL
    held = _held(review_id, user, epoch)
    draft = {"by": user.pk, "sheet": sheet.stored()}
    if not held.update(draft=draft, draft_saved_at=now, claimed_until=until):
        raise Lost(why_lost(fetch(review_id), user))
    return until


def draft_of(review: Review, user: User, slugs: list[str]) -> Sheet:
    """What the user had typed; another's draft is not shown."""
    if review.draft.get("by") != user.pk:
        return Sheet()
    return from_stored(review.draft.get("sheet", {}), slugs)


def release(review_id: int, user: User, epoch: int) -> None:
    """Let go: an assigned seat stays the user's, one from the pool is anybody's. The draft stays."""
    seat = fetch(review_id)
    values: dict[str, Any] = {"state": Review.State.OPEN, "claimed_until": None, "epoch": F("epoch") + 1}
    if seat.assigned_reason == queue.FROM_POOL:
        values |= {"reviewer": None, "assigned_reason": ""}
    if not _held(review_id, user, epoch).update(**values):
        raise Lost(why_lost(fetch(review_id), user))


def decline(review_id: int, user: User, reason: str) -> None:
    """Give an own seat back for good: the next of the team who may takes it, else it waits and the lead is told."""
    record.need_reason(reason)
    with transaction.atomic():
        seat = _unfinished(review_id, user)
        if seat.sample.batch.is_calibration:
            # Not told why: calibration items look like any other.
            raise NotPossible("This issue cannot be given to somebody else; skip it instead, with your reason.")
        entry = {"by": user.get_username(), "at": clock.now().isoformat(), "reason": reason.strip()[:500]}
        _change(
            seat,
            user,
            state=Review.State.OPEN,
            reviewer=None,
            assigned_reason="",
            claimed_until=None,
            draft={},
            declined=[*seat.declined, entry],
        )
        _log(seat, user, "review.declined", reason)
        seats.pass_on(seat.pk)


def skip(review_id: int, user: User, reason: str) -> None:
    """This issue cannot be scored by anybody, for example because its guidance is gone. The seat counts as done."""
    record.need_reason(reason)
    with transaction.atomic():
        seat = _unfinished(review_id, user)
        _change(seat, user, state=Review.State.SKIPPED, skipped_reason=reason.strip()[:500], claimed_until=None)
        _log(seat, user, "review.skipped", reason)
        closing.close_if_done(seat.sample.batch)


def fetch(review_id: int) -> Review:
    rows = Review.objects.select_related("sample__batch__rubric", "sample__issue", "reviewer")
    return rows.defer(*queue.HEAVY).get(pk=review_id)


def why_lost(seat: Review, user: User) -> str:
    """Why a claim does not hold, in one sentence that says what to do."""
    if seat.sample.replaced_at:
        return "This issue was replaced in the sample, so it is not scored any more; start the next one."
    if seat.reviewer_id == user.pk and seat.state == Review.State.SUBMITTED:
        return "You have submitted this review; it cannot be changed any more."
    if seat.reviewer_id == user.pk and seat.state == Review.State.SKIPPED:
        return "You have skipped this issue; start the next one."
    if seat.reviewer_id == user.pk and seat.sample.batch.state == ReviewBatch.State.OPEN:
        return "You released or opened this issue again elsewhere, so this page is old; open it from your queue."
    if seat.sample.batch.state != ReviewBatch.State.OPEN:
        return "This batch is closed, so nothing is scored in it any more."
    if seat.reviewer_id is None:
        return "You do not have this issue any more, because it was given back; start the next one."
    why = "Your claim ran out or a lead moved the review, and somebody else has this issue now"
    return f"{why}; copy what you typed, then start the next one."


def _live(seat: Review, user: User, now: datetime) -> bool:
    mine = seat.state == Review.State.CLAIMED and seat.reviewer_id == user.pk
    return mine and seat.claimed_until is not None and seat.claimed_until > now


def _take(seat: Review, user: User, now: datetime) -> bool:
    """Compare-and-set; False: somebody was first."""
    values: dict[str, Any] = {
        "state": Review.State.CLAIMED,
        "reviewer": user,
        "claimed_until": now + TTL,
        "started_at": now,
        "epoch": F("epoch") + 1,
    }
    row = _as_seen(seat)
    if seat.reviewer_id != user.pk:
        values["assigned_reason"] = queue.FROM_POOL
        row = row.filter(claimed_until=seat.claimed_until)  # a save renews it under the same epoch
    if seat.draft.get("by") != user.pk:
        values["draft"] = {}
    try:
        with transaction.atomic():
            return bool(row.update(**values))
    except IntegrityError:  # the user has the other seat of this issue since a moment
        return False


def _as_seen(seat: Review) -> Any:
    """The row, if it is still as it was read. No join: PostgreSQL would look at the old row again after waiting."""
    seen = Review.objects.filter(pk=seat.pk, epoch=seat.epoch, state=seat.state, reviewer=seat.reviewer_id)
    return seen.filter(sample__in=_open_samples())


def _held(review_id: int, user: User, epoch: int) -> Any:
    rows = Review.objects.filter(pk=review_id, reviewer=user, epoch=epoch, state=Review.State.CLAIMED)
    return rows.filter(sample__in=_open_samples())


def _open_samples() -> Any:
    return Sample.objects.filter(replaced_at=None, batch__state=ReviewBatch.State.OPEN).values("pk")


def _unfinished(review_id: int, user: User) -> Review:
    """The user's own seat, under its batch's lock."""
    closing.lock(fetch(review_id).sample.batch)
    seat = fetch(review_id)
    if seat.reviewer_id != user.pk or seat.state not in queue.UNFINISHED:
        raise Lost(why_lost(seat, user))
    return seat


def _change(seat: Review, user: User, **values: Any) -> None:
    if not _as_seen(seat).update(epoch=F("epoch") + 1, **values):
        raise Lost(why_lost(fetch(seat.pk), user))


def _log(seat: Review, user: User, action: str, reason: str) -> None:
    # Neither seat nor batch: reviewers read the log, and would know what is scored twice, and what calibrates.
    subject = f"review of #{seat.sample.issue.number}"
    audit.append(actor=user.get_username(), action=action, subject=subject, reason=reason, evidence={"seat": seat.pk})
