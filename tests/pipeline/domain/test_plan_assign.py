"""assign: thresholds, ties, a person's choice, and what needs a person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import changes
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.plan_assign import Reading, chosen_by_person, plan
from pipeline.domain.sections import read_section, splice
from pipeline.domain.states import State
from tests.values import assessment, snapshot, workflow

G = LabelGrammar()
SPECS = {slug: workflow(slug) for slug in ("osint", "target", "review")}
SHARES = st.floats(0, 1)


def planned(*candidates: tuple[str, float], reading: dict[str, Any] | None = None, **issue: Any) -> Plan:
    return plan(snapshot(**issue), Reading(assessment(*candidates), **(reading or {})), SPECS, G)


def labels_added(made: Plan) -> tuple[str, ...]:
    return next(e.change.labels for e in made.effects if isinstance(e.change, changes.AddLabels))


def comment(made: Plan) -> str:
    return next(e.change.body for e in made.effects if isinstance(e.change, changes.AddComment))


@pytest.mark.parametrize(
    ("confidence", "outcome", "words"),
    [
        (1.0, "assigned", "Osint (100%)"),
        (0.8, "assigned", "Osint (80%)"),
        (0.7999, "needs clarification", "below the 80%"),
        (0.6, "needs clarification", "below the 80%"),
        (0.5999, "needs clarification", "reaches only 60%"),
        (0.0, "needs clarification", "reaches only 0%"),
    ],
)
def test_threshold_itself_is_enough(confidence: float, outcome: str, words: str) -> None:
    made = planned(("osint", confidence))
    assert made.outcome == outcome
    assert words in made.reason


@given(SHARES, SHARES, SHARES)
def test_issue_is_assigned_exactly_at_the_workflows_own_threshold(share: float, one: float, other: float) -> None:
    ask_at, assign_at = sorted((one, other))
    specs = {"osint": workflow("osint", assign_at=assign_at, ask_at=ask_at)}
    made = plan(snapshot(), Reading(assessment(("osint", share))), specs, G)
    assert (made.outcome == "assigned") is (share >= assign_at)


def test_assignment_sets_its_labels_and_takes_the_old_ones_away() -> None:
    made = planned(("osint", 0.9), ("target", 0.4))
    assert labels_added(made) == ("workflow::osint", "specialist::analyst", "state::assigned")
    assert changes.RemoveLabels(("monitor::triage", "state::discovery")) in [e.change for e in made.effects]
    assert made.moves == {0: State.ASSIGNED}
    assert {effect.step for effect in made.effects} == {0}
    assert (made.facts["workflow"], made.facts["confidence"], made.facts["by_person"]) == ("osint", 0.9, False)


def test_section_that_a_person_wrote_is_a_conflict() -> None:
    made = planned(("osint", 0.9), body=splice("Seen.\n", [("AI Assessment", "My own words.")]))
    assert (made.verdict, made.outcome, made.effects) == (Verdict.CONFLICT, "edited", ())


def test_labels_that_are_not_there_are_not_taken_away() -> None:
    made = planned(("osint", 0.9), labels=("site-monitor",))
    assert not any(isinstance(effect.change, changes.RemoveLabels) for effect in made.effects)


def test_before_images_tell_what_a_revert_restores() -> None:
    body = splice("Seen.\n", [("AI Assessment", "old")])
    ours = {"written": {"AI Assessment": "old"}}
    made = planned(("osint", 0.9), reading=ours, body=body, labels=("Workflow::Osint", "state::discovery"))
    before = {effect.change.kind: effect.before for effect in made.effects}
    assert before["write_sections"] == {"sections": {"AI Assessment": read_section(body, "AI Assessment")}}
    assert before["add_labels"] == {"labels": ["workflow::osint"]}
    assert before["remove_labels"] == {"labels": ["state::discovery"]}


def test_assessment_is_the_only_section_written() -> None:
    made = planned(("osint", 0.9))
    (written,) = [e.change for e in made.effects if isinstance(e.change, changes.WriteSections)]
    assert [heading for heading, _ in written.sections] == ["AI Assessment"]


@pytest.mark.parametrize("share", [0.95, 0.7, 0.2])
def test_equal_matches_are_for_a_person(share: float) -> None:
    made = planned(("osint", share), ("target", share), ("review", share - 0.1))
    assert made.outcome == "needs clarification"
    assert made.reason == "Several workflows match equally well: osint, target."
    assert "workflow::osint" in comment(made)
    assert "workflow::target" in comment(made)


def test_nearly_equal_matches_are_not_equal() -> None:
    assert planned(("osint", 0.9), ("target", 0.8999)).outcome == "assigned"


def test_no_match_lists_the_workflows_to_choose_from() -> None:
    made = planned()
    assert (made.outcome, made.reason) == ("needs clarification", "No workflow matches.")
    assert all(f"workflow::{slug}" in comment(made) for slug in SPECS)


def test_question_leaves_the_issue_in_discovery() -> None:
    made = planned(("osint", 0.7))
    assert labels_added(made) == ("needs clarification",)
    assert made.moves == {}
    assert {effect.change.kind for effect in made.effects} == {"add_labels", "add_comment"}


def test_workflow_label_of_a_person_decides_whatever_the_classifier_says() -> None:
    made = planned(("osint", 0.99), labels=("state::discovery", "Workflow::Target"))
    assert made.facts["workflow"] == "target"
    assert (made.facts["by_person"], made.facts["confidence"]) == (True, 1.0)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("workflow::retired",), "carries workflow::retired, which is no workflow in force; take it off."),
        (("workflow::osint", "workflow::target"), "several workflow labels: workflow::osint, workflow::target"),
        (("workflow::osint", "workflow::retired"), "several workflow labels: workflow::osint, workflow::retired"),
    ],
)
def test_workflow_labels_that_say_nothing_clear_are_for_a_person(labels: tuple[str, ...], words: str) -> None:
    made = planned(("review", 0.99), labels=("state::discovery", *labels))
    assert made.outcome == "needs clarification"
    assert words in made.reason


@pytest.mark.parametrize("labels", [("workflow::unknown",), ("workflow::osint", "workflow::target"), ()])
def test_person_chose_nothing_with_no_known_or_several_labels(labels: tuple[str, ...]) -> None:
    assert chosen_by_person(snapshot(labels=labels), SPECS, G) == ""


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"suspicions": ("hidden comment", "zero-width letters")}, "hidden comment; zero-width letters"),
        ({"outsider": "mallory"}, "written by mallory, who is not of the team"),
    ],
)
def test_clear_match_is_still_for_a_person_when_the_text_is_not_to_be_trusted(
    reading: dict[str, Any], words: str
) -> None:
    made = planned(("osint", 0.99), reading=reading)
    assert made.outcome == "needs clarification"
    assert words in made.reason


def test_person_may_choose_for_a_suspicious_issue() -> None:
    made = planned(reading={"suspicions": ("hidden comment",)}, labels=("state::discovery", "workflow::osint"))
    assert made.outcome == "assigned"


@pytest.mark.parametrize(
    ("issue", "words"),
    [
        ({"is_open": False}, "closed"),
        ({"locked": True}, "locked"),
        ({"labels": ("state::discovery", "feature")}, "`feature`"),
        ({"labels": ("state::discovery", "needs clarification")}, "waits for a person"),
        ({"labels": ("state::assigned",)}, "not state::discovery"),
    ],
)
def test_issue_that_may_not_be_taken_on_is_skipped(issue: dict[str, Any], words: str) -> None:
    made = planned(("osint", 0.99), **issue)
    assert (made.verdict, made.effects) == (Verdict.SKIP, ())
    assert words in made.reason


def test_workflow_that_is_not_in_force_is_never_assigned() -> None:
    made = planned(("retired", 0.99), ("osint", 0.85))
    assert made.facts["workflow"] == "osint"
