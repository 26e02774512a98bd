"""My queue: what one reviewer has to score, is scoring and has scored. Nothing of others, no figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from rollout.models import Review
from rollout.services.reviews import queue
from rollout.views.scoring import shown

DONE_SHOWN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one batch, the user's own seats only."""

    done: int
    total: int

    @property
    def sentence(self) -> str:
        return f"{self.done} of {self.total}"


@dataclass(frozen=True, slots=True)
class Line:
    review: Review
    overdue: bool
    live: bool  # a claim that still holds

    @property
    def number(self) -> int:
        return self.review.sample.issue.number

    @property
    def title(self) -> str:
        return shown(self.review.sample.title)


@dataclass(frozen=True, slots=True)
class Board:
    claimed: Sequence[Line]
    waiting: Sequence[Line]
    done: Sequence[Line]
    progress: Progress
    due_at: datetime | None
    more: bool  # something to start: own, or to be taken from the pool


def board(user: User, now: datetime) -> Board:
    mine = [_line(row, now) for row in queue.own(user)]
    open_ = [line for line in mine if line.review.state in queue.UNFINISHED]
    claimed = [line for line in open_ if line.live]
    waiting = [line for line in open_ if not line.live]
    return Board(
        claimed=claimed,
        waiting=waiting,
        done=[_line(row, now) for row in _finished(user, now)],
        progress=Progress(len(mine) - len(open_), len(mine)),
        due_at=min((line.review.sample.batch.due_at for line in open_), default=None),
        more=bool(open_) or next(queue.next_seats(user, now), None) is not None,
    )


def progress_of(review: Review, user: User) -> Progress:
    """ "4 of 10": which of the user's own seats of this batch this one is, counting those that are done."""
    rows = Review.objects.filter(reviewer=user, sample__batch=review.sample.batch_id, sample__replaced_at=None)
    done = rows.filter(state__in=queue.FINISHED).exclude(pk=review.pk).count()
    return Progress(done + 1, rows.count())


def _finished(user: User, now: datetime) -> list[Review]:
    rows = Review.objects.filter(reviewer=user, state__in=queue.FINISHED, sample__replaced_at=None)
    recent = rows.filter(sample__batch__due_at__gte=now - DONE_SHOWN)
    return list(recent.select_related("sample__issue", "sample__batch").order_by("-submitted_at", "-pk"))


def _line(row: Review, now: datetime) -> Line:
    live = row.state == Review.State.CLAIMED and row.claimed_until is not None and row.claimed_until > now
    overdue = row.state in queue.UNFINISHED and row.sample.batch.due_at < now
    return Line(row, overdue, live)
