"""A batch is done when every seat is submitted or skipped and no disagreement is open."""

from __future__ import annotations

from pipeline import clock
from pipeline.services import audit
from rollout.models import Adjudication, Review, ReviewBatch

RULE = "rule:reviews done"


def lock(batch: ReviewBatch) -> ReviewBatch:
    """Whoever finishes a seat stands in line here, so that the last of them sees all others."""
    return ReviewBatch.objects.select_for_update().get(pk=batch.pk)


def close_if_done(batch: ReviewBatch) -> bool:
    """Call it in the transaction, under the lock, in which a seat or a disagreement was finished."""
    seats = Review.objects.filter(sample__batch=batch, sample__replaced_at=None)
    waiting = seats.filter(state__in=[Review.State.OPEN, Review.State.CLAIMED])
    disputed = Adjudication.objects.filter(sample__batch=batch, state=Adjudication.State.OPEN)
    if not seats.exists() or waiting.exists() or disputed.exists():
        return False
    mine = ReviewBatch.objects.filter(pk=batch.pk, state=ReviewBatch.State.OPEN)
    if not mine.update(state=ReviewBatch.State.DONE, closed_at=clock.now()):
        return False
    audit.append(
        actor=RULE,
        action="batch.done",
        subject=str(batch),
        reason="Every seat is submitted or skipped and no disagreement is open.",
        evidence={"batch": batch.pk},
    )
    return True
