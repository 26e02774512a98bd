"""What a step of the saga answers: done, skipped, or not yet. A failure is raised, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollout.models import Rollback, RollbackStep


class StepFailed(RuntimeError):
    """The step could not be carried out, or what must hold afterwards does not; it is tried again.

    `evidence` replaces what the step has noted so far, where it is given.
    """

    def __init__(self, sentence: str, evidence: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Done:
    """The postcondition was checked and holds."""

    detail: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is nothing to do, and why."""

    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotYet:
    """Under way; look again at `until`. `evidence` is kept for the next look."""

    detail: str
    until: datetime
    evidence: dict[str, Any] = field(default_factory=dict)


Outcome = Done | Skipped | NotYet
CarryOut = Callable[[Rollback, RollbackStep, datetime], Outcome]


def actor(rollback: Rollback) -> str:
    """Who the audit log says did it: the rollback, whoever asked for it. As a rule, so that the control loop does not
    take its turns of a knob for a person's own.
    """
    return f"rule:rollback {rollback.pk}"


def reason(rollback: Rollback) -> str:
    return f"{marking(rollback)}Rolled back by {rollback.by}: {rollback.reason}"


def marking(rollback: Rollback) -> str:
    """In front of everything that a drill writes where people read it."""
    return "[DRILL] " if rollback.is_drill else ""
