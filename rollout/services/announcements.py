"""Messages to people: an outbox of rows, sent afterwards. The same key is stored, and told, once per channel.

A message is stored in the transaction of what it tells about, so neither is there without the other. Sending happens
outside of every transaction; a crash between the sending and its record can repeat a message, never lose one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from pipeline import clock
from rollout.models import Announcement, Rollout
from rollout.notifier.channels import CHANNELS, notifier_of
from rollout.notifier.port import Message, NotTaken, TryLater
from rollout.services import people

MOST_ATTEMPTS = 8
MOST_AT_ONCE = 50
SENDING = timedelta(minutes=2)  # how long a process may take over one message before another tries
State = Announcement.State


def announce(
    rollout: Rollout | None,
    *,
    key: str,
    subject: str,
    body: str,
    channels: Sequence[str] = CHANNELS,
    recipients: Sequence[str] = (),
) -> list[Announcement]:
    """Store a message for each channel; one whose key is known already stays as it was. Joins the transaction.

    Without recipients a mail goes to all who hold a role in the rollout; without a rollout, name them.
    """
    unknown = [channel for channel in channels if channel not in CHANNELS]
    if unknown:
        raise ValueError(f"There is no channel {unknown[0]!r}; choose of {', '.join(CHANNELS)}.")
    return [_store(rollout, channel, key, subject, body, recipients) for channel in channels]


def _store(
    rollout: Rollout | None, channel: str, key: str, subject: str, body: str, recipients: Sequence[str]
) -> Announcement:
    own = f"{key[:110]}:{channel}"
    mailed = list(recipients) or (people.addresses(rollout) if rollout else [])
    row = Announcement(
        rollout=rollout,
        key=own,
        channel=channel,
        recipients=mailed if channel == "email" else [],
        subject=" ".join(subject.split())[:200],
        body=body,
        created_at=clock.now(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return Announcement.objects.get(key=own)
    return row


def deliver_due(now: datetime, *, most: int = MOST_AT_ONCE) -> int:
    """Send what is due; returns how many were taken. Not to be called inside a transaction: RuntimeError."""
    due = Announcement.objects.filter(Q(due_at__isnull=True) | Q(due_at__lte=now), state=State.WAITING)
    taken = 0
    for row in due.order_by("pk")[:most]:
        if _claim(row, now):
            taken += _send(row, now)
    return taken


def _claim(row: Announcement, now: datetime) -> bool:
    """Durable, so that what is sent is never rolled back behind the message's back."""
    with transaction.atomic(durable=True):
        same = Announcement.objects.filter(pk=row.pk, state=State.WAITING, attempts=row.attempts)
        mine = same.update(attempts=F("attempts") + 1, due_at=now + SENDING)
    row.attempts += mine
    return bool(mine)


def _send(row: Announcement, now: datetime) -> bool:
    message = Message(row.key, row.subject, row.body, tuple(row.recipients))
    try:
        notifier_of(row.channel).send(message)
    except NotTaken as problem:
        _not_taken(row, problem, now)
        return False
    Announcement.objects.filter(pk=row.pk).update(state=State.SENT, sent_at=now, due_at=None, error="")
    return True


def _not_taken(row: Announcement, problem: NotTaken, now: datetime) -> None:
    again = isinstance(problem, TryLater) and row.attempts < MOST_ATTEMPTS
    values: dict[str, object] = {"error": str(problem)[:300]}
    if again:
        values["due_at"] = now + timedelta(seconds=min(3600, 15 * 2**row.attempts))
    else:
        values |= {"state": State.FAILED, "due_at": None}
    Announcement.objects.filter(pk=row.pk).update(**values)


def send_again(row: Announcement) -> None:
    """A person has mended the channel: a failed message waits for sending anew."""
    Announcement.objects.filter(pk=row.pk, state=State.FAILED).update(
        state=State.WAITING, attempts=0, due_at=None, error=""
    )
