"""Day 7: whoever follows hand-overs is told, in one message for all that fell due together (plan 3.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from pipeline.domain.cleaning import one_line
from pipeline.models import Repository
from rollout.domain import escalation
from rollout.models import CompletionCase, EscalationEvent
from rollout.notifier.channels import CHANNELS
from rollout.services import announcements, links
from rollout.services.escalation import owners, pauses
from rollout.services.escalation.taking import Taken, take

MOST_LINES = 50
State = EscalationEvent.State


def notify(repository: Repository, role: str, rows: Sequence[EscalationEvent], now: datetime) -> bool:
    """Tell the holders of a role of all these issues at once; False when another process was first."""
    people = owners.told(repository.pk, role)
    names = ", ".join(person.get_username() for person in people) or "nobody: the role is not held"
    subject = f"{_issues(len(rows))} of {repository} overdue at Copilot"
    head = f"{_issues(len(rows))} of {repository} handed over to Copilot and not done in time. Told: {names}."
    try:
        with transaction.atomic():
            take(rows, State.DONE)
            send(repository, people, f"escalation:{digest(rows)}", subject, head, [row.case for row in rows], now)
            for row in rows:
                row.evidence |= {"told": [person.get_username() for person in people]}
            EscalationEvent.objects.bulk_update(rows, ["evidence"])
    except Taken:
        return False
    return True


def send(
    repository: Repository,
    people: Sequence[User],
    key: str,
    subject: str,
    head: str,
    cases: Sequence[CompletionCase],
    now: datetime,
) -> None:
    """One message with a line for each case, by e-mail to these people and to the team's channel."""
    lines = [line(case, now) for case in cases[:MOST_LINES]]
    if len(cases) > MOST_LINES:
        lines.append(f"… and {len(cases) - MOST_LINES} more.")
    mailed = owners.addresses(people)
    announcements.announce(
        owners.rollout_of(repository.pk),
        key=key,
        subject=subject,
        body="\n".join([head, "", *lines]),
        channels=CHANNELS if mailed else [name for name in CHANNELS if name != "email"],
        recipients=mailed,
    )


def line(case: CompletionCase, now: datetime) -> str:
    """One case for a message that leaves the site; its title is foreign text."""
    days = escalation.overdue(case.due_at, pauses.values(case.pauses.all()), now).days
    title = one_line(case.issue.title, 100)
    page = links.of("completioncase", case.pk)
    return f"- #{case.issue.number} {title}: {days} days overdue, due {case.due_at:%Y-%m-%d %H:%M} UTC. {page}"


def digest(rows: Iterable[EscalationEvent]) -> str:
    """The same events are the same message, whoever writes it."""
    return hashlib.sha256(",".join(str(row.pk) for row in rows).encode()).hexdigest()[:32]


def _issues(count: int) -> str:
    return f"{count} issue{'' if count == 1 else 's'}"
