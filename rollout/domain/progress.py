"""The states of a rollout, its phases and its steps, and the moves between them.

The tables are the whole truth: who may cause which move. Whatever changes a state asks `refusal()` first. Every move
towards more needs a signed gate or two people; every move towards less may be made by a rule or by one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RolloutState(StrEnum):
    PREPARED = "prepared"
    RUNNING = "running"
    HELD = "held"
    ROLLED_BACK = "rolled_back"
    FINISHED = "finished"


class PhaseState(StrEnum):
    """Not stored: it follows from the decisions and the date."""

    AHEAD = "ahead"
    IN_FORCE = "in_force"
    PASSED = "passed"


class StepState(StrEnum):
    WAITING = "waiting"
    LIVE = "live"
    HELD = "held"
    ROLLED_BACK = "rolled_back"
    DONE = "done"


class Cause(StrEnum):
    """Who or what makes a move."""

    GATE = "a signed gate"
    TWO_PEOPLE = "two people with a checklist"
    PERSON = "a person"
    RULE = "a rule"


State = RolloutState | PhaseState | StepState
Moves = Mapping[tuple[State, State], frozenset[Cause]]

_STOP = frozenset({Cause.PERSON, Cause.RULE})
_AGAIN = frozenset({Cause.TWO_PEOPLE})
_SIGNED = frozenset({Cause.GATE})
_PERSON = frozenset({Cause.PERSON})

R, P, S = RolloutState, PhaseState, StepState

OF_ROLLOUT: Moves = {
    (R.PREPARED, R.RUNNING): _PERSON,
    (R.PREPARED, R.FINISHED): _PERSON,
    (R.RUNNING, R.HELD): _STOP,
    (R.RUNNING, R.ROLLED_BACK): _STOP,
    (R.HELD, R.ROLLED_BACK): _STOP,
    (R.HELD, R.RUNNING): _AGAIN,
    (R.ROLLED_BACK, R.RUNNING): _AGAIN,
    (R.RUNNING, R.FINISHED): _SIGNED | _PERSON,
    (R.HELD, R.FINISHED): _PERSON,
    (R.ROLLED_BACK, R.FINISHED): _PERSON,
}

OF_PHASE: Moves = {
    (P.AHEAD, P.IN_FORCE): _SIGNED,
    (P.IN_FORCE, P.PASSED): _SIGNED,
}

OF_STEP: Moves = {
    (S.WAITING, S.LIVE): _SIGNED,
    (S.WAITING, S.HELD): _STOP,
    (S.WAITING, S.ROLLED_BACK): _STOP,
    (S.LIVE, S.HELD): _STOP,
    (S.LIVE, S.ROLLED_BACK): _STOP,
    (S.HELD, S.ROLLED_BACK): _STOP,
    # Back to waiting, not to live: the gate of its phase is looked at again.
    (S.HELD, S.WAITING): _AGAIN,
    (S.ROLLED_BACK, S.WAITING): _AGAIN,
    (S.LIVE, S.DONE): _SIGNED | _PERSON,
}

TABLES: tuple[tuple[type[StrEnum], Moves, str], ...] = (
    (RolloutState, OF_ROLLOUT, "rollout"),
    (PhaseState, OF_PHASE, "phase"),
    (StepState, OF_STEP, "step"),
)


def allowed(before: State, after: State, cause: Cause) -> bool:
    """Whether `cause` may move a rollout, phase or step from `before` to `after`."""
    return any(
        cause in moves.get((before, after), frozenset()) for kind, moves, _ in TABLES if isinstance(before, kind)
    )


def refusal(before: State, after: State, cause: Cause) -> str | None:
    """One sentence saying why the move is not allowed, or None when it is."""
    if allowed(before, after, cause):
        return None
    what = next(name for kind, _, name in TABLES if isinstance(before, kind))
    return f"A {what} cannot go from {_words(before)} to {_words(after)} by {cause.value}; nothing was changed."


def _words(state: State) -> str:
    return state.value.replace("_", " ")
