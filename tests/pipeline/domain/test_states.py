"""The state machine: every pair of states by every cause."""

from __future__ import annotations

from itertools import product

import pytest

from pipeline.domain.states import MOVES, Cause, State, allowed, refusal

D, A, C, X = State.DISCOVERY, State.ASSIGNED, State.COPILOT, State.DONE
P, R, H, IMPORTED = Cause.PIPELINE, Cause.REVERT, Cause.HUMAN, Cause.IMPORTED

# Written out a second time on purpose: a change of the table has to be meant.
EXPECTED = {
    (None, D): {P, IMPORTED},
    (None, A): {IMPORTED},
    (None, C): {IMPORTED},
    (None, X): {IMPORTED},
    (D, A): {P, R, H},
    (D, C): set(),
    (D, X): {P, H},
    (A, D): {R, H},
    (A, C): {P, R, H},
    (A, X): {P, H},
    (C, D): {R, H},
    (C, A): {P, R, H},
    (C, X): {P, H},
    (X, D): {R, H},
    (X, A): {R, H},
    (X, C): {R, H},
}
PAIRS = list(product([None, *State], State, Cause))


@pytest.mark.parametrize(("before", "after", "cause"), PAIRS)
def test_move_is_allowed_exactly_where_the_table_says(before: State | None, after: State, cause: Cause) -> None:
    assert allowed(before, after, cause) is (cause in EXPECTED.get((before, after), set()))


@pytest.mark.parametrize(("before", "after", "cause"), PAIRS)
def test_refusal_is_silent_for_allowed_moves_and_names_both_states_otherwise(
    before: State | None, after: State, cause: Cause
) -> None:
    sentence = refusal(before, after, cause)
    if allowed(before, after, cause):
        assert sentence is None
    else:
        assert sentence is not None
        assert f"state::{after.value}" in sentence
        assert cause.value in sentence
        assert sentence.endswith("nothing was changed.")


def test_staying_where_one_is_is_no_move() -> None:
    assert not any(before is after for before, after in MOVES)


def test_done_is_left_by_people_and_reverts_only() -> None:
    assert all(P not in causes for (before, _), causes in MOVES.items() if before is X)


def test_every_state_can_be_reached_and_left_by_the_pipeline_or_a_person() -> None:
    assert {after for _, after in MOVES} == set(State)
    assert {before for before, _ in MOVES} == set(State)
