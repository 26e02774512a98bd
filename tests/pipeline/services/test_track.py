"""track: which hand-overs a look at GitHub turns into items."""

from __future__ import annotations

import pytest

from pipeline.models import Issue, Kind, Repository, Run
from pipeline.services import kinds
from tests.factories import make_handover, make_issue, make_repository, make_run
from tests.fake_github import FakeGitHub
from tests.values import COPILOT


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


def looked(repository: Repository, github: FakeGitHub) -> list[Issue | None]:
    run: Run = make_run(repository=repository, kind=Kind.TRACK, limit=50)
    return [candidate.issue for candidate in kinds.of(run).select(run, github)]


def test_server_without_node_ids_has_each_hand_over_judged_by_its_own_issue(
    repository: Repository, github: FakeGitHub
) -> None:
    done = handed(repository, github, is_open=False)
    open_still = handed(repository, github, is_open=True)
    assert looked(repository, github) == [done]
    assert Issue.objects.get(pk=open_still.pk).is_open
