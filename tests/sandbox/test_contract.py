"""Our requests and the sandbox's answers, held against GitHub's published OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.github import adapter
from pipeline.github.client import Client
from pipeline.github.port import GitHubError, IssueTarget
from sandbox.seed import USER_TOKEN
from tests.pipeline.github.conftest import WallClock
from tests.pipeline.github.world import REPOSITORY, World, intent, world
from tests.sandbox.openapi import Description, Exchange, Recorder, description, recording

NOBODY = IssueTarget(None, "", "")
BRANCH = changes.CreateBranch("scaffold/issue-1", "main", "Scaffold", (changes.ScaffoldFile("reports/a.md", "# A\n"),))


@pytest.fixture
def judge() -> Description:
    return description()


@pytest.fixture
def recorded(judge: Description) -> Iterator[tuple[World, Recorder]]:
    with clock.using(WallClock()), world("rest") as made, recording(made.sandbox) as recorder:
        yield made, recorder


def check(judge: Description, recorder: Recorder) -> set[str]:
    """No exchange has a problem; returns the operations that were used."""
    problems = [problem for exchange in recorder.exchanges for problem in judge.problems(exchange)]
    assert problems == []
    return {judge.operation_of(exchange) for exchange in recorder.exchanges}


def send(made: World, target: IssueTarget, change: changes.Change) -> dict[str, object]:
    outcome = made.apply(target, change)
    assert outcome.applied, outcome.error
    return outcome.applied.facts


def write_everything(made: World) -> IssueTarget:
    send(made, NOBODY, changes.CreateLabel("workflow::x", "0e8a16", "A workflow"))
    target = made.issue(labels=("site-monitor", "monitor::triage"))
    send(made, target, changes.AddLabels(("state::discovery",)))
    send(made, target, changes.RemoveLabels(("monitor::triage",)))
    send(made, target, changes.WriteSections((("AI Assessment", "x"),)))
    send(made, target, changes.AddComment("Done"))
    sha = send(made, NOBODY, BRANCH)["sha"]
    pull = send(made, NOBODY, changes.OpenPull(BRANCH.branch, "main", "Scaffold", f"For #{target.number}"))
    send(made, target, changes.AssignCopilot("main", "Mind the tone."))
    send(made, target, changes.UnassignCopilot())
    send(made, NOBODY, changes.ClosePull(int(str(pull["number"]))))
    send(made, NOBODY, changes.DeleteBranch(BRANCH.branch, str(sha)))
    send(made, target, changes.CloseIssue("not_planned"))
    send(made, target, changes.ReopenIssue())
    send(made, NOBODY, changes.DisableWorkflow(made.github.actions_workflows()[0].id, "sweep.yml"))
    return target


def test_every_write_over_rest_fits_the_description(recorded: tuple[World, Recorder], judge: Description) -> None:
    made, recorder = recorded
    write_everything(made)
    used = check(judge, recorder)
    assert len([operation for operation in used if not operation.startswith("GET")]) == 15


def test_every_read_over_rest_fits_the_description(recorded: tuple[World, Recorder], judge: Description) -> None:
    made, recorder = recorded
    target = write_everything(made)
    send(made, NOBODY, replace(BRANCH, branch="scaffold/2"))
    pull = int(str(send(made, NOBODY, changes.OpenPull("scaffold/2", "main", "t", f"For #{target.number}"))["number"]))
    github, number, since = made.github, target.number or 0, datetime.now(UTC) - timedelta(hours=1)
    recorder.exchanges.clear()
    github.repository()
    github.token()
    github.can_assign_copilot()
    github.issue(number)
    page = github.issues(since=since, etag=None)
    assert github.issues(since=since, etag=page.etag).not_modified
    github.comments(number)
    github.branch("main")
    github.commits("scaffold/2", since)
    github.file("README.md", "main")
    github.folder(".github/workflows", "main")
    github.pull(pull)
    github.pulls_from("scaffold/2")
    github.timeline(number)
    github.handovers([(number, target.node_id)])
    github.issues_since_by_us(since)
    github.labels()
    github.actions_workflows()
    github.server_time()
    client = Client(f"{made.sandbox.url}/api/v3", USER_TOKEN, made.meter)
    adapter.rest(client, client, REPOSITORY, dict).token()
    assert len(check(judge, recorder)) == 15


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("F401", {}),
        ("F404H", {}),
        ("F410", {}),
        ("F422L", {}),
        ("F403K", {}),
        ("F403S", {}),
        ("F403P", {"status": 429}),
        ("F500", {}),
        ("F502B", {}),
        ("F503", {}),
    ],
)
def test_every_refusal_fits_the_description(
    recorded: tuple[World, Recorder], judge: Description, code: str, params: dict
) -> None:
    made, recorder = recorded
    target = made.issue()
    made.sandbox.faults.add({"code": code, "count": 2, "params": params})
    with suppress(GitHubError):
        made.github.issue(target.number or 0)
    assert made.apply(target, changes.AddComment("x")).error
    check(judge, recorder)


def test_timeline_of_an_agents_work_fits_the_description(judge: Description) -> None:
    with clock.using(WallClock()), world("rest") as made:
        made.sandbox.configure({"speed": 10_000})
        target = made.issue()
        send(made, target, changes.AssignCopilot("main"))
        made.sandbox.advance(datetime.now(UTC) + timedelta(hours=2))
        with recording(made.sandbox) as recorder:
            facts = made.github.handovers([(target.number or 0, target.node_id)])
            for pull in facts[0].pulls:
                made.github.timeline(pull.number)
        check(judge, recorder)


def test_request_that_github_would_refuse_is_seen(judge: Description) -> None:
    made = Exchange("POST", "/repos/a/b/issues", {}, {"body": "no title"}, 201, None)
    assert any("'title' is a required property" in problem for problem in judge.problems(made))


def test_answer_that_github_would_not_give_is_seen(judge: Description) -> None:
    made = Exchange("GET", "/repos/a/b/labels", {"per_page": "100", "colour": "red"}, None, 200, [{"name": 3}])
    problems = judge.problems(made)
    assert any("'colour' is not described" in problem for problem in problems)
    assert any("answer at $[0]" in problem for problem in problems)


def test_unknown_operation_is_seen(judge: Description) -> None:
    assert "no such operation" in judge.problems(Exchange("PUT", "/repos/a/b/frogs", {}, None, 200, None))[0]


def test_intent_is_named_in_a_header_that_the_description_need_not_know(recorded: tuple[World, Recorder]) -> None:
    made, _ = recorded
    sent = intent(changes.CreateIssue("t", "b", ()))
    assert made.github.apply(NOBODY, [sent])[0].applied
    assert made.sandbox.log.mutations()[-1]["effect"] == sent.key
