"""A plan: what an operation wants to change on one issue, and why. Planners are pure; a dry run stops here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipeline.domain.changes import Change
from pipeline.domain.states import State


class Verdict(StrEnum):
    """What the planner decided for one item."""

    CHANGE = "change"  # there are effects to apply
    SKIP = "skip"  # nothing to do, for the reason given
    CONFLICT = "conflict"  # a person has to look first


@dataclass(frozen=True, slots=True)
class Planned:
    """One change. Effects of one `step` travel in one request; a step starts when the one before is applied.

    `subject` names what may exist only once in the world ("branch:…", "handover:…"); empty when repeating is harmless.
    `before` is the before-image that a revert needs.
    """

    change: Change
    step: int = 0
    subject: str = ""
    before: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """`moves`: step → state that the issue has once that step is applied. `facts` are for people and statistics."""

    verdict: Verdict
    outcome: str
    reason: str
    effects: tuple[Planned, ...] = ()
    moves: dict[int, State] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def skip(outcome: str, reason: str, /, **facts: Any) -> Plan:
    return Plan(Verdict.SKIP, outcome, reason, facts=facts)


def conflict(outcome: str, reason: str, /, **facts: Any) -> Plan:
    return Plan(Verdict.CONFLICT, outcome, reason, facts=facts)
