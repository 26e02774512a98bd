"""Workflows that do our job on GitHub: switched off, or moved where GitHub runs nothing."""

from __future__ import annotations

import pytest

from pipeline.domain import changes
from pipeline.domain.plan import Verdict
from pipeline.domain.plan_actions import plan_archive, plan_disable

PATH = ".github/workflows/ops-workflow-assignment.yml"


def test_active_workflow_is_switched_off() -> None:
    made = plan_disable(7, PATH, "active")
    assert [row.change for row in made.effects] == [changes.DisableWorkflow(7, PATH)]
    assert made.effects[0].before == {"state": "active"}


@pytest.mark.parametrize(("state", "outcome"), [("", "gone"), ("disabled_manually", "off already")])
def test_workflow_that_runs_nothing_is_left(state: str, outcome: str) -> None:
    made = plan_disable(7, PATH, state)
    assert (made.verdict, made.outcome, made.effects) == (Verdict.SKIP, outcome, ())


def test_archive_moves_each_file_in_one_commit_and_opens_one_pull_request() -> None:
    made = plan_archive(
        {PATH: "on: push\n"}, branch="archive", base="main", reason="Done here now.", place="acme/watch"
    )
    branch, pull = (row.change for row in made.effects)
    assert isinstance(branch, changes.CreateBranch)
    assert branch.files == (
        changes.ScaffoldFile(".github/workflows/archive/ops-workflow-assignment.yml", "on: push\n"),
    )
    assert branch.deletions == (PATH,)
    assert isinstance(pull, changes.OpenPull)
    assert PATH in pull.body
    assert {row.subject for row in made.effects} == {"branch:acme/watch:archive", "pull:acme/watch:archive"}


@pytest.mark.parametrize("files", [{}, {PATH: None}])
def test_nothing_is_moved_when_a_file_is_not_there(files: dict[str, str | None]) -> None:
    made = plan_archive(files, branch="archive", base="main", reason="Done here now.", place="acme/watch")
    assert (made.verdict, made.effects) == (Verdict.CONFLICT, ())
