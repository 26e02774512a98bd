"""process: what a run takes on, and what stops it before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain import changes
from pipeline.domain.facts import Branch
from pipeline.domain.plan import Plan
from pipeline.github.port import Refused
from pipeline.models import Issue, Kind, Mode, Run
from pipeline.services import kinds
from tests.factories import (
    MOMENT,
    make_effect,
    make_handover,
    make_issue,
    make_item,
    make_repository,
    make_run,
    make_transition,
    make_workflow,
)
from tests.fake_github import FakeGitHub
from tests.values import COPILOT


def process(issue: Issue, **values: Any) -> Run:
    return make_run(**{"repository": issue.repository, "kind": Kind.PROCESS, "mode": Mode.LIVE, "limit": 5, **values})


def reasons(run: Run, github: FakeGitHub) -> dict[int, str]:
    """Number → why it is left out, "" when it is taken on."""
    found = kinds.of(run).select(run, github)
    return {candidate.issue.number: candidate.skipped for candidate in found if candidate.issue}


@pytest.fixture
def nobody(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    """A repository where Copilot is not enabled."""
    monkeypatch.setattr(github, "can_assign_copilot", lambda: False)
    return github


def test_live_run_where_copilot_cannot_be_assigned_is_refused_before_it_writes(nobody: FakeGitHub) -> None:
    run = process(make_issue(state="assigned"))
    with pytest.raises(Refused, match=r"Copilot cannot be assigned in acme/watch-\d+: enable the coding agent"):
        kinds.of(run).select(run, nobody)


def test_dry_run_shows_its_plan_where_copilot_cannot_be_assigned(nobody: FakeGitHub) -> None:
    issue = make_issue(state="assigned")
    assert reasons(process(issue, mode=Mode.DRY_RUN), nobody) == {issue.number: ""}


def test_run_with_nothing_to_do_asks_nobody_for_copilot(nobody: FakeGitHub) -> None:
    assert reasons(process(make_issue(state="done")), nobody) == {}


def test_named_issue_that_cannot_be_taken_on_is_listed_with_the_reason(github: FakeGitHub) -> None:
    repository = make_repository()
    gone = {"presence": "deleted", "presence_note": "It was deleted."}
    cases: list[dict[str, Any]] = [{}, {"state": "discovery"}, {"is_open": False}, gone, {"locked": True}]
    rows = [make_issue(**{"repository": repository, "state": "assigned", **case}) for case in cases]
    found = reasons(process(rows[0], options={"issues": [row.number for row in rows]}), github)
    assert [found[row.number] for row in rows] == [
        "",
        "It is in state::discovery, not state::assigned.",
        "The issue is closed.",
        "It was deleted.",
        "The issue is locked; unlock it on GitHub to have it worked on.",
    ]


def test_named_issue_that_is_none_of_ours_is_told(github: FakeGitHub) -> None:
    run = process(make_issue(state="assigned"), options={"issues": [999]})
    with pytest.raises(Refused, match="Not known here as issues of the pipeline: #999"):
        kinds.of(run).select(run, github)


def planned(github: FakeGitHub, workflow: str, *, stands: bool) -> Plan:
    """For an issue of the workflow `osint`, with a scaffold that was made for `workflow`."""
    make_workflow(slug="osint")
    issue = make_issue(state="assigned", labels=["state::assigned", "workflow::osint"])
    item = make_item(run=process(issue), issue=issue, facts={"workflow": workflow})
    change = changes.CreateBranch("work/7", "main", "Prepare", ())
    make_effect(item=item, change=change, state="applied")
    if stands:
        github.branches["work/7"] = [Branch("work/7", "1" * 40)]
    return kinds.of(item.run).plan(item, github.mirror(issue), github)


@pytest.mark.parametrize(
    ("workflow", "stands", "words"),
    [
        ("osint", False, "The scaffold branch work/7 is gone from GitHub; restore it"),
        ("review", True, "was prepared for the workflow 'review'; revert run"),
    ],
)
def test_scaffold_that_cannot_be_used_is_told_and_not_handed_over(
    github: FakeGitHub, workflow: str, stands: bool, words: str
) -> None:
    plan = planned(github, workflow, stands=stands)
    assert (plan.outcome, plan.effects) == ("no scaffold", ())
    assert words in plan.reason


@pytest.mark.parametrize(("workflow", "stands", "made_anew"), [("osint", True, False), ("review", False, True)])
def test_scaffold_is_used_again_or_made_anew_where_people_took_it_away(
    github: FakeGitHub, workflow: str, stands: bool, made_anew: bool
) -> None:
    kinds_of_change = [effect.change.kind for effect in planned(github, workflow, stands=stands).effects]
    assert ("create_branch" in kinds_of_change) is made_anew
    assert "assign_copilot" in kinds_of_change


@pytest.mark.parametrize(("moved_on", "outcome"), [(False, "labelled"), (True, "assigned already")])
def test_hand_over_whose_labels_failed_is_completed_and_one_that_a_person_sent_back_is_not(
    github: FakeGitHub, moved_on: bool, outcome: str
) -> None:
    agent = {"login": "Copilot", "id": COPILOT.id, "kind": "Bot"}
    issue = make_issue(state="assigned", labels=["state::assigned", "workflow::osint"], assignees=[agent])
    make_handover(issue=issue)
    if moved_on:
        make_transition(issue=issue, after="copilot", at=MOMENT)
    item = make_item(run=process(issue), issue=issue)
    assert kinds.of(item.run).plan(item, github.mirror(issue), github).outcome == outcome


def test_hand_over_whose_labels_failed_is_completed_though_its_branch_is_gone(github: FakeGitHub) -> None:
    issue = make_issue(state="assigned", labels=["state::assigned", "workflow::osint"])
    scaffold = make_item(run=process(issue), issue=issue, state="failed")
    make_effect(item=scaffold, change=changes.CreateBranch("work/7", "main", "Prepare", ()), state="applied")
    make_handover(issue=issue)
    item = make_item(run=process(issue), issue=issue)
    assert kinds.of(item.run).plan(item, github.mirror(issue), github).outcome == "labelled"
