"""Runs that only a person or a rollback asks for: triage of issues, and GitHub Actions workflows."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.github.port import ActionsWorkflow
from pipeline.models import AuditEntry, Effect, Handover, Issue, Kind, Repository, Run, Transition
from pipeline.services import execution, runs
from pipeline.services.operations import NotPossible
from tests.factories import make_handover, make_issue, make_repository
from tests.fake_github import FakeGitHub
from tests.values import COPILOT

PATH = ".github/workflows/ops-workflow-assignment.yml"


def carried_out(repository: Repository, kind: Kind, **options: Any) -> Run:
    run = runs.open_by_request(
        repository, kind, options=options, limit=9, actor="olga", reason="Rolled back.", ring=False
    )
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run


def waiting(github: FakeGitHub, state: str, **values: Any) -> Issue:
    issue = make_issue(state=state, **values)
    github.mirror(issue)
    return issue


def test_issue_sent_back_to_triage_moves_by_revert_and_its_hand_over_is_withdrawn(github: FakeGitHub) -> None:
    copilot = {"login": COPILOT.login, "id": COPILOT.id, "kind": COPILOT.kind}
    issue = waiting(github, "copilot", assignees=[copilot])
    make_handover(issue=issue)
    run = carried_out(issue.repository, Kind.TRIAGE, choices={str(issue.number): "triage"})
    issue.refresh_from_db()
    assert (run.state, issue.state) == ("succeeded", "discovery")
    assert Transition.objects.get(issue=issue).cause == "revert"
    assert Handover.objects.get().outcome == "withdrawn"
    assert not github.rows[issue.number].copilot_assigned
    assert "monitor::triage" in github.rows[issue.number].labels


def test_issue_that_a_person_completes_is_done_and_so_is_its_hand_over(github: FakeGitHub) -> None:
    issue = waiting(github, "copilot")
    make_handover(issue=issue, outcome="finished")
    carried_out(issue.repository, Kind.TRIAGE, choices={str(issue.number): "complete"})
    issue.refresh_from_db()
    assert (issue.state, issue.is_open) == ("done", False)
    assert Transition.objects.get(issue=issue).cause == "pipeline"
    assert Handover.objects.get().outcome == "completed"


def test_issue_that_a_person_moved_meanwhile_is_left(github: FakeGitHub) -> None:
    issue = waiting(github, "assigned")
    github.edit(issue.number, labels=("site-monitor", "state::done"), is_open=False)
    run = carried_out(issue.repository, Kind.TRIAGE, choices={str(issue.number): "triage"})
    assert [(item.state, item.outcome) for item in run.items.filter(issue=issue)] == [("conflict", "closed")]
    assert [write.kind for write in github.writes if write.kind != "create_label"] == []


def test_only_the_chosen_issues_are_touched(github: FakeGitHub) -> None:
    chosen = waiting(github, "assigned")
    other = waiting(github, "assigned", repository=chosen.repository)
    carried_out(chosen.repository, Kind.TRIAGE, choices={str(chosen.number): "triage"})
    assert "state::assigned" in github.rows[other.number].labels


def test_workflow_is_switched_off_as_an_effect_and_makes_no_labels(github: FakeGitHub) -> None:
    github.workflows = [ActionsWorkflow(7, "Assign", PATH, "active"), ActionsWorkflow(8, "Tests", "t.yml", "active")]
    run = carried_out(make_repository(), Kind.ACTIONS, disable=[{"id": 7, "path": PATH}])
    assert run.state == "succeeded"
    assert {row.id: row.state for row in github.workflows} == {7: "disabled_manually", 8: "active"}
    assert [(row.kind, row.state) for row in Effect.objects.all()] == [("disable_workflow", "applied")]


def test_workflow_file_is_moved_by_a_pull_request(github: FakeGitHub) -> None:
    github.files[PATH] = b"on: push\n"
    carried_out(make_repository(), Kind.ACTIONS, archive=[PATH])
    assert [write.kind for write in github.writes] == ["create_branch", "open_pull"]


def test_start_is_written_down_with_its_author(time: VirtualClock) -> None:
    runs.open_by_request(make_repository(), Kind.TRIAGE, options={}, limit=0, actor="olga", reason="Back.", ring=False)
    assert (AuditEntry.objects.get().actor, AuditEntry.objects.get().action) == ("olga", "run.started")


@pytest.mark.parametrize(
    ("kind", "standing", "sentence"),
    [(Kind.ASSIGN, "active", "belongs to an operation"), (Kind.TRIAGE, "paused", "is paused; resume it first")],
)
def test_request_that_cannot_be_carried_out_is_refused(
    time: VirtualClock, kind: Kind, standing: str, sentence: str
) -> None:
    repository = make_repository(standing=standing)
    with pytest.raises(NotPossible, match=sentence):
        runs.open_by_request(repository, kind, options={}, limit=1, actor="olga", reason="Back.")
    assert not Run.objects.exists()
