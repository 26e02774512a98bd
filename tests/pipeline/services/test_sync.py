"""Our copies brought up to date: few requests, nothing lost, a shrinking list proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.github.port import GitHubError, Gone, Moved, NotFound, Transient
from pipeline.models import Issue, Repository
from pipeline.services.sync import OVERLAP, Synced, complete, look_again, read_one, sync
from tests.factories import MOMENT, make_issue, make_repository
from tests.fake_github import FakeGitHub
from tests.values import snapshot


@pytest.fixture
def repository(time: clock.VirtualClock) -> Repository:
    return make_repository()


def fill(github: FakeGitHub, count: int, *, step: float = 1.0) -> None:
    """So many issues of ours, each touched `step` minutes after the one before."""
    for number in range(1, count + 1):
        github.put(snapshot(number=number, node_id=f"I_{number}", updated_at=MOMENT + timedelta(minutes=step * number)))


def asked(github: FakeGitHub, what: Callable[[], object]) -> int:
    """Requests made by `what`."""
    github.calls.clear()
    what()
    return github.calls.total()


def test_first_sync_takes_our_issues_and_leaves_the_others(repository: Repository, github: FakeGitHub) -> None:
    fill(github, 3)
    github.put(snapshot(number=9, labels=("bug",)))
    assert sync(repository, github) == Synced(pages=1, read=4, governed=3, not_modified=False)
    assert list(Issue.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]


def test_syncing_again_with_nothing_changed_asks_once_and_is_not_modified(
    repository: Repository, github: FakeGitHub
) -> None:
    fill(github, 250)
    sync(repository, github)
    assert asked(github, lambda: sync(repository, github)) <= 2
    assert asked(github, lambda: sync(repository, github)) == 1
    assert sync(repository, github).not_modified


def test_cursor_moves_to_the_newest_with_an_overlap_and_drops_the_etag(
    repository: Repository, github: FakeGitHub
) -> None:
    fill(github, 30)
    sync(repository, github)
    repository.refresh_from_db()
    assert repository.sync_since == MOMENT + timedelta(minutes=30) - OVERLAP
    assert repository.sync_etag == ""
    sync(repository, github)
    assert repository.sync_etag != ""


def test_change_is_found_by_the_next_sync(repository: Repository, github: FakeGitHub, time: clock.VirtualClock) -> None:
    fill(github, 5)
    for _ in range(3):
        sync(repository, github)
    time.advance(timedelta(hours=1))
    github.edit(2, title="Changed")
    sync(repository, github)
    assert Issue.objects.get(number=2).title == "Changed"


def test_change_behind_an_unchanged_full_page_is_found(
    repository: Repository, github: FakeGitHub, time: clock.VirtualClock
) -> None:
    fill(github, 150, step=0.01)
    for _ in range(3):
        sync(repository, github)
    time.advance(timedelta(minutes=5))
    github.edit(150, title="Changed")
    sync(repository, github)
    assert Issue.objects.get(number=150).title == "Changed"


def test_cursor_never_moves_back(repository: Repository, github: FakeGitHub) -> None:
    Repository.objects.update(sync_since=MOMENT + timedelta(days=1))
    repository.refresh_from_db()
    fill(github, 2)
    sync(repository, github)
    assert repository.sync_since == MOMENT + timedelta(days=1)


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_all_pages_are_read(repository: Repository, github: FakeGitHub, count: int) -> None:
    fill(github, count)
    sync(repository, github)
    assert Issue.objects.count() == count


def test_hundreds_of_issues_of_one_moment_are_all_read(repository: Repository, github: FakeGitHub) -> None:
    fill(github, 250, step=0)
    sync(repository, github)
    assert Issue.objects.count() == 250


def test_issue_that_is_touched_while_pages_are_read_hides_no_other(
    repository: Repository, github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(github, 150)
    time.advance(timedelta(days=1))
    read = github.issues
    seen: list[Any] = []

    def moving(**query: Any) -> Any:
        answer = read(**query)
        if not seen:
            github.edit(5, title="Touched")  # leaves its place and everything behind it moves up by one
        seen.append(query)
        return answer

    monkeypatch.setattr(github, "issues", moving)
    sync(repository, github)
    assert Issue.objects.count() == 150


def test_shrinking_list_removes_nothing(repository: Repository, github: FakeGitHub) -> None:
    fill(github, 5)
    sync(repository, github)
    github.rows.clear()
    sync(repository, github)
    assert Issue.objects.filter(presence=Issue.Presence.PRESENT).count() == 5


def test_fault_keeps_what_was_read_and_the_old_cursor(repository: Repository, github: FakeGitHub) -> None:
    github.unreadable = Transient("GitHub answered 502.")
    with pytest.raises(Transient):
        sync(repository, github)
    repository.refresh_from_db()
    assert (repository.sync_since, repository.synced_at) == (None, None)
    assert repository.sync_problem == "GitHub answered 502."
    github.unreadable = None
    sync(repository, github)
    repository.refresh_from_db()
    assert (repository.sync_problem, repository.synced_at) == ("", MOMENT)


def test_bookkeeping_makes_no_history(repository: Repository, github: FakeGitHub) -> None:
    before = repository.history.count()
    sync(repository, github)
    assert repository.history.count() == before


def test_long_sync_stops_in_time_and_the_next_goes_on_where_it_stopped(
    repository: Repository, github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(github, 450)
    time.advance(timedelta(days=1))
    read = github.issues

    def slow(**query: Any) -> Any:
        time.advance(timedelta(seconds=50))
        return read(**query)

    monkeypatch.setattr(github, "issues", slow)
    first = sync(repository, github)
    assert (first.pages, first.finished, repository.synced_at) == (3, False, None)
    assert asked(github, lambda: sync(repository, github)) == 2
    assert Issue.objects.count() == 450
    assert repository.synced_at is not None


def test_sync_that_dies_keeps_the_pages_that_it_read(
    repository: Repository, github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(github, 250)
    time.advance(timedelta(days=1))
    read, pages = github.issues, iter([None, None, Transient("GitHub answered 502.")])

    def failing(**query: Any) -> Any:
        fault = next(pages)
        if fault:
            raise fault
        return read(**query)

    monkeypatch.setattr(github, "issues", failing)
    with pytest.raises(Transient):
        sync(repository, github)
    repository.refresh_from_db()
    assert repository.sync_since == MOMENT + timedelta(minutes=199)
    monkeypatch.setattr(github, "issues", read)
    assert asked(github, lambda: sync(repository, github)) == 1


def test_place_is_never_kept_in_the_minutes_in_which_the_list_lags(
    repository: Repository, github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(github, 150, step=0.01)
    monkeypatch.setattr("pipeline.services.sync.MOST_PAGES", 1)
    time.advance(timedelta(minutes=5))
    assert not sync(repository, github).finished
    assert repository.sync_since == clock.now() - OVERLAP


def test_complete_reads_to_the_end(
    repository: Repository, github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(github, 250)
    monkeypatch.setattr("pipeline.services.sync.MOST_PAGES", 1)
    time.advance(timedelta(days=1))
    assert complete(repository, github).finished
    assert Issue.objects.count() == 250


AWAY: list[tuple[GitHubError, str]] = [
    (Gone("GitHub answered 410."), Issue.Presence.DELETED),
    (Moved("GitHub answered 301.", location="x"), Issue.Presence.TRANSFERRED),
    (NotFound("GitHub answered 404."), Issue.Presence.UNREACHABLE),
]


@pytest.mark.parametrize(("error", "presence"), AWAY, ids=[type(row[0]).__name__ for row in AWAY])
def test_issue_that_is_away_is_written_down_with_its_sentence(
    repository: Repository, github: FakeGitHub, error: GitHubError, presence: str
) -> None:
    make_issue(repository=repository, number=7)
    github.unreadable = error
    read_one(repository, github, 7)
    issue = Issue.objects.get()
    assert (issue.presence, issue.presence_note) == (presence, str(error))


def test_unknown_issue_that_is_away_is_nothing(repository: Repository, github: FakeGitHub) -> None:
    assert read_one(repository, github, 7) is None


def test_one_issue_is_read_with_one_request(repository: Repository, github: FakeGitHub) -> None:
    fill(github, 3)
    assert asked(github, lambda: read_one(repository, github, 2)) == 1
    assert Issue.objects.get().number == 2


def test_other_faults_of_one_issue_are_the_callers(repository: Repository, github: FakeGitHub) -> None:
    make_issue(repository=repository, number=7)
    github.unreadable = Transient("GitHub answered 502.")
    with pytest.raises(Transient):
        read_one(repository, github, 7)
    assert Issue.objects.get().presence == Issue.Presence.PRESENT


def test_issue_that_can_be_read_again_is_worked_on_again(repository: Repository, github: FakeGitHub) -> None:
    back, still = (make_issue(repository=repository, presence=Issue.Presence.UNREACHABLE) for _ in range(2))
    github.mirror(back)
    look_again(repository, github)
    back.refresh_from_db()
    still.refresh_from_db()
    assert (back.presence, back.presence_note) == (Issue.Presence.PRESENT, "")
    assert still.presence == Issue.Presence.UNREACHABLE
