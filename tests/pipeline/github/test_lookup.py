"""A write of unknown fate is found when it took place, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.domain.changes import (
    AddComment,
    AddLabels,
    AssignCopilot,
    Change,
    CloseIssue,
    ClosePull,
    CreateBranch,
    CreateIssue,
    CreateLabel,
    DeleteBranch,
    DisableWorkflow,
    OpenPull,
    RemoveLabels,
    ReopenIssue,
    ScaffoldFile,
    UnassignCopilot,
    WriteSections,
)
from pipeline.github.port import IssueTarget, NotFound, UnknownFate
from tests.pipeline.github.world import World, intent, marked

NOBODY = IssueTarget(None, "", "")
KEY = "0f" * 16
FILES = (ScaffoldFile("reports/a.md", "# A\n"),)
BRANCH = CreateBranch("scaffold/issue-1", "main", f"Scaffold\n\n{marked(KEY)}", FILES)
Prepare = Callable[[World], tuple[IssueTarget, Change]]


def _issue(change: Change, *before: Change, labels: tuple[str, ...] = ()) -> Prepare:
    def prepare(both: World) -> tuple[IssueTarget, Change]:
        target = both.issue(labels=labels)
        for earlier in before:
            assert both.apply(target, earlier).applied
        return target, change

    return prepare


def _nothing(change: Change) -> Prepare:
    return lambda both: (NOBODY, change)


def _branched(change: Change) -> Prepare:
    def prepare(both: World) -> tuple[IssueTarget, Change]:
        assert both.github.apply(NOBODY, [intent(BRANCH, "other")])[0].applied
        return NOBODY, change

    return prepare


def _pulled(both: World) -> tuple[IssueTarget, Change]:
    _branched(BRANCH)(both)
    outcome = both.apply(NOBODY, OpenPull(BRANCH.branch, "main", "Scaffold", "b"))
    assert outcome.applied
    return NOBODY, ClosePull(outcome.applied.facts["number"])


def _head(both: World) -> tuple[IssueTarget, Change]:
    _branched(BRANCH)(both)
    head = both.github.branch(BRANCH.branch)
    assert head
    return NOBODY, DeleteBranch(BRANCH.branch, head.sha)


def _watched(both: World) -> tuple[IssueTarget, Change]:
    workflow = both.github.actions_workflows()[0]
    return NOBODY, DisableWorkflow(workflow.id, workflow.path)


CASES: dict[str, Prepare] = {
    "create_issue": _nothing(CreateIssue("A convoy", f"Body\n\n{marked(KEY)}\n", ())),
    "add_comment": _issue(AddComment(f"Done\n\n{marked(KEY)}\n")),
    "create_branch": _nothing(BRANCH),
    "open_pull": _branched(OpenPull(BRANCH.branch, "main", "Scaffold", f"For #1\n\n{marked(KEY)}\n")),
    "add_labels": _issue(AddLabels(("site-monitor", "state::assigned")), labels=("site-monitor",)),
    "remove_labels": _issue(RemoveLabels(("site-monitor",)), labels=("site-monitor",)),
    "write_sections": _issue(WriteSections((("AI Assessment", "x"),))),
    "assign_copilot": _issue(AssignCopilot("main")),
    "unassign_copilot": _issue(UnassignCopilot(), AssignCopilot("main")),
    "close_issue": _issue(CloseIssue("completed")),
    "reopen_issue": _issue(ReopenIssue(), CloseIssue("completed")),
    "close_pull": _pulled,
    "delete_branch": _head,
    "disable_workflow": _watched,
    "create_label": _nothing(CreateLabel("workflow::x", "0e8a16", "")),
}


@pytest.mark.parametrize("kind", CASES)
def test_write_that_took_place_is_found_and_one_that_did_not_is_not(rest: World, kind: str) -> None:
    target, change = CASES[kind](rest)
    sent = intent(change, KEY)
    assert rest.found(target, sent) is None
    outcome = rest.github.apply(target, [sent])[0]
    assert outcome.applied, outcome.error
    found = rest.found(target, sent)
    assert found is not None
    for name in ("number", "comment_id", "sha", "labels", "assignees", "node_id"):
        assert found.facts.get(name) == outcome.applied.facts.get(name)


@pytest.mark.parametrize("kind", ["create_issue", "add_comment", "create_branch", "open_pull", "write_sections"])
def test_write_whose_answer_was_lost_is_found(both: World, kind: str) -> None:
    target, change = CASES[kind](both)
    route = "/repos/{owner}/{repo}/git/refs" if kind == "create_branch" and both.speaks == "rest" else None
    both.fault("FDROP", **({"route": route} if route else {"verb": "PATCH" if kind == "write_sections" else "POST"}))
    sent = intent(change, KEY)
    outcome = both.github.apply(target, [sent])[0]
    assert isinstance(outcome.error, UnknownFate), repr(outcome)
    assert both.found(target, sent) is not None


@pytest.mark.parametrize(("words", "found"), [("x\n\nA person's line.\n", True), ("xylophone\n", False)])
def test_section_is_found_where_people_wrote_behind_it_since(rest: World, words: str, found: bool) -> None:
    target, change = CASES["write_sections"](rest)
    sent = intent(change, KEY)
    assert rest.github.apply(target, [sent])[0].applied
    issue = rest.state(target.number or 0)
    issue.body = issue.body.replace("x\n", words)
    assert (rest.found(target, sent) is not None) is found


def test_branch_without_our_commit_is_not_taken_for_made(graphql: World) -> None:
    graphql.fault("F502A", params={"fields": 1})
    sent = intent(BRANCH, KEY)
    assert isinstance(graphql.github.apply(NOBODY, [sent])[0].error, UnknownFate)
    assert graphql.github.branch(BRANCH.branch) is not None
    assert graphql.found(NOBODY, sent) is None
    assert graphql.github.apply(NOBODY, [sent])[0].applied
    assert graphql.found(NOBODY, sent) is not None


def test_forged_marker_is_not_taken_for_ours(rest: World) -> None:
    forged = marked(KEY).replace(KEY, "ab" * 16)
    target = rest.issue(body=f"Body\n\n{forged}\n")
    assert rest.found(target, intent(CreateIssue("t", "b", ()), "ab" * 16)) is None


def test_copy_of_an_issue_with_our_marker_is_not_taken_for_the_first(rest: World) -> None:
    first = rest.issue(body=f"Body\n\n{marked(KEY)}\n")
    rest.issue(body=f"Copied\n\n{marked(KEY)}\n")
    found = rest.found(NOBODY, intent(CreateIssue("t", "b", ()), KEY))
    assert found is not None
    assert found.facts["number"] == first.number


def test_marker_is_found_beyond_the_first_page(rest: World) -> None:
    target = rest.issue()
    for number in range(103):
        assert rest.apply(target, AddComment(f"comment {number}")).applied
    assert rest.apply(target, AddComment(marked(KEY))).applied
    assert rest.found(target, intent(AddComment("x"), KEY)) is not None


def test_label_that_a_person_took_off_again_counts_as_added(rest: World) -> None:
    target = rest.issue()
    sent = intent(AddLabels(("site-monitor",)), KEY)
    assert rest.github.apply(target, [sent])[0].applied
    assert rest.apply(target, RemoveLabels(("site-monitor",))).applied
    assert rest.found(target, sent) is not None


def test_hand_over_that_a_person_took_back_is_not_repeated(rest: World) -> None:
    target = rest.issue()
    sent = intent(AssignCopilot("main"), KEY)
    assert rest.github.apply(target, [sent])[0].applied
    assert rest.apply(target, UnassignCopilot()).applied
    assert rest.found(target, sent) is not None


def test_older_hand_over_is_not_taken_for_this_one(rest: World) -> None:
    target = rest.issue()
    assert rest.apply(target, AssignCopilot("main")).applied
    assert rest.apply(target, UnassignCopilot()).applied
    assert rest.found(target, intent(AssignCopilot("main"), KEY), ago=-60) is None


def test_lost_access_is_an_error_and_not_absence(rest: World) -> None:
    rest.sandbox.faults.add({"code": "F404H", "count": None})
    with pytest.raises(NotFound):
        rest.found(NOBODY, intent(BRANCH, KEY))
