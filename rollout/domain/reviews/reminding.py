"""When somebody is reminded of a batch: two days before it is due, when it is, every two days after, then the lead.

Only the newest moment that has come counts, so that after an outage there is one reminder and not all that were missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

BEFORE = timedelta(days=2)
AGAIN = timedelta(days=2)
TO_THE_LEAD = 3  # the step after the second overdue reminder


@dataclass(frozen=True, slots=True)
class Step:
    """`number`: −1 before, 0 at the due time, from 1 on overdue. `since`: when its moment came."""

    number: int
    since: datetime

    @property
    def kind(self) -> str:
        return "before" if self.number < 0 else "overdue" if self.number else "due"


def step_at(due_at: datetime, now: datetime) -> Step | None:
    """The newest moment that has come; None: it is more than two days to the due time."""
    if now < due_at - BEFORE:
        return None
    number = (now - due_at) // AGAIN if now >= due_at else -1
    return Step(number, due_at + AGAIN * number if number >= 0 else due_at - BEFORE)


def is_owed(step: Step, drawn_at: datetime, last: datetime | None) -> bool:
    """Whether somebody who was last reminded at `last` is to be reminded now; not of what came before the draw."""
    return step.since >= drawn_at and (last is None or last < step.since)


def goes_to_the_lead(step: Step, overdue_sent: int, *, silent: bool) -> bool:
    """Whether the lead hears of a seat, too: somebody was reminded twice in vain, or nobody hears reminders at all.

    `silent`: the seat has no reviewer, or one who wants no reminders or is away.
    """
    return step.number >= TO_THE_LEAD and (silent or overdue_sent >= TO_THE_LEAD - 1)
