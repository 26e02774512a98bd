"""track: which hand-overs a look at GitHub turns into items."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.models import Handover, Issue, Kind, Repository, Run
from pipeline.services import kinds
from tests.factories import MOMENT, make_handover, make_issue, make_repository, make_run
from tests.fake_github import FakeGitHub
from tests.values import COPILOT, pull


@pytest.fixture
def repository(github: FakeGitHub) -> Repository:
    return make_repository(protocol=Repository.Protocol.REST)


def handed(repository: Repository, github: FakeGitHub, *, is_open: bool) -> Issue:
    """A hand-over at a server that gives its issues no node ids, as it is on GitHub now."""
    agent = {"login": "Copilot", "id": COPILOT.id, "kind": "Bot"}
    issue = make_issue(repository=repository, state="copilot", node_id="", assignees=[agent])
    make_handover(issue=issue)
    github.mirror(issue)
    github.edit(issue.number, is_open=is_open)
    return issue


def looked(repository: Repository, github: FakeGitHub, **values: Any) -> list[Issue | None]:
    run: Run = make_run(repository=repository, kind=Kind.TRACK, limit=50, **values)
    return [candidate.issue for candidate in kinds.of(run).select(run, github)]


def test_server_without_node_ids_has_each_hand_over_judged_by_its_own_issue(
    repository: Repository, github: FakeGitHub
) -> None:
    done = handed(repository, github, is_open=False)
    open_still = handed(repository, github, is_open=True)
    assert looked(repository, github) == [done]
    assert Issue.objects.get(pk=open_still.pk).is_open


@pytest.mark.parametrize("outcome", ["lost", "failed"])
def test_agent_that_comes_late_to_a_hand_over_that_was_given_up_is_at_work(
    repository: Repository, github: FakeGitHub, outcome: str
) -> None:
    issue = handed(repository, github, is_open=True)
    Handover.objects.update(outcome=outcome, ended_at=MOMENT)
    github.pulls[70] = pull(body=f"Fixes #{issue.number}")
    assert looked(repository, github) == []
    row = Handover.objects.get()
    assert (row.outcome, row.ended_at, row.pull_number) == ("working", None, 70)


def test_hand_over_that_was_withdrawn_stays_so(repository: Repository, github: FakeGitHub) -> None:
    issue = handed(repository, github, is_open=True)
    Handover.objects.update(outcome="withdrawn", ended_at=MOMENT)
    github.pulls[70] = pull(body=f"Fixes #{issue.number}")
    looked(repository, github)
    assert Handover.objects.get().outcome == "withdrawn"


def test_run_for_a_named_issue_finishes_no_other_that_was_closed(repository: Repository, github: FakeGitHub) -> None:
    named, _ = (make_issue(repository=repository, state="assigned", is_open=False) for _ in range(2))
    assert looked(repository, github, options={"issues": [named.number]}) == [named]
