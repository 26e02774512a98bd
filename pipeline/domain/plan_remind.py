"""remind: one comment on an issue that is overdue, in our own words, with what is missing (plan 3.2, day 3).

Nothing of it comes from outside but names and an error message, and those only as inline code: no mention, no link, no
reference acts. The agent is not addressed: a reminder is for people, and would start a session otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.domain import changes
from pipeline.domain.cleaning import code, one_line
from pipeline.domain.facts import Pull
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State

HEADING = "### Overdue"
# What a person can do about each kind of blocker.
ADVICE = {
    "permission": "Give the agent the permission that it lacks (repository settings, rulesets), then hand over again.",
    "quota": "Wait for the quota to be renewed or raise it, then hand over again.",
    "unclear": "Say in the issue what is unclear, then hand over again.",
    "checks": "Look at the failing checks and say in the pull request what is to be changed.",
    "conflict": "Resolve the conflict of the branch, or say in the pull request how.",
    "approval": "Approve the waiting runs in the pull request.",
    "other": "Look at the message and remove its cause, then hand over again.",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A deliverable: `delivered` None means that it could not be looked up."""

    title: str
    path: str = ""
    delivered: bool | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is known of one overdue case. `overdue` is time on the case's own clock, pauses left out."""

    subject: str  # the one reminder of this case, in the whole world
    due_at: datetime
    overdue: timedelta
    paused: timedelta = timedelta(0)
    handed_over_at: datetime | None = None
    outcome: str = ""
    pull: Pull | None = None
    pull_number: int | None = None
    blocker: str = ""
    message: str = ""
    wanted: tuple[Wanted, ...] = ()
    branch: str = "main"


def plan(reminder: Reminder, state: State, snapshot: IssueSnapshot) -> Plan:
    """The comment, unless the issue has moved on since it fell due."""
    if not snapshot.is_open:
        return skip("closed", "The issue was closed since; nobody has to be reminded.")
    if state is not State.COPILOT:
        return skip("moved on", f"The issue is in state::{state.value} by now; nobody has to be reminded.")
    if snapshot.locked:
        return conflict("locked", "The issue is locked, so no comment can be added; unlock it on GitHub.")
    facts = {
        "due_at": reminder.due_at.isoformat(),
        "overdue_days": reminder.overdue.days,
        "missing": [item.title for item in reminder.wanted if not item.delivered],
        "blocker": reminder.blocker,
    }
    effect = Planned(changes.AddComment(comment(reminder)), subject=reminder.subject)
    return Plan(Verdict.CHANGE, "reminded", f"Overdue by {_days(reminder.overdue)}.", (effect,), facts=facts)


def comment(reminder: Reminder) -> str:
    """The whole comment, as people read it."""
    parts = [
        HEADING,
        _since(reminder),
        *_missing(reminder),
        _standing(reminder),
        *_blocked(reminder),
        _advice(reminder),
    ]
    return "\n\n".join(parts)


def _since(reminder: Reminder) -> str:
    waited = f"; {_span(reminder.paused)} in which it waited for us are not counted" if reminder.paused else ""
    return f"This issue was due {_moment(reminder.due_at)} and is overdue by {_days(reminder.overdue)}{waited}."


def _missing(reminder: Reminder) -> list[str]:
    missing = [item for item in reminder.wanted if not item.delivered]
    if not reminder.wanted:
        return []
    if not missing:
        return [f"Every deliverable is on {code(reminder.branch)}; the issue itself is still open."]
    there = f" ({len(reminder.wanted) - len(missing)} of {len(reminder.wanted)} are there)"
    lines = [f"- {one_line(item.title)}{f': {code(item.path)}' if item.path else ''}" for item in missing]
    head = f"Not on {code(reminder.branch)} yet{there if len(missing) < len(reminder.wanted) else ''}:"
    return ["\n".join([head, "", *lines])]


def _standing(reminder: Reminder) -> str:
    since = f"It was handed over {_moment(reminder.handed_over_at)}. " if reminder.handed_over_at else ""
    return since + _pull(reminder)


def _pull(reminder: Reminder) -> str:
    pull = reminder.pull
    if pull is None and reminder.pull_number is None:
        return "There is no pull request of the agent yet."
    if pull is None:
        return f"Pull request #{reminder.pull_number} could not be read just now."
    if pull.merged_at is not None:
        return f"Pull request #{pull.number} was merged {_moment(pull.merged_at)}; the issue is still open."
    if not pull.is_open:
        return f"Pull request #{pull.number} was closed without being merged."
    done = " The agent is done with it." if reminder.outcome == "finished" else ""
    kind = "a draft" if pull.is_draft else "open for review"
    return f"Pull request #{pull.number} is {kind}, last changed {_moment(pull.updated_at)}.{done}"


def _blocked(reminder: Reminder) -> list[str]:
    if not reminder.blocker:
        return []
    said = code(one_line(reminder.message, 300), 300)
    return [f"What holds it up: **{reminder.blocker}**{f' ({said})' if said else ''}."]


def _advice(reminder: Reminder) -> str:
    lines = [f"- {_next(reminder)}"]
    lines += [
        "- Close this issue if it is no longer wanted.",
        "- Snooze it in the control plane if it may take longer.",
    ]
    return "\n".join(["What a person can do:", "", *lines])


def _next(reminder: Reminder) -> str:
    if reminder.blocker:
        return ADVICE.get(reminder.blocker, ADVICE["other"])
    pull = reminder.pull
    if pull is None:
        return "Look at the hand-over in the control plane; hand over again if the agent never began."
    if pull.merged_at is not None:
        return "Close this issue if the result is complete, or say here what is still to be done."
    if not pull.is_open:
        return "Say here what is to become of it, and hand over again if it is still wanted."
    return f"Review pull request #{pull.number}: merge it, or say there what is missing."


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _days(length: timedelta) -> str:
    return f"{length.days} day{'' if length.days == 1 else 's'}" if length.days else _span(length)


def _span(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h"
