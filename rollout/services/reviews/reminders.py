"""Reminders of reviews that are still to be done: at most one message per person and day, over all their batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from rollout.domain.reviews import reminding
from rollout.domain.reviews.reminding import Step
from rollout.models import Adjudication, Review, ReviewBatch, ReviewReminder, TeamMember
from rollout.services import links
from rollout.services.reviews import notices, teams
from rollout.services.reviews.seats import UNFINISHED

Kind = ReviewReminder.Kind


@dataclass(frozen=True, slots=True)
class Owed:
    """One line of a message: a batch, which reminder of it, and how many seats are open."""

    batch: ReviewBatch
    kind: str
    open_seats: int
    disputes: int = 0  # disagreements that wait to be settled, for leads


def remind_due(now: datetime) -> list[User]:
    """Remind everybody who is owed a reminder and has had none today (UTC); returns whom. Idempotent."""
    owed: dict[int, list[Owed]] = defaultdict(list)
    users: dict[int, User] = {}
    for batch in ReviewBatch.objects.filter(state=ReviewBatch.State.OPEN).select_related("team", "repository"):
        step = reminding.step_at(batch.due_at, now)
        if step is None or step.since < batch.drawn_at:
            continue
        for user, what in _owed(batch, step, now):
            users[user.pk] = user
            owed[user.pk].append(what)
    return [users[key] for key in sorted(owed) if _remind(users[key], owed[key], now)]


def _owed(batch: ReviewBatch, step: Step, now: datetime) -> list[tuple[User, Owed]]:
    seats = _open_seats(batch)
    sent = _sent(batch)
    found, unheard = list[tuple[User, Owed]](), 0
    for user, many in seats.items():
        quiet = user is None or not _hears(user, now)
        overdue = [at for kind, at in sent.get(user.pk, []) if kind == Kind.OVERDUE and at < step.since] if user else []
        if reminding.goes_to_the_lead(step, len(overdue), silent=quiet):
            unheard += many
        if user is not None and not quiet and reminding.is_owed(step, batch.drawn_at, _last(sent, user, Kind.LEAD)):
            found.append((user, Owed(batch, step.kind, many)))
    disputes = _disputes(batch) if reminding.goes_to_the_lead(step, 0, silent=True) else 0
    if unheard or disputes:
        for lead in teams.leads(batch):
            told = [at for kind, at in sent.get(lead.pk, []) if kind == Kind.LEAD]
            if reminding.is_owed(step, batch.drawn_at, max(told, default=None)):
                found.append((lead, Owed(batch, Kind.LEAD, unheard, disputes)))
    return found


def _disputes(batch: ReviewBatch) -> int:
    """Disagreements that hold the batch up; they are nobody's seat."""
    rows = Adjudication.objects.filter(sample__batch=batch, sample__replaced_at=None)
    return rows.filter(state=Adjudication.State.OPEN).count()


def _open_seats(batch: ReviewBatch) -> dict[User | None, int]:
    """Reviewer → unfinished seats; None: nobody has them."""
    rows = Review.objects.filter(sample__batch=batch, sample__replaced_at=None, state__in=UNFINISHED)
    found: dict[User | None, int] = defaultdict(int)
    for row in rows.select_related("reviewer").order_by("reviewer__username", "pk"):
        found[row.reviewer] += 1
    return found


def _sent(batch: ReviewBatch) -> dict[int, list[tuple[str, datetime]]]:
    found: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for user, kind, at in batch.reminders.values_list("user", "kind", "at"):
        found[user].append((kind, at))
    return found


def _last(sent: Mapping[int, Sequence[tuple[str, datetime]]], user: User, other: str) -> datetime | None:
    return max((at for kind, at in sent.get(user.pk, []) if kind != other), default=None)


def _hears(user: User, now: datetime) -> bool:
    """Leads are reminded whatever they wish; nobody is while they are away."""
    if not user.is_active or teams.is_away(user, now.date()):
        return False
    rows = list(TeamMember.objects.filter(user=user, active=True))
    return any(row.is_lead or row.wants_reminders for row in rows)


def _remind(user: User, lines: Sequence[Owed], now: datetime) -> bool:
    """One message for all of it; False: this person has heard from us today already."""
    today = now.date()
    if ReviewReminder.objects.filter(user=user, day=today).exists():
        return False
    try:
        with transaction.atomic():
            ReviewReminder.objects.bulk_create(
                ReviewReminder(batch=one.batch, user=user, kind=one.kind, day=today, at=now) for one in lines
            )
            notices.tell(
                lines[0].batch,
                f"reviews:remind:{user.pk}:{today}",
                _subject(lines),
                [f"For {user.get_username()}:", *(_line(one) for one in lines)],
                [user],
            )
    except IntegrityError:  # another process has just reminded this person
        return False
    return True


def _subject(lines: Sequence[Owed]) -> str:
    kinds = {one.kind for one in lines}
    if Kind.LEAD in kinds:
        return "Reviews that stay undone"
    return "Reviews overdue" if Kind.OVERDUE in kinds else "Reviews due"


def _line(one: Owed) -> str:
    batch, many = one.batch, f"{one.open_seats} review{'s' if one.open_seats != 1 else ''}"
    if one.kind == Kind.LEAD:
        return f"{batch}, {batch.repository}: {_undone(one, many)} {links.of('reviewbatch', batch.pk)}"
    when = f"{batch.due_at:%a %d %b %H:%M} UTC"
    said = {
        Kind.BEFORE: f"{many} of yours still open; due {when}.",
        Kind.DUE: f"{many} of yours due: {when}.",
        Kind.OVERDUE: f"{many} of yours overdue since {when}.",
    }[Kind(one.kind)]
    return f"{notices.called(batch)}: {said} {notices.where(batch)}"


def _undone(one: Owed, many: str) -> str:
    """What a lead is told of: reviews that nobody does, and disagreements that nobody settles."""
    said = []
    if one.open_seats:
        since = f"{one.batch.due_at:%a %d %b %H:%M} UTC"
        said.append(
            f"{many} overdue since {since}, and reminders did not help or reach nobody: reassign or close them."
        )
    if one.disputes:
        wait = "disagreement waits" if one.disputes == 1 else "disagreements wait"
        said.append(f"{one.disputes} {wait} to be settled.")
    return " ".join(said)
