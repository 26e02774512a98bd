"""What the checker compares: plain values, taken from rows and from the outside world's own log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

TITLES = {
    "I1": "Conservation: nothing lost, nothing doubled",
    "I2": "Slots: each nominal time has one row and at most one run",
    "I3": "Effects: stored first, applied at most once, never in a dry run",
    "I4": "Hand-over: once per issue and generation, after the guidance",
    "I5": "States: every history is a path, GitHub agrees or a finding says why not",
    "I6": "People: their text, labels and assignees are as they left them",
    "I7": "Manners: limits, pace and no hot loops",
    "I8": "Evidence: audit chain, limits, leases, no secret anywhere",
}
Place = tuple[str, int]  # ("owner/name" in lower case, number)


@dataclass(frozen=True, slots=True)
class Violation:
    """One offending row, in one sentence. `check` names the rule below the invariant."""

    invariant: str
    check: str
    sentence: str


def digest(text: str) -> str:
    """Bodies are compared by this, so that not all of them are held at once."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class IssueFact:
    place: Place
    state: str
    present: bool
    title: str
    body_hash: str  # `digest` of the text
    labels: tuple[str, ...]
    prefix: str
    findings: tuple[str, ...]  # check ids of its open findings
    history: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One transition; `before` is empty for the first."""

    sequence: int
    before: str
    after: str
    cause: str


@dataclass(frozen=True, slots=True)
class DiscoveryFact:
    id: int
    status: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class SlotFact:
    nominal_at: datetime
    status: str
    run: int | None


@dataclass(frozen=True, slots=True)
class RunFact:
    """`standings`: when its repository was paused and resumed, ascending, as (at, before, after)."""

    id: int
    operation: int | None
    requested_by: str
    by_hand: bool  # a person started it, or the daily run that it is a part of
    purpose: str
    mode: str
    nominal_at: datetime | None
    group: str
    limit: int
    touched: int  # items with applied effects on an issue or a discovery
    started_at: datetime | None
    finished_at: datetime | None
    standings: tuple[tuple[datetime, str, str], ...]


@dataclass(frozen=True, slots=True)
class OperationFact:
    """`modes`: the moments at which its mode was changed, ascending, with the mode from then on."""

    id: int
    name: str
    mode: str
    limit: int
    cron: str | None
    since: datetime | None
    slots: tuple[SlotFact, ...]
    modes: tuple[tuple[datetime, str, str], ...]  # (at, before, after)


@dataclass(frozen=True, slots=True)
class EffectFact:
    key: str
    kind: str
    request_hash: str
    state: str
    live: bool
    run: int
    item_epoch: int
    epoch: int
    attempts: int  # times it was sent and found not to have taken place
    place: Place | None
    discovery: int | None
    planned_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    headings: tuple[str, ...]  # of write_sections


@dataclass(frozen=True, slots=True)
class HandoverFact:
    place: Place
    generation: int
    effect: str | None  # key
    requested_at: datetime
    ended_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class PaceFact:
    """How much one token was allowed to write; zero spacing is not checked."""

    spacing_ms: int
    per_minute: int
    per_hour: int
