"""Which seats a reviewer sees and takes: their own, what they may take from the pool, and what they must not see yet.

Blind: until a batch is done, a reviewer sees their own reviews, and the other reviews of an issue once their own is
submitted. Whoever draws or adjudicates sees all, except where their own seat is still open, or one of their team's is
free and theirs to take.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from rollout.models import Adjudication, Review, ReviewBatch, TeamMember
from rollout.services.record import same
from rollout.services.reviews import conflicts, teams

FROM_POOL = "Taken from what nobody had."
UNFINISHED = (Review.State.OPEN, Review.State.CLAIMED)
FINISHED = (Review.State.SUBMITTED, Review.State.SKIPPED)
HEAVY = ("sample__batch__frame", "sample__batch__excluded")  # a week's every issue, in each row of a list
LEADING = ("rollout.adjudicate", "rollout.draw_batch")


def standing() -> QuerySet[Review]:
    """Seats of open batches whose sample was not replaced, in the order in which they are worked off."""
    rows = Review.objects.filter(sample__replaced_at=None, sample__batch__state=ReviewBatch.State.OPEN)
    rows = rows.select_related("sample__batch__rubric", "sample__issue").defer(*HEAVY)
    return rows.order_by("sample__batch__due_at", "sample__batch_id", "sample__position", "seat")


def own(user: User) -> QuerySet[Review]:
    """The user's seats of open batches, calibration and second seats among them and not to be told apart."""
    return standing().filter(reviewer=user)


def next_seats(user: User, now: datetime, batch: ReviewBatch | None = None) -> Iterator[Review]:
    """What to try to claim, best first: own seats by due date, then what the user may take from the pool."""
    mine, pool = own(user).filter(state__in=UNFINISHED), _pool(user, now)
    if batch is not None:
        mine, pool = mine.filter(sample__batch=batch), pool.filter(sample__batch=batch)
    yield from mine
    yield from (seat for seat in pool if may_take(seat, user, now))


def _pool(user: User, now: datetime) -> QuerySet[Review]:
    """Seats that nobody has, or whose claim from the pool ran out, in batches of the user's teams."""
    free = Q(reviewer=None, state=Review.State.OPEN)
    lapsed = Q(state=Review.State.CLAIMED, claimed_until__lt=now, assigned_reason=FROM_POOL)
    mine = TeamMember.objects.filter(user=user, active=True, team__active=True).values("team")
    taken = Review.objects.filter(sample=OuterRef("sample"), reviewer=user)
    rows = standing().filter(free | lapsed, sample__batch__is_calibration=False, sample__batch__team__in=mine)
    return rows.exclude(reviewer=user).exclude(Exists(taken))


def may_take(seat: Review, user: User, now: datetime) -> bool:
    """Not what the user gave back, wrote or triaged, and nothing beyond their load cap."""
    name = user.get_username()
    if any(same(str(entry.get("by", "")), name) for entry in seat.declined):
        return False
    rows = TeamMember.objects.filter(team=seat.sample.batch.team_id, user=user, active=True)
    member = rows.select_related("user").first()
    if member is None or conflicts.barred(seat.sample.issue, [member]):
        return False
    [person] = teams.people_of([member], now)
    return person.load < person.cap


def visible(user: User) -> QuerySet[Review]:
    """The reviews whose marks the user may see."""
    rows = Review.objects.all()
    mine = Review.objects.filter(sample=OuterRef("sample"), reviewer=user)
    unfinished = Exists(mine.filter(state__in=UNFINISHED, sample__replaced_at=None))
    if leads(user):
        seen = ~unfinished & ~Exists(_free_for(user))
        return rows.filter(Q(reviewer=user) | seen | ~Q(sample__batch__state=ReviewBatch.State.OPEN))
    submitted = Exists(mine.filter(state=Review.State.SUBMITTED))
    beside = Q(state=Review.State.SUBMITTED) & submitted
    return rows.filter(Q(reviewer=user) | beside | ~Q(sample__batch__state=ReviewBatch.State.OPEN))


def _free_for(user: User) -> QuerySet[Review]:
    """Another seat of the same issue that nobody has yet, or whose claim may run out, in a batch of the user's teams;
    not where they have one.
    """
    mine = TeamMember.objects.filter(user=user, active=True, team__active=True).values("team")
    nobodys = Q(reviewer=None, state=Review.State.OPEN) | Q(state=Review.State.CLAIMED, assigned_reason=FROM_POOL)
    free = Review.objects.filter(nobodys, sample=OuterRef("sample"))
    has = Review.objects.filter(sample=OuterRef("sample"), reviewer=user)
    return free.filter(sample__batch__team__in=mine, sample__replaced_at=None).exclude(Exists(has))


def visible_adjudications(user: User) -> QuerySet[Adjudication]:
    """The disagreements that the user may read: they name ratings."""
    rows = Adjudication.objects.all()
    mine = Review.objects.filter(sample=OuterRef("sample"), reviewer=user)
    if leads(user):
        return rows.exclude(Exists(mine.filter(state__in=UNFINISHED)))
    done = ~Q(sample__batch__state=ReviewBatch.State.OPEN)
    return rows.filter(done | Q(Exists(mine.filter(state=Review.State.SUBMITTED))))


def leads(user: User) -> bool:
    return any(user.has_perm(name) for name in LEADING)
