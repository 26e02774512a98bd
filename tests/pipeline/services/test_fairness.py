"""What is stuck holds up nobody: neither an issue, nor a discovery, nor a source that does not answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pipeline import clock
from pipeline.models import Issue, Kind, RunItem, Source
from pipeline.services import discoveries, kinds
from tests.factories import MOMENT, make_discovery, make_issue, make_item, make_repository, make_run, make_source
from tests.fake_github import FakeGitHub

ITEM, ERROR = RunItem.State, RunItem.ErrorType


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No source is looked at."""
    monkeypatch.setattr(discoveries, "collect", lambda *_: discoveries.Collected(0, 0))


def numbers(kind: Kind, github: FakeGitHub, issue: Issue, limit: int = 1) -> list[int]:
    run = make_run(repository=issue.repository, kind=kind, limit=limit)
    return [candidate.issue.number for candidate in kinds.of(run).select(run, github) if candidate.issue]


@pytest.mark.parametrize(("state", "kind"), [("discovery", Kind.ASSIGN), ("assigned", Kind.PROCESS)])
@pytest.mark.parametrize("error", [ERROR.CONFLICT, ERROR.PERMANENT])
def test_issue_that_needs_a_person_lets_the_next_one_through(
    github: FakeGitHub, state: str, kind: Kind, error: str
) -> None:
    repository = make_repository()
    first, second = (make_issue(repository=repository, state=state) for _ in range(2))
    run = make_run(repository=repository, kind=kind)
    make_item(run=run, issue=first, state=ITEM.CONFLICT, error_type=error, finished_at=MOMENT)
    assert numbers(kind, github, first) == [second.number]
    assert numbers(kind, github, first, limit=2) == [second.number, first.number]


def test_issue_that_a_person_mended_has_its_old_place(github: FakeGitHub) -> None:
    repository = make_repository()
    first, _ = (make_issue(repository=repository) for _ in range(2))
    run = make_run(repository=repository, kind=Kind.ASSIGN)
    make_item(run=run, issue=first, state=ITEM.CONFLICT, error_type=ERROR.CONFLICT, finished_at=MOMENT)
    Issue.objects.filter(pk=first.pk).update(remote_updated_at=MOMENT + timedelta(minutes=1))
    assert numbers(Kind.ASSIGN, github, first) == [first.number]


def test_passing_fault_costs_an_issue_nothing(github: FakeGitHub) -> None:
    repository = make_repository()
    first, _ = (make_issue(repository=repository) for _ in range(2))
    run = make_run(repository=repository, kind=Kind.ASSIGN)
    make_item(run=run, issue=first, state=ITEM.FAILED, error_type=ERROR.TRANSIENT, finished_at=MOMENT)
    assert numbers(Kind.ASSIGN, github, first) == [first.number]


@pytest.mark.usefixtures("unseen")
def test_discovery_that_github_refuses_lets_the_next_one_through(github: FakeGitHub) -> None:
    source = make_source()
    first, second = (make_discovery(source=source) for _ in range(2))
    run = make_run(repository=source.repository, kind=Kind.MONITOR, limit=1)
    failed = {"state": ITEM.FAILED, "error_type": ERROR.PERMANENT, "finished_at": MOMENT}
    make_item(run=run, issue=None, discovery=first, **failed)
    assert [candidate.discovery for candidate in kinds.of(run).select(run, github)] == [second]


@pytest.mark.usefixtures("unseen")
def test_run_for_named_issues_opens_no_others(github: FakeGitHub) -> None:
    found = make_discovery()
    run = make_run(repository=found.repository, kind=Kind.MONITOR, limit=5, options={"issues": [5]})
    assert kinds.of(run).select(run, github) == []


def test_sources_that_do_not_answer_leave_the_run_its_time(
    github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discoveries, "collect", _slowly(time))
    repository = make_repository()
    for _ in range(40):
        make_source(repository=repository)
    run = make_run(repository=repository, kind=Kind.MONITOR, limit=5)
    kinds.of(run).select(run, github)
    assert clock.now() - MOMENT < timedelta(minutes=3)
    for _ in range(4):
        kinds.of(run).select(run, github)
    assert not Source.objects.filter(checked_at=None).exists()


def _slowly(time: clock.VirtualClock) -> Callable[[Source, object], discoveries.Collected]:
    def collect(source: Source, _: object) -> discoveries.Collected:
        time.advance(timedelta(seconds=10))
        Source.objects.filter(pk=source.pk).update(checked_at=clock.now())
        return discoveries.Collected(0, 0, "It does not answer.")

    return collect
