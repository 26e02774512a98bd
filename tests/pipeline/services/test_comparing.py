"""Every issue is compared with GitHub's list once a day, within one page per hundred issues a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Finding, Issue, Kind, Mode, Operation, Repository, Run
from pipeline.services import comparing, execution, runs
from tests.factories import MOMENT, make_issue, make_operation, make_repository
from tests.fake_github import FakeGitHub

EARLIER = MOMENT - timedelta(hours=2)


@pytest.fixture
def repository(time: VirtualClock) -> Repository:
    return make_repository(token_checked_at=MOMENT, synced_at=MOMENT)


@pytest.fixture
def operation(repository: Repository) -> Operation:
    return make_operation(repository=repository, kind=Kind.VALIDATE)


def validated(operation: Operation) -> Run:
    run = runs.open_by_hand(operation, actor="olga", reason="To see.", mode=Mode.DRY_RUN, ring=False)
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run


def known(repository: Repository, github: FakeGitHub, number: int = 7, **values: Any) -> Issue:
    issue = make_issue(repository=repository, number=number, remote_updated_at=EARLIER, **values)
    github.mirror(issue)
    return issue


def lists(github: FakeGitHub) -> int:
    return github.calls["issues"]


def test_small_repository_is_compared_once_a_day_and_synchronised_otherwise(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    known(operation.repository, github)
    compared = []
    for _ in range(26):
        compared.append(validated(operation).statistics["validation"]["compared_issues"])
        time.advance(timedelta(hours=1))
        Repository.objects.update(token_checked_at=time.now())
    assert [hour for hour, count in enumerate(compared) if count] == [0, 23]
    assert lists(github) == 26


def test_difference_that_nobody_made_is_found_and_mended_in_our_copy(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    issue = known(operation.repository, github)
    Issue.objects.update(labels=["site-monitor", "state::discovery", "lost"])
    validated(operation)
    assert list(Finding.objects.values_list("check_id", "issue")) == [("record.differs", issue.pk)]
    issue.refresh_from_db()
    assert "lost" not in issue.labels
    time.advance(timedelta(hours=1))
    validated(operation)
    assert Finding.objects.get().resolved_at == time.now()
    assert github.calls["issue"] == 1


def test_change_that_synchronising_missed_is_news_and_no_fault(operation: Operation, github: FakeGitHub) -> None:
    issue = known(operation.repository, github)
    github.edit(issue.number, title="A new title")
    validated(operation)
    issue.refresh_from_db()
    assert (issue.title, Finding.objects.count()) == ("A new title", 0)


def test_issue_that_we_never_saw_is_taken_in(operation: Operation, github: FakeGitHub) -> None:
    first = known(operation.repository, github)
    github.put(replace(github.rows[first.number], number=8, node_id="I_8"))
    validated(operation)
    assert sorted(Issue.objects.values_list("number", flat=True)) == [7, 8]


def test_large_repository_is_compared_a_part_each_hour_within_its_pages(
    operation: Operation, github: FakeGitHub, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "PER_PAGE", 1)  # as if each issue were a hundred
    monkeypatch.setattr("tests.fake_github.PER_PAGE", 1)
    for number in range(1, 7):
        issue = known(operation.repository, github, number)
        moment = EARLIER + timedelta(minutes=number)
        Issue.objects.filter(pk=issue.pk).update(remote_updated_at=moment)
        github.put(replace(github.rows[number], updated_at=moment))
    Repository.objects.update(sync_since=MOMENT)
    operation.repository.refresh_from_db()
    seen = []
    for _ in range(14):
        before = lists(github)
        told = validated(operation).statistics["validation"]
        seen.append(told["compared_issues"])
        assert lists(github) - before <= 6
        time.advance(timedelta(hours=1))
    assert sum(seen) >= 6
    assert seen[-1] == 0
