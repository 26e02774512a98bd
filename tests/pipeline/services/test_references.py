"""References are looked up, a few a run, and remembered; an absence needs proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.domain.checks.values import Found, Reference, Thing
from pipeline.domain.facts import Branch
from pipeline.github.port import QuotaExhausted, Transient
from pipeline.models import Reference as Row
from pipeline.models import Repository
from pipeline.services import references
from tests.factories import MOMENT, make_issue, make_reference, make_repository
from tests.fake_github import FakeGitHub
from tests.values import pull

BRANCH = Reference(Thing.BRANCH, "work/1")
FILE = Reference(Thing.FILE, "docs/a.md", "work/1")
PULL = Reference(Thing.PULL, "70")


@pytest.fixture
def repository(github: FakeGitHub) -> Repository:
    github.branches["work/1"] = [Branch("work/1", "a" * 40)]
    github.files["docs/a.md"] = b"three short words"
    github.pulls[70] = pull(number=70)
    return make_repository()


def resolve(repository: Repository, github: FakeGitHub, *named: Reference, **values: Any) -> references.Resolved:
    return references.resolve(repository, github, named, values.pop("vouched", {}), **values)


def test_each_reference_costs_one_call_and_is_remembered_for_a_day(
    repository: Repository, github: FakeGitHub, time: VirtualClock
) -> None:
    found = resolve(repository, github, BRANCH, FILE, PULL)
    assert found.found == {BRANCH: Found(True), FILE: Found(True, 3), PULL: Found(True)}
    assert (found.asked, dict(github.calls)) == (3, {"branch": 1, "file": 1, "pull": 1})
    time.advance(timedelta(hours=23))
    assert resolve(repository, github, BRANCH, FILE, PULL).asked == 0
    time.advance(timedelta(hours=1))
    assert resolve(repository, github, BRANCH, FILE, PULL).asked == 3


@pytest.mark.parametrize(
    "gone",
    [
        Reference(Thing.BRANCH, "work/2"),
        Reference(Thing.FILE, "docs/b.md", "work/1"),
        Reference(Thing.PULL, "71"),
        Reference(Thing.ISSUE, "72"),
    ],
)
def test_what_is_missing_is_asked_for_again_the_next_hour(
    repository: Repository, github: FakeGitHub, time: VirtualClock, gone: Reference
) -> None:
    found = resolve(repository, github, gone)
    assert (found.found, found.asked) == ({gone: Found(False)}, 2)  # the repository was looked at too
    time.advance(timedelta(hours=1))
    assert resolve(repository, github, gone).asked == 2


def test_absence_counts_only_while_github_shows_the_repository(repository: Repository, github: FakeGitHub) -> None:
    del github.branches["main"]
    found = resolve(repository, github, BRANCH, Reference(Thing.BRANCH, "work/2"))
    assert (found.found, found.waiting) == ({BRANCH: Found(True)}, 1)
    assert Row.objects.count() == 1


def test_files_on_a_branch_that_is_gone_are_not_asked_for(repository: Repository, github: FakeGitHub) -> None:
    gone = Reference(Thing.BRANCH, "work/2")
    found = resolve(repository, github, Reference(Thing.FILE, "docs/a.md", "work/2"), gone)
    assert found.found == {gone: Found(False)}
    assert github.calls["file"] == 0


@pytest.mark.parametrize(
    "odd",
    [
        Reference(Thing.BRANCH, "work/{number}"),
        Reference(Thing.BRANCH, ".."),
        Reference(Thing.FILE, "../../user", "work/1"),
        Reference(Thing.FILE, "docs/a.md", "../.."),
    ],
)
def test_name_that_git_could_not_have_is_broken_and_never_put_into_a_request(
    repository: Repository, github: FakeGitHub, odd: Reference
) -> None:
    assert resolve(repository, github, odd).found == {odd: Found(False)}
    assert dict(github.calls) == {"branch": 1}  # the default branch alone


def test_issue_that_we_have_costs_no_call(repository: Repository, github: FakeGitHub) -> None:
    issue = make_issue(repository=repository)
    assert resolve(repository, github, Reference(Thing.ISSUE, str(issue.number))).asked == 0


def test_what_we_made_today_costs_no_call(repository: Repository, github: FakeGitHub, time: VirtualClock) -> None:
    found = resolve(repository, github, BRANCH, vouched={BRANCH: MOMENT})
    assert (found.found, found.asked) == ({BRANCH: Found(True)}, 0)
    time.advance(timedelta(hours=24))
    assert resolve(repository, github, BRANCH, vouched={BRANCH: MOMENT}).asked == 1


def test_those_that_waited_longest_come_first_and_the_rest_next_time(
    repository: Repository, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "MOST", 2)
    old = Reference(Thing.BRANCH, "main")
    make_reference(repository=repository, name="main", checked_at=MOMENT - timedelta(days=2))
    first = resolve(repository, github, old, BRANCH, PULL)
    assert (set(first.found), first.waiting) == ({old, BRANCH, PULL}, 1)
    assert resolve(repository, github, old, BRANCH, PULL).asked == 1
    assert resolve(repository, github, old, BRANCH, PULL).waiting == 0


@pytest.mark.parametrize(
    ("error", "calls"),
    [(Transient("GitHub answered 502.", status=502), 3), (QuotaExhausted("No quota.", until=MOMENT), 1)],
)
def test_what_cannot_be_read_is_not_known(repository: Repository, github: FakeGitHub, error: Any, calls: int) -> None:
    github.unreadable = error
    named = [Reference(Thing.BRANCH, f"work/{number}") for number in range(9)]
    found = resolve(repository, github, *named)
    assert (found.found, found.waiting, github.calls["branch"]) == ({}, 9, calls)


def test_what_is_not_named_any_more_is_forgotten_after_a_whole_sweep(
    repository: Repository, github: FakeGitHub
) -> None:
    resolve(repository, github, BRANCH, PULL)
    resolve(repository, github, PULL, whole=False)
    assert Row.objects.count() == 2
    resolve(repository, github, PULL)
    assert [row.name for row in Row.objects.all()] == ["70"]
