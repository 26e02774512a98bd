"""process: guidance, scaffold and hand-over in three confirmed steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain import changes
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.plan_process import Task, plan
from pipeline.domain.states import State
from pipeline.domain.workflows import Deliverable, WorkflowSpec
from tests.values import COPILOT, MOMENT, snapshot, specialist, workflow

G = LabelGrammar()
LABELS = ("site-monitor", "state::assigned", "workflow::osint", "specialist::analyst")
TASK = Task(issue_id=3, repository="acme/watch", default_branch="main", now=MOMENT)
SPEC = workflow("osint")


def planned(spec: WorkflowSpec | None = SPEC, task: Task = TASK, **issue: Any) -> Plan:
    return plan(snapshot(**{"labels": LABELS, **issue}), spec, specialist(), task, G)


def steps(made: Plan) -> list[tuple[int, str]]:
    return [(effect.step, effect.change.kind) for effect in made.effects]


def test_nothing_is_handed_over_before_scaffold_and_sections_are_confirmed() -> None:
    made = planned()
    assert made.verdict is Verdict.CHANGE
    assert steps(made) == [
        (0, "create_branch"),
        (0, "open_pull"),
        (0, "write_sections"),
        (1, "assign_copilot"),
        (2, "add_labels"),
        (2, "remove_labels"),
        (2, "add_comment"),
    ]
    assert made.moves == {2: State.COPILOT}


def test_branch_pull_request_and_hand_over_can_exist_only_once() -> None:
    subjects = [effect.subject for effect in planned().effects if effect.subject]
    assert subjects == [
        "branch:acme/watch:workflow/osint/issue-7",
        "pull:acme/watch:workflow/osint/issue-7",
        "handover:3:1",
    ]


def test_second_hand_over_reuses_the_scaffold_that_stands() -> None:
    made = planned(task=replace(TASK, generation=2, scaffold="earlier/branch"))
    assert steps(made)[:2] == [(0, "write_sections"), (1, "assign_copilot")]
    (assigned,) = [e for e in made.effects if isinstance(e.change, changes.AssignCopilot)]
    assert assigned.subject == "handover:3:3"
    assert isinstance(assigned.change, changes.AssignCopilot)
    assert assigned.change.base_branch == "earlier/branch"


def test_scaffold_and_sections_name_the_same_files() -> None:
    made = planned()
    branch, _, sections = (effect.change for effect in made.effects[:3])
    assert isinstance(branch, changes.CreateBranch)
    assert isinstance(sections, changes.WriteSections)
    paths = [file.path for file in branch.files]
    assert len(paths) == len(set(paths)) == 3
    text = "".join(content or "" for _, content in sections.sections)
    assert all(path in text for path in paths if not path.endswith("README.md"))


def test_due_time_is_the_workflows() -> None:
    made = planned(workflow("osint", due=timedelta(hours=5)))
    assert made.facts["due_at"] == (MOMENT + timedelta(hours=5)).isoformat()


def test_both_sections_are_written_and_their_old_text_kept_for_a_revert() -> None:
    (effect,) = [e for e in planned().effects if isinstance(e.change, changes.WriteSections)]
    assert isinstance(effect.change, changes.WriteSections)
    assert [heading for heading, _ in effect.change.sections] == ["Specialist Guidance", "Copilot Assignment"]
    assert effect.before == {"sections": {"Specialist Guidance": None, "Copilot Assignment": None}}


def test_suspicious_text_goes_to_a_person_instead() -> None:
    made = planned(task=replace(TASK, suspicions=("hidden comment",)))
    assert made.outcome == "needs clarification"
    assert steps(made) == [(0, "add_labels"), (0, "add_comment")]
    assert made.moves == {}
    assert "hidden comment" in made.reason


@pytest.mark.parametrize(("spec", "person"), [(None, specialist()), (SPEC, None)], ids=["no workflow", "no specialist"])
def test_issue_without_workflow_or_specialist_is_a_conflict(spec: Any, person: Any) -> None:
    made = plan(snapshot(labels=LABELS), spec, person, TASK, G)
    assert (made.verdict, made.effects) == (Verdict.CONFLICT, ())
    assert "workflow::osint names no workflow in force with its specialist" in made.reason


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("state::assigned",), "no label `workflow::…`; set one on GitHub"),
        ((*LABELS, "workflow::review"), "several workflow labels (workflow::osint, workflow::review); leave one"),
    ],
)
def test_labels_that_name_no_single_workflow_are_told_as_they_are(labels: tuple[str, ...], words: str) -> None:
    made = planned(None, labels=labels)
    assert made.outcome == "no workflow"
    assert words in made.reason


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"branch_pattern": "bad..{number}"}, "names the branch"),
        ({"folder_pattern": "../{number}"}, "names the folder"),
        ({"deliverables": (Deliverable("a", "A", path="/etc/passwd"),)}, "has the path"),
        ({"deliverables": (Deliverable("a", "A", path="x.md"), Deliverable("b", "B", path="X.md"))}, "twice"),
    ],
)
def test_workflow_with_an_unusable_name_is_a_conflict_that_names_it(values: dict[str, Any], words: str) -> None:
    made = planned(workflow("osint", **values))
    assert made.verdict is Verdict.CONFLICT
    assert words in made.reason


@pytest.mark.parametrize(
    ("issue", "words"),
    [
        ({"labels": ("state::discovery",)}, "not state::assigned"),
        ({"labels": ("state::assigned", "state::copilot")}, "Conflicting"),
        ({"is_open": False}, "closed"),
    ],
)
def test_issue_that_is_not_in_assigned_is_skipped(issue: dict[str, Any], words: str) -> None:
    made = planned(**issue)
    assert (made.verdict, made.effects) == (Verdict.SKIP, ())
    assert words in made.reason


def test_issue_that_somebody_gave_to_copilot_is_not_handed_over_again() -> None:
    made = planned(assignees=(COPILOT,))
    assert (made.verdict, made.outcome, made.effects) == (Verdict.CONFLICT, "assigned already", ())
    assert "take it off on GitHub" in made.reason


@pytest.mark.parametrize("assignees", [(), (COPILOT,)], ids=["not shown yet", "assigned"])
def test_hand_over_of_ours_that_lacks_its_labels_gets_them_and_no_second_assignment(assignees: Any) -> None:
    made = planned(task=replace(TASK, generation=1, under_way=True), assignees=assignees)
    assert steps(made) == [(0, "add_labels"), (0, "remove_labels")]
    assert made.moves == {0: State.COPILOT}
