"""One contract for both writers: the same changes come to the same outcomes and the same world."""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain.changes import (
    AddComment,
    AddLabels,
    AssignCopilot,
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
from pipeline.github import adapter
from pipeline.github.memory import Memory
from pipeline.github.port import Conflict, GitHub, IssueTarget, Outcome, Refused, Transient
from tests.pipeline.github.world import REPOSITORY, World, clients, intent

NOBODY = IssueTarget(None, "", "")
FILES = (ScaffoldFile("reports/a.md", "# Bericht 😀\n"), ScaffoldFile("reports/deep/b.md", "- [ ] one\n"))
BRANCH = CreateBranch("scaffold/issue-1", "main", "Add the scaffold\n\nFor issue 1.", FILES)


def facts(outcome: Outcome) -> dict[str, object]:
    assert outcome.applied is not None, outcome.error
    return outcome.applied.facts


def test_created_issue_carries_title_body_and_labels(both: World) -> None:
    change = CreateIssue("Ünïcode 😀 | title", "Body\r\nwith CRLF\n", ("site-monitor", "State::Discovery"))
    told = facts(both.apply(NOBODY, change))
    issue = both.state(int(str(told["number"])))
    assert (issue.title, issue.body) == (change.title, change.body)
    assert sorted(issue.labels) == ["site-monitor", "state::discovery"]
    assert told["node_id"]
    assert str(told["html_url"]).endswith(f"/issues/{issue.number}")


def test_added_labels_leave_the_others(both: World) -> None:
    target = both.issue(labels=("site-monitor",))
    told = facts(both.apply(target, AddLabels(("state::assigned", "monitor::triage"))))
    expected = ["monitor::triage", "site-monitor", "state::assigned"]
    assert sorted(both.state(target.number or 0).labels) == expected
    assert sorted(map(str, told["labels"])) == expected  # type: ignore[call-overload]


def test_removed_labels_leave_the_others(both: World) -> None:
    target = both.issue(labels=("site-monitor", "monitor::triage", "state::discovery"))
    told = facts(both.apply(target, RemoveLabels(("monitor::triage", "State::Discovery"))))
    assert both.state(target.number or 0).labels == ["site-monitor"]
    assert told["labels"] == ["site-monitor"]


def test_label_removed_by_somebody_meanwhile_counts_as_removed(both: World) -> None:
    target = replace(both.issue(labels=("site-monitor",)), labels=("site-monitor", "monitor::triage"))
    assert facts(both.apply(target, RemoveLabels(("monitor::triage",))))["labels"] == ["site-monitor"]


def test_label_unknown_to_the_repository_is_refused_by_name_and_not_made_up(both: World) -> None:
    target = both.issue()
    outcome = both.apply(target, AddLabels(("workflow::new",)))
    assert isinstance(outcome.error, Refused)
    assert "'workflow::new'" in str(outcome.error)
    assert "workflow::new" not in both.github.labels()


def test_sections_are_spliced_and_the_rest_is_kept(both: World) -> None:
    target = both.issue(body="By a person.\r\n\r\n## Notes\r\nkept")
    told = facts(both.apply(target, WriteSections((("AI Assessment", "All of it."),))))
    body = both.state(target.number or 0).body
    assert body.startswith("By a person.\r\n\r\n## Notes\r\nkept")
    assert "## AI Assessment" in body
    assert told["body"] == body


def test_sections_that_are_there_already_need_no_request(both: World) -> None:
    target = both.issue()
    change = WriteSections((("AI Assessment", "All of it."),))
    body = str(facts(both.apply(target, change))["body"])
    both.meter.calls.clear()
    assert facts(both.apply(replace(target, body=body), change))["body"] == body
    assert [call for call in both.meter.calls if call.write] == []


def test_body_without_room_is_refused_before_it_is_sent(both: World) -> None:
    target = replace(both.issue(), body="x" * 65_530)
    assert isinstance(both.apply(target, WriteSections((("AI Assessment", "y"),))).error, Refused)


def test_comment_is_added(both: World) -> None:
    target = both.issue()
    told = facts(both.apply(target, AddComment("**Done** 😀")))
    comment = both.state(target.number or 0).comments[0]
    assert (comment.id, comment.body) == (told["comment_id"], "**Done** 😀")


def test_branch_holds_all_files_in_one_commit(both: World) -> None:
    told = facts(both.apply(NOBODY, BRANCH))
    head = both.github.branch(BRANCH.branch)
    assert head is not None
    assert head.sha == told["sha"] != told["base_sha"]
    assert head.message == BRANCH.message
    assert both.github.file("reports/a.md", BRANCH.branch) == FILES[0].content.encode()
    assert both.github.folder("reports/deep", BRANCH.branch) == ("reports/deep/b.md",)
    commit = both.sandbox.world.state.repositories[REPOSITORY].git.commits[head.sha]
    assert commit.parents == [told["base_sha"]]


def test_file_is_moved_by_one_commit(both: World) -> None:
    old, new = ".github/workflows/site-watch.yml", ".github/workflows/archive/site-watch.yml"
    text = both.github.file(old, "main")
    assert text is not None
    move = CreateBranch("archive", "main", "Archive", (ScaffoldFile(new, text.decode()),), (old,))
    facts(both.apply(NOBODY, move))
    assert both.github.file(old, "archive") is None
    assert both.github.file(new, "archive") == text
    assert both.github.file(old, "main") == text


def test_workflow_is_switched_off_and_stays_where_it_is(both: World) -> None:
    found = both.github.actions_workflows()[0]
    told = [facts(both.apply(NOBODY, DisableWorkflow(found.id, found.path))) for _again in range(2)]
    assert told == [{"state": "disabled_manually"}] * 2
    assert [row.state for row in both.github.actions_workflows()] == ["disabled_manually"]
    assert both.github.file(found.path, "main") is not None


def test_workflow_travels_beside_what_graphql_speaks(both: World) -> None:
    found = both.github.actions_workflows()[0]
    told = both.apply_all(
        both.issue(), AddLabels(("site-monitor",)), DisableWorkflow(found.id, found.path), AddComment("Switched off")
    )
    assert all(outcome.applied for outcome in told)


def test_branch_that_exists_is_a_conflict_and_stays(both: World) -> None:
    first = facts(both.apply(NOBODY, BRANCH))
    outcome = both.apply(NOBODY, replace(BRANCH, message="Another"))
    assert isinstance(outcome.error, Conflict)
    head = both.github.branch(BRANCH.branch)
    assert head is not None
    assert head.sha == first["sha"]


def test_pull_request_is_opened_and_closed_and_its_branch_deleted(both: World) -> None:
    sha = str(facts(both.apply(NOBODY, BRANCH))["sha"])
    told = facts(both.apply(NOBODY, OpenPull(BRANCH.branch, "main", "Scaffold", "For #1")))
    number = int(str(told["number"]))
    assert both.github.pull(number).is_open
    facts(both.apply(NOBODY, ClosePull(number)))
    assert not both.github.pull(number).is_open
    facts(both.apply(NOBODY, DeleteBranch(BRANCH.branch, sha)))
    assert both.github.branch(BRANCH.branch) is None


def test_branch_that_somebody_committed_to_is_kept(both: World) -> None:
    facts(both.apply(NOBODY, BRANCH))
    outcome = both.apply(NOBODY, DeleteBranch(BRANCH.branch, "0" * 40))
    assert isinstance(outcome.error, Conflict)
    assert both.github.branch(BRANCH.branch) is not None


def test_branch_that_is_gone_counts_as_deleted(both: World) -> None:
    assert facts(both.apply(NOBODY, DeleteBranch("never-there", "0" * 40))) == {}


def test_copilot_is_assigned_beside_people_with_the_users_token(both: World) -> None:
    target = both.issue()
    both.state(target.number or 0).assignees.append("rosa-reviewer")
    told = facts(both.apply(target, AssignCopilot("main", "Mind the tone.")))
    assert told["assignees"] == ["rosa-reviewer", "Copilot"]
    session = both.sandbox.world.state.sessions[0]
    assert (session.by, session.base_branch, session.instructions) == ("olivia-operator", "main", "Mind the tone.")


def test_copilot_is_unassigned_and_people_stay(both: World) -> None:
    target = both.issue()
    both.state(target.number or 0).assignees.append("rosa-reviewer")
    facts(both.apply(target, AssignCopilot("main")))
    assert facts(both.apply(target, UnassignCopilot()))["assignees"] == ["rosa-reviewer"]


def test_issue_is_closed_and_reopened(both: World) -> None:
    target = both.issue()
    facts(both.apply(target, CloseIssue("not_planned")))
    assert both.state(target.number or 0).state_reason == "not_planned"
    facts(both.apply(target, ReopenIssue()))
    assert both.state(target.number or 0).state == "open"


def test_label_is_made_once(both: World) -> None:
    told = facts(both.apply(NOBODY, CreateLabel("workflow::x", "0e8a16", "A workflow")))
    assert both.github.labels()["workflow::x"] == told["node_id"]
    assert isinstance(both.apply(NOBODY, CreateLabel("Workflow::X", "0e8a16", "")).error, Conflict)


def test_changes_to_one_issue_keep_their_order(both: World) -> None:
    target = both.issue(labels=("state::discovery",))
    outcomes = both.apply_all(
        target,
        AddLabels(("state::assigned",)),
        RemoveLabels(("state::discovery",)),
        WriteSections((("AI Assessment", "x"),)),
        AddComment("done"),
    )
    assert [facts(outcome) for outcome in outcomes][1]["labels"] == ["state::assigned"]
    assert "## AI Assessment" in both.state(target.number or 0).body


def test_refusal_stops_the_hand_over_behind_it(both: World) -> None:
    target = both.issue()
    outcomes = both.apply_all(target, AddLabels(("nowhere",)), AssignCopilot("main"))
    assert isinstance(outcomes[0].error, Refused)
    assert isinstance(outcomes[1].error, Transient)
    assert both.sandbox.world.state.sessions == []


def test_every_write_names_its_intent(both: World) -> None:
    target = both.issue()
    sent = intent(AddComment("hello"))
    both.github.apply(target, [sent])
    entry = both.sandbox.log.mutations()[-1]
    assert (entry["effect"], entry["hash"]) == (sent.key, sent.hash)


def test_graphql_sends_all_changes_to_one_issue_in_one_request(graphql: World) -> None:
    target = graphql.issue(labels=("state::discovery",))
    graphql.meter.calls.clear()
    graphql.apply_all(
        target, AddLabels(("state::assigned",)), WriteSections((("AI Assessment", "x"),)), AddComment("done")
    )
    assert [route for route in graphql.meter.routes if "write" in route] == ["POST graphql write"]


def test_graphql_finishes_a_branch_that_was_left_half_made(graphql: World) -> None:
    git = graphql.sandbox.world.state.repositories[REPOSITORY].git
    git.refs[f"heads/{BRANCH.branch}"] = git.refs["heads/main"]
    told = facts(graphql.apply(NOBODY, BRANCH))
    assert git.refs[f"heads/{BRANCH.branch}"] == told["sha"]


def test_graphql_refuses_the_hand_over_where_copilot_is_not_enabled(graphql: World) -> None:
    graphql.sandbox.configure({"copilot": {"assignable": False}})
    outcome = graphql.apply(graphql.issue(), AssignCopilot("main"))
    assert isinstance(outcome.error, Refused)
    assert "Enable the coding agent" in str(outcome.error)


def _remembering(graphql: World) -> GitHub:
    """Our adapter with a memory, as services.connect builds it."""
    node_id = graphql.github.repository().node_id
    app, user = clients(graphql.sandbox, graphql.meter)
    return adapter.graphql(app, user, REPOSITORY, dict, repository_id=lambda: node_id, heads=Memory(60.0))


def test_graphql_reads_a_base_once_for_many_branches(graphql: World) -> None:
    github = _remembering(graphql)
    graphql.meter.calls.clear()
    for number in range(3):
        assert github.apply(NOBODY, [intent(replace(BRANCH, branch=f"scaffold/{number}"))])[0].applied
    assert graphql.meter.routes == ["POST graphql before write"] + 3 * ["POST graphql write"]


def test_graphql_refuses_an_existing_branch_from_a_remembered_base(graphql: World) -> None:
    github = _remembering(graphql)
    assert github.apply(NOBODY, [intent(BRANCH)])[0].applied
    assert isinstance(github.apply(NOBODY, [intent(BRANCH)])[0].error, Conflict)
    assert github.apply(NOBODY, [intent(replace(BRANCH, branch="scaffold/2"))])[0].applied
