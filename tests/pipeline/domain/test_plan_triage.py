"""What a person decided about an issue between two states becomes exactly that, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import changes
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Verdict
from pipeline.domain.plan_triage import Choice, plan
from pipeline.domain.states import Cause, State, allowed
from tests.values import COPILOT, snapshot

GRAMMAR = LabelGrammar()
ASSIGNED = ("site-monitor", "state::assigned", "workflow::osint", "specialist::analyst")
HANDED_OVER = ("site-monitor", "state::copilot", "workflow::osint", "specialist::analyst")


def planned(choice: Choice, state: State, **values: Any) -> list[changes.Change]:
    return [row.change for row in plan(choice, state, snapshot(**values), GRAMMAR).effects]


def test_return_to_triage_takes_workflow_and_specialist_off_and_asks_for_a_new_look() -> None:
    assert planned(Choice.TRIAGE, State.ASSIGNED, labels=ASSIGNED) == [
        changes.AddLabels(("state::discovery", "monitor::triage")),
        changes.RemoveLabels(("state::assigned", "workflow::osint", "specialist::analyst")),
    ]


def test_copilot_is_taken_off_first_and_alone() -> None:
    made = plan(Choice.TRIAGE, State.COPILOT, snapshot(labels=HANDED_OVER, assignees=(COPILOT,)), GRAMMAR)
    assert [(row.change.kind, row.step) for row in made.effects] == [
        ("unassign_copilot", 0),
        ("add_labels", 1),
        ("remove_labels", 1),
    ]
    assert made.moves == {1: State.DISCOVERY}


def test_reassigned_issue_keeps_its_workflow_for_the_next_hand_over() -> None:
    assert planned(Choice.REASSIGN, State.COPILOT, labels=HANDED_OVER) == [
        changes.AddLabels(("state::assigned",)),
        changes.RemoveLabels(("state::copilot",)),
    ]


def test_completed_issue_is_closed_and_keeps_the_agent_who_did_it() -> None:
    assert planned(Choice.COMPLETE, State.COPILOT, labels=HANDED_OVER, assignees=(COPILOT,)) == [
        changes.AddLabels(("state::done",)),
        changes.RemoveLabels(("state::copilot",)),
        changes.CloseIssue("completed"),
    ]


def test_completed_issue_that_is_closed_already_only_gets_its_label() -> None:
    kinds = [change.kind for change in planned(Choice.COMPLETE, State.ASSIGNED, labels=ASSIGNED, is_open=False)]
    assert kinds == ["add_labels", "remove_labels"]


@pytest.mark.parametrize(
    ("choice", "state", "values", "outcome"),
    [
        (Choice.LEAVE, State.COPILOT, {}, "left"),
        (Choice.TRIAGE, State.DONE, {}, "moved on"),
        (Choice.COMPLETE, State.DISCOVERY, {}, "moved on"),
        (Choice.REASSIGN, State.ASSIGNED, {}, "there already"),
        (Choice.TRIAGE, State.ASSIGNED, {"locked": True}, "locked"),
        (Choice.REASSIGN, State.COPILOT, {"is_open": False}, "closed"),
    ],
)
def test_what_cannot_be_done_is_left_with_a_sentence(
    choice: Choice, state: State, values: dict[str, Any], outcome: str
) -> None:
    made = plan(choice, state, snapshot(**values), GRAMMAR)
    assert (made.outcome, made.effects) == (outcome, ())
    assert made.reason.endswith((".", "first."))


LABELS = st.lists(st.sampled_from([*HANDED_OVER, *ASSIGNED, "State::Done", "monitor::triage", "bug"]), unique=True)


@given(st.sampled_from(Choice), st.sampled_from(State), LABELS, st.booleans())
def test_every_change_leaves_one_state_and_people_s_labels(
    choice: Choice, state: State, labels: list[str], is_open: bool
) -> None:
    made = plan(choice, state, snapshot(labels=tuple(labels), is_open=is_open), GRAMMAR)
    if made.verdict is not Verdict.CHANGE:
        assert made.effects == ()
        return
    left = {name.lower() for name in labels}
    for row in made.effects:
        if isinstance(row.change, changes.AddLabels):
            left |= {name.lower() for name in row.change.labels}
        if isinstance(row.change, changes.RemoveLabels):
            left -= {name.lower() for name in row.change.labels}
    (target,) = made.moves.values()
    assert GRAMMAR.states_in(left) == (target,)
    assert ("bug" in left) is ("bug" in labels)
    assert any(allowed(state, target, cause) for cause in (Cause.PIPELINE, Cause.REVERT))
