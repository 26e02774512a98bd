"""The pipeline states of an issue and the moves between them (DESIGN.md, section 2).

`MOVES` is the whole truth: who may cause which move. Everything that changes a state asks `refusal()` first, and the
invariant checker replays every issue's history against the same table.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an issue stands; on GitHub it is exactly one `state::` label."""

    DISCOVERY = "discovery"
    ASSIGNED = "assigned"
    COPILOT = "copilot"
    DONE = "done"


class Cause(StrEnum):
    """Who or what moved an issue."""

    PIPELINE = "pipeline"  # an applied effect of a run
    REVERT = "revert"  # an applied effect of a reverting run, or of a triage in which a person sent an issue back
    HUMAN = "human"  # somebody changed labels or closed the issue on GitHub; we only write it down
    IMPORTED = "imported"  # first time seen; the state was on GitHub already


_P, _R, _H = Cause.PIPELINE, Cause.REVERT, Cause.HUMAN

MOVES: dict[tuple[State, State], frozenset[Cause]] = {
    (State.DISCOVERY, State.ASSIGNED): frozenset({_P, _R, _H}),
    (State.DISCOVERY, State.DONE): frozenset({_P, _H}),
    (State.ASSIGNED, State.COPILOT): frozenset({_P, _R, _H}),
    (State.ASSIGNED, State.DISCOVERY): frozenset({_R, _H}),
    (State.ASSIGNED, State.DONE): frozenset({_P, _H}),
    (State.COPILOT, State.DONE): frozenset({_P, _H}),
    # A lost or failed hand-over that has used up its repeats goes back for another look.
    (State.COPILOT, State.ASSIGNED): frozenset({_P, _R, _H}),
    (State.COPILOT, State.DISCOVERY): frozenset({_R, _H}),
    # Reopened on GitHub, or a run that closed it is reverted.
    (State.DONE, State.DISCOVERY): frozenset({_R, _H}),
    (State.DONE, State.ASSIGNED): frozenset({_R, _H}),
    (State.DONE, State.COPILOT): frozenset({_R, _H}),
}


def allowed(before: State | None, after: State, cause: Cause) -> bool:
    """Whether `cause` may move an issue from `before` (None: never seen) to `after`."""
    if before is None:
        return cause is Cause.IMPORTED or (cause is Cause.PIPELINE and after is State.DISCOVERY)
    return cause in MOVES.get((before, after), frozenset())


def refusal(before: State | None, after: State, cause: Cause) -> str | None:
    """One sentence saying why the move is not allowed, or None when it is."""
    if allowed(before, after, cause):
        return None
    seen = "an issue that was never seen" if before is None else f"state::{before.value}"
    return f"The state machine has no move from {seen} to state::{after.value} by {cause.value}; nothing was changed."
