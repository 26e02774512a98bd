"""The move tables: every pair of states with every cause."""

from __future__ import annotations

from enum import StrEnum
from itertools import product

import pytest

from rollout.domain import progress
from rollout.domain.progress import OF_PHASE, OF_ROLLOUT, OF_STEP, Cause, PhaseState, RolloutState, StepState
from rollout.models import Rollout, StepProgress

EVERY = [
    (moves, before, after, cause)
    for kind, moves in ((RolloutState, OF_ROLLOUT), (PhaseState, OF_PHASE), (StepState, OF_STEP))
    for before, after, cause in product(kind, kind, Cause)
]
MORE_LIVE = {
    RolloutState.PREPARED: 0,
    RolloutState.ROLLED_BACK: 0,
    RolloutState.HELD: 1,
    RolloutState.RUNNING: 2,
    StepState.WAITING: 0,
    StepState.ROLLED_BACK: 0,
    StepState.HELD: 0,
    StepState.LIVE: 2,
}


@pytest.mark.parametrize(("moves", "before", "after", "cause"), EVERY)
def test_a_move_is_allowed_exactly_where_the_table_has_it(
    moves: progress.Moves, before: progress.State, after: progress.State, cause: Cause
) -> None:
    expected = cause in moves.get((before, after), frozenset())
    assert progress.allowed(before, after, cause) is expected
    refused = progress.refusal(before, after, cause)
    assert (refused is None) is expected
    assert expected or (refused or "").endswith("nothing was changed.")


@pytest.mark.parametrize(("moves", "before", "after", "cause"), EVERY)
def test_a_rule_never_makes_a_move_towards_more(
    moves: progress.Moves, before: progress.State, after: progress.State, cause: Cause
) -> None:
    rises = before in MORE_LIVE and after in MORE_LIVE and MORE_LIVE[after] > MORE_LIVE[before]
    if rises and cause is Cause.RULE:
        assert not progress.allowed(before, after, cause)


def test_a_stopped_step_goes_live_only_through_waiting() -> None:
    for stopped in (StepState.HELD, StepState.ROLLED_BACK):
        assert not any(progress.allowed(stopped, StepState.LIVE, cause) for cause in Cause)
        assert progress.allowed(stopped, StepState.WAITING, Cause.TWO_PEOPLE)
        assert not progress.allowed(stopped, StepState.WAITING, Cause.PERSON)


@pytest.mark.parametrize(("words", "choices"), [(RolloutState, Rollout.State), (StepState, StepProgress.State)])
def test_the_database_has_the_same_states(words: type[StrEnum], choices: type) -> None:
    assert {state.value for state in words} == set(choices.values)  # type: ignore[attr-defined]
