"""Escalation of overdue hand-overs: the clock that pauses, what is due on it, and when the clock may be believed.

Overdue time is the time since the due time less the pauses since then; pauses that overlap count once. Whatever is
due fires on the next look, once: which actions have fired is a fact that is given. Nothing fires on the word of a
clock that may have jumped: looks must have come regularly for an hour, and the server's clock must agree with ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_GAP = timedelta(hours=1)  # between two looks; more is an outage, or a clock that was set forward
SETTLING = timedelta(hours=1)  # so long looks have to come regularly before anything fires
TOLERANCE = timedelta(minutes=5)  # between our clock and the server's
BACKWARDS = timedelta(minutes=1)  # machines disagree by seconds; more is a clock that was turned back
LONGEST_SNOOZE = timedelta(days=30)
NOTHING = timedelta(0)


class Action(StrEnum):
    REMIND = "remind"
    NOTIFY = "notify"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Pause:
    """From `start` until `end`; None: it has no end that is known. An end before its start is no pause at all."""

    start: datetime
    end: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Rule:
    """`action` so long after the due time. No repository: of all; no workflow: of all."""

    action: Action
    after: timedelta
    role: str = ""
    repository: int | None = None
    workflow: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One issue that was handed over, with the actions that were begun already."""

    due_at: datetime
    pauses: tuple[Pause, ...] = ()
    begun: frozenset[Action] = frozenset()
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Looks:
    """When we last looked, and since when looks have come regularly."""

    last: datetime
    settled_since: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """One action that is due; `since` is when its time was reached on the paused clock."""

    action: Action
    rule: Rule
    since: datetime


# --- the clock ---


def merged(pauses: Iterable[Pause], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The pauses between `start` and `end`, in order, none overlapping or touching another."""
    spans = sorted(
        (max(pause.start, start), min(pause.end or end, end))
        for pause in pauses
        if max(pause.start, start) < min(pause.end or end, end)
    )
    found: list[tuple[datetime, datetime]] = []
    for begin, finish in spans:
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], finish))
        else:
            found.append((begin, finish))
    return found


def paused(due_at: datetime, pauses: Iterable[Pause], now: datetime) -> timedelta:
    """How long the clock stood still since `due_at`."""
    return sum((end - start for start, end in merged(pauses, due_at, now)), NOTHING)


def overdue(due_at: datetime, pauses: Iterable[Pause], now: datetime) -> timedelta:
    """How long the case is overdue on its own clock; never negative."""
    return max(NOTHING, now - due_at) - paused(due_at, pauses, now)


def reached(due_at: datetime, pauses: Iterable[Pause], after: timedelta) -> datetime | None:
    """When the clock shows `after`, as far as the pauses are known; None while it stands still without a known end."""
    known = list(pauses)
    ends = [pause.end for pause in known if pause.end is not None]
    horizon = max([due_at, *ends, *(pause.start for pause in known)]) + timedelta(microseconds=1)
    moment, left = due_at, after
    for start, end in merged(known, due_at, horizon):
        if start - moment >= left:
            break
        left -= start - moment
        moment = end
    arrived = moment + left
    stuck = [pause for pause in known if pause.end is None and max(pause.start, due_at) < arrived]
    return None if stuck else arrived


# --- what is due ---


def closest(rules: Iterable[Rule], repository: int, workflow: str) -> dict[Action, Rule]:
    """The rule of each action that is in force for a case; one that is switched off switches its action off."""
    best: dict[Action, Rule] = {}
    for rule in rules:
        fits = rule.repository in (None, repository) and rule.workflow in ("", workflow)
        if fits and (rule.action not in best or _closeness(rule) > _closeness(best[rule.action])):
            best[rule.action] = rule
    return {action: rule for action, rule in best.items() if rule.active}


def _closeness(rule: Rule) -> tuple[bool, bool]:
    """Of repository and workflow, of the workflow, of the repository, of everything."""
    return (bool(rule.workflow), rule.repository is not None)


def due(facts: CaseFacts, rules: Mapping[Action, Rule], now: datetime, why_not: str = "") -> tuple[Due, ...]:
    """The actions to begin now, the earliest first. `why_not` (of `distrust`) keeps everything back."""
    if why_not or not facts.is_open or any(pause.covers(now) for pause in facts.pauses):
        return ()
    found = []
    for action, rule in rules.items():
        moment = None if action in facts.begun else reached(facts.due_at, facts.pauses, rule.after)
        if moment is not None and moment <= now:
            found.append(Due(action, rule, moment))
    return tuple(sorted(found, key=lambda each: (each.rule.after, each.action)))


def upcoming(facts: CaseFacts, rules: Mapping[Action, Rule]) -> tuple[Rule, datetime | None] | None:
    """The next action and when; None for the moment while the clock stands still; None when nothing is left."""
    left = [rule for action, rule in rules.items() if action not in facts.begun]
    if not left or not facts.is_open:
        return None
    rule = min(left, key=lambda each: (each.after, each.action))
    return rule, reached(facts.due_at, facts.pauses, rule.after)


# --- whether the clock is to be believed ---


def looked(before: Looks | None, now: datetime) -> Looks:
    """This look: after a gap, or where the clock went back, regular looks begin anew."""
    if before is None or now < before.last - BACKWARDS or now - before.last > LONGEST_GAP:
        return Looks(now, now)
    return Looks(max(now, before.last), before.settled_since)


def unsettled(looks: Looks) -> str:
    """Why the looks alone forbid to fire, in one sentence, or an empty one."""
    settled = looks.settled_since + SETTLING
    if looks.last >= settled:
        return ""
    return (
        f"After a start, an outage or a change of the clock nothing is escalated before {settled:%Y-%m-%d %H:%M} UTC."
    )


def distrust(looks: Looks, apart: timedelta | None) -> str:
    """Why nothing fires now, or an empty text. `apart`: our clock less GitHub's; None: GitHub did not tell its time."""
    if problem := unsettled(looks):
        return problem
    if apart is None:
        return "GitHub could not be asked for its time; nothing is escalated until it answers."
    if abs(apart) > TOLERANCE:
        minutes = round(abs(apart).total_seconds() / 60)
        where = "ahead of" if apart > NOTHING else "behind"
        return (
            f"Our clock is {minutes} minutes {where} GitHub's; nothing is escalated until they agree. "
            "Set the clock of this machine."
        )
    return ""


# --- the due time ---


def due_time(requested_at: datetime, known: datetime | None, hours: int, *, first: bool) -> datetime:
    """When a case is due: as it was handed over; of a later case by its own hand-over, as the first is long past."""
    if first and known is not None:
        return known
    return requested_at + timedelta(hours=hours)
