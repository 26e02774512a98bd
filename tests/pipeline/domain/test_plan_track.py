"""track: what is written once a hand-over has been judged."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain import changes
from pipeline.domain.handover import Judgement, Outcome
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.plan_track import Tracked, plan
from pipeline.domain.states import State
from tests.values import COPILOT, PERSON, snapshot

G = LabelGrammar()
LABELS = ("site-monitor", "state::copilot")
QUIET = (Outcome.PENDING, Outcome.WORKING, Outcome.WAITING, Outcome.FINISHED)
OVER = (Outcome.LOST, Outcome.FAILED, Outcome.REJECTED)


def planned(outcome: Outcome, *, repeats: int = 0, most: int = 2, **issue: Any) -> Plan:
    tracked = Tracked(3, State.COPILOT, 1, "work", repeats, most, "Do it.")
    one = snapshot(**{"labels": LABELS, "assignees": (COPILOT, PERSON), **issue})
    return plan(tracked, Judgement(outcome, "Seen so."), one, G)


def steps(made: Plan) -> list[tuple[int, str]]:
    return [(effect.step, effect.change.kind) for effect in made.effects]


@pytest.mark.parametrize("outcome", QUIET)
def test_hand_over_under_way_is_left_alone(outcome: Outcome) -> None:
    made = planned(outcome)
    assert (made.verdict, made.effects) == (Verdict.SKIP, ())
    assert made.facts["outcome"] == outcome.value


@pytest.mark.parametrize("outcome", Outcome)
def test_closed_issue_is_done_whatever_the_judgement(outcome: Outcome) -> None:
    made = planned(outcome, is_open=False, repeats=9)
    assert (made.outcome, made.moves) == ("done", {0: State.DONE})
    assert steps(made) == [(0, "add_labels"), (0, "remove_labels")]
    assert made.effects[0].change == changes.AddLabels(("state::done",))
    assert made.effects[1].change == changes.RemoveLabels(("state::copilot",))


def test_done_takes_every_other_state_label_and_triage_away() -> None:
    labels = ("State::Copilot", "state::assigned", "monitor::triage", "bug")
    made = planned(Outcome.COMPLETED, is_open=False, labels=labels)
    removed = made.effects[1].change
    assert isinstance(removed, changes.RemoveLabels)
    assert set(removed.labels) == {"state::copilot", "state::assigned", "monitor::triage"}


def test_lost_hand_over_is_repeated_by_a_new_assignment() -> None:
    made = planned(Outcome.LOST)
    assert steps(made) == [(0, "unassign_copilot"), (1, "assign_copilot")]
    assert made.effects[1].change == changes.AssignCopilot("work", "Do it.")
    assert made.effects[1].subject == "handover:3:2"
    assert made.moves == {}
    assert "Handing over again (1 of 2)." in made.reason


def test_lost_hand_over_of_an_issue_without_copilot_is_assigned_at_once() -> None:
    assert steps(planned(Outcome.LOST, assignees=(PERSON,))) == [(0, "assign_copilot")]


@pytest.mark.parametrize(("repeats", "most", "again"), [(0, 2, True), (1, 2, True), (2, 2, False), (0, 0, False)])
def test_lost_hand_over_is_repeated_at_most_so_often(repeats: int, most: int, again: bool) -> None:
    made = planned(Outcome.LOST, repeats=repeats, most=most)
    assert made.outcome == ("handed over again" if again else "needs a person")


@pytest.mark.parametrize("outcome", OVER)
def test_what_ended_without_a_result_goes_back_to_a_person(outcome: Outcome) -> None:
    made = planned(outcome, repeats=2)
    assert steps(made) == [(0, "unassign_copilot"), (1, "add_labels"), (1, "remove_labels"), (1, "add_comment")]
    assert made.moves == {1: State.ASSIGNED}
    assert made.effects[1].change == changes.AddLabels(("needs clarification", "state::assigned"))


def test_labels_move_at_once_where_copilot_is_gone_already() -> None:
    made = planned(Outcome.FAILED, assignees=())
    assert {effect.step for effect in made.effects} == {0}
    assert made.moves == {0: State.ASSIGNED}


def test_failed_hand_over_is_not_repeated() -> None:
    assert planned(Outcome.FAILED).outcome == "needs a person"
