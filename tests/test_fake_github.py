"""The fake behaves as the real adapter does on the sandbox, for every call that tests make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.changes import KINDS, Change
from pipeline.github.port import ActionsWorkflow, GitHub, IssueTarget, Outcome
from tests.fake_github import FakeGitHub
from tests.pipeline.github.conftest import WallClock
from tests.pipeline.github.world import LABELS, intent, world

NOBODY = IssueTarget(None, "", "")
FILES = (changes.ScaffoldFile("reports/a.md", "# A\n"),)


@pytest.fixture(autouse=True)
def _time() -> Iterator[None]:
    with clock.using(WallClock()):
        yield


@pytest.fixture(params=["fake", "real"])
def github(request: pytest.FixtureRequest) -> Iterator[GitHub]:
    if request.param == "fake":
        yield FakeGitHub(names={name: f"LA_{name}" for name in LABELS})
        return
    with world("graphql") as made:
        yield made.github


def send(github: GitHub, target: IssueTarget, *wanted: Change) -> tuple[Outcome, ...]:
    return github.apply(target, [intent(change) for change in wanted])


def facts(outcome: Outcome) -> dict[str, Any]:
    assert outcome.applied is not None, outcome.error
    return outcome.applied.facts


def opened(github: GitHub, labels: tuple[str, ...] = ("state::discovery",)) -> IssueTarget:
    made = facts(send(github, NOBODY, changes.CreateIssue("A convoy", "Seen.\n", labels))[0])
    return IssueTarget(made["number"], made["node_id"], "Seen.\n", labels)


def test_issue_is_opened_and_read(github: GitHub) -> None:
    target = opened(github)
    one = github.issue(int(str(target.number)))
    assert (one.title, one.body, one.labels, one.is_open) == ("A convoy", "Seen.\n", ("state::discovery",), True)
    assert one.node_id == target.node_id
    assert [row.number for row in github.issues_since_by_us(datetime.now(UTC) - timedelta(minutes=5))] == [one.number]


def test_changes_of_one_issue_travel_together_and_tell_what_they_made(github: GitHub) -> None:
    target = opened(github)
    told = send(
        github,
        target,
        changes.WriteSections((("AI Assessment", "- ours"),)),
        changes.AddLabels(("state::assigned",)),
        changes.RemoveLabels(("state::discovery",)),
        changes.AddComment("Hello"),
    )
    assert "- ours" in facts(told[0])["body"]
    assert facts(told[2])["labels"] == ["state::assigned"]
    assert facts(told[3]).keys() == {"comment_id", "html_url"}
    one = github.issue(int(str(target.number)))
    assert (one.body, one.labels) == (facts(told[0])["body"], ("state::assigned",))
    assert [comment.body for comment in github.comments(one.number)] == ["Hello"]


def test_unknown_label_is_refused_and_the_rest_is_not_sent(github: GitHub) -> None:
    told = send(github, opened(github), changes.AddLabels(("nope",)), changes.AddLabels(("state::assigned",)))
    assert [type(outcome.error).__name__ for outcome in told] == ["Refused", "Transient"]
    assert "Not sent" in str(told[1].error)


def test_section_without_room_is_refused_and_the_rest_is_not_sent(github: GitHub) -> None:
    target = replace(opened(github), body="x" * 65_536)
    section = changes.WriteSections((("AI Assessment", "- ours"),))
    told = send(github, target, changes.AddComment("First"), section, changes.AddComment("Last"))
    assert [type(outcome.error).__name__ for outcome in told] == ["NoneType", "Refused", "Transient"]
    assert [comment.body for comment in github.comments(int(str(target.number)))] == ["First"]


def test_hand_over_is_not_sent_after_a_failure(github: GitHub) -> None:
    told = send(github, opened(github), changes.AddLabels(("nope",)), changes.AssignCopilot("main"))
    assert [type(outcome.error).__name__ for outcome in told] == ["Refused", "Transient"]
    assert "Not sent" in str(told[1].error)


def test_copilot_is_assigned_and_taken_off(github: GitHub) -> None:
    target = opened(github)
    number = int(str(target.number))
    assert len(facts(send(github, target, changes.AssignCopilot("main"))[0])["assignees"]) == 1
    assert github.issue(number).copilot_assigned
    assert facts(send(github, target, changes.UnassignCopilot())[0])["assignees"] == []
    assert not github.issue(number).copilot_assigned


def test_branch_and_pull_request_are_made_closed_and_deleted(github: GitHub) -> None:
    made = send(
        github,
        NOBODY,
        changes.CreateBranch("work", "main", "Prepare", FILES),
        changes.OpenPull("work", "main", "Work", "Closes #1"),
    )
    sha, number = facts(made[0])["sha"], facts(made[1])["number"]
    head = github.branch("work")
    assert head is not None
    assert (head.sha, head.message) == (sha, "Prepare")
    assert [(pull.number, pull.is_open, pull.head_sha) for pull in github.pulls_from("work")] == [(number, True, sha)]
    ended = send(github, NOBODY, changes.ClosePull(number), changes.DeleteBranch("work", sha))
    assert all(outcome.applied for outcome in ended)
    assert not github.pull(number).is_open
    assert github.branch("work") is None


def test_branch_that_is_there_is_a_conflict(github: GitHub) -> None:
    branch = changes.CreateBranch("work", "main", "Prepare", FILES)
    send(github, NOBODY, branch)
    assert type(send(github, NOBODY, branch)[0].error).__name__ == "Conflict"


def test_branch_with_later_commits_is_not_deleted(github: GitHub) -> None:
    send(github, NOBODY, changes.CreateBranch("work", "main", "Prepare", FILES))
    assert type(send(github, NOBODY, changes.DeleteBranch("work", "f" * 40))[0].error).__name__ == "Conflict"


def test_issue_is_closed_and_reopened(github: GitHub) -> None:
    target = opened(github)
    number = int(str(target.number))
    assert "updated_at" in facts(send(github, target, changes.CloseIssue("not_planned"))[0])
    assert (github.issue(number).is_open, github.issue(number).state_reason) == (False, "not_planned")
    send(github, target, changes.ReopenIssue())
    assert github.issue(number).is_open


def test_label_is_made_once(github: GitHub) -> None:
    label = changes.CreateLabel("workflow::osint", "5319e7", "OSINT")
    assert facts(send(github, NOBODY, label)[0])["node_id"] == github.labels()["workflow::osint"]
    assert type(send(github, NOBODY, label)[0].error).__name__ == "Conflict"


def test_workflow_is_switched_off_and_one_that_is_not_there_is_not_found(github: GitHub) -> None:
    if isinstance(github, FakeGitHub):
        github.workflows = [ActionsWorkflow(7, "Site watch", ".github/workflows/site-watch.yml", "active")]
    found = github.actions_workflows()[0]
    assert facts(send(github, NOBODY, changes.DisableWorkflow(found.id, found.path))[0])["state"] != "active"
    assert [row.state for row in github.actions_workflows()] == ["disabled_manually"]
    absent = send(github, NOBODY, changes.DisableWorkflow(10**9, "none.yml"))[0]
    assert type(absent.error).__name__ == "NotFound"


def test_list_that_has_not_changed_is_not_sent_again(github: GitHub) -> None:
    opened(github)
    first = github.issues(since=None, etag=None)
    assert (len(first.issues), first.next_page, first.not_modified) == (1, None, False)
    again = github.issues(since=None, etag=first.etag)
    assert (again.issues, again.not_modified, again.etag) == ((), True, first.etag)


def test_server_tells_the_time(github: GitHub) -> None:
    told = github.server_time()
    assert told.tzinfo is not None
    assert abs(told - clock.now()) < timedelta(minutes=1)


ABSENT: list[tuple[str, Callable[[GitHub], object], object]] = [
    ("branch", lambda github: github.branch("none"), None),
    ("file", lambda github: github.file("none.md", "main"), None),
    ("folder", lambda github: github.folder("none", "main"), ()),
    ("pulls", lambda github: github.pulls_from("none"), ()),
    ("handovers", lambda github: github.handovers([(99, "I_none")])[0].issue, None),
]


@pytest.mark.parametrize(("read", "expected"), [row[1:] for row in ABSENT], ids=[row[0] for row in ABSENT])
def test_absence_is_told_alike(github: GitHub, read: Callable[[GitHub], object], expected: object) -> None:
    assert read(github) == expected


def test_issue_that_is_not_there_is_not_found(github: GitHub) -> None:
    with pytest.raises(Exception, match="404") as caught:
        github.issue(99)
    assert type(caught.value).__name__ == "NotFound"


def test_every_kind_of_change_is_held_against_the_real_one() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f"changes.{cls.__name__}(" in text for cls in KINDS.values())
