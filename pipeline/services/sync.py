"""Bring our copies up to date: by pages of changed issues, or one issue at a time. A shrinking list proves nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline import clock
from pipeline.github import port
from pipeline.github.port import GitHub
from pipeline.models import Issue, Repository
from pipeline.services import issues, telemetry

# GitHub's list lags behind its writes; the same minutes are read again so that nothing falls between two reads.
OVERLAP = timedelta(minutes=10)
AT_ONE_GO = timedelta(minutes=2)  # then what was read is kept and the next go reads on, well inside a task's time limit
MOST_PAGES = 100
MOST_AGAIN = 20  # in one go, any of them, so that none waits behind others for ever


@dataclass(frozen=True, slots=True)
class Synced:
    """`read`: issues in the answer; `governed`: those that are the pipeline's; `finished`: there is no more to read."""

    pages: int
    read: int
    governed: int
    not_modified: bool
    finished: bool = True


def sync(repository: Repository, github: GitHub) -> Synced:
    """Read what changed since the last time; raises GitHubError. What was read is kept, and the next call reads on."""
    started = clock.now()
    since = repository.sync_since
    etag = repository.sync_etag or None
    pages = read = governed = 0
    place: tuple[datetime | None, int] | None = (since, 1)
    first_etag, newest, unchanged = None, since, False
    try:
        while place is not None and pages < MOST_PAGES and clock.now() - started < AT_ONE_GO:
            answer = github.issues(since=place[0], etag=etag if pages == 0 else None, page=place[1])
            pages += 1
            if answer.not_modified:
                unchanged, place = True, None
                break
            first_etag = answer.etag if pages == 1 else first_etag
            for snapshot in answer.issues:
                read += 1
                governed += issues.absorb(repository, snapshot) is not None
                newest = max(newest, snapshot.updated_at) if newest else snapshot.updated_at
            place = next_place(answer, place[0])
            if place is not None:
                _keep_place(repository, place[0], started)
    except port.GitHubError as error:
        _note(repository, sync_problem=str(error)[:500])
        raise
    if place is None:
        at_since = repository.sync_since == since  # the ETag belongs to one `since`
        cursor = {} if unchanged else _cursor(repository.sync_since, newest, first_etag or "" if at_since else "")
        _note(repository, synced_at=started, sync_problem="", **cursor)
    telemetry.emit(
        "sync", repository=repository.full_name, pages=pages, read=read, governed=governed, finished=place is None
    )
    return Synced(pages, read, governed, not_modified=unchanged, finished=place is None)


def complete(repository: Repository, github: GitHub) -> Synced:
    """Go after go until there is no more to read; may be broken off and called again."""
    done = sync(repository, github)
    while not done.finished:
        more = sync(repository, github)
        done = replace(
            more, pages=done.pages + more.pages, read=done.read + more.read, governed=more.governed + done.governed
        )
    return done


def _keep_place(repository: Repository, reached: datetime | None, started: datetime) -> None:
    """Pages come oldest change first: whoever stops here, killed or out of time, goes on from here.

    Not into the last minutes, in which the list may still lack what came before.
    """
    if reached is None:
        return
    place = min(reached, started - OVERLAP)
    if repository.sync_since is None or place > repository.sync_since:
        _note(repository, sync_since=place, sync_etag="")


def next_place(answer: port.IssuePage, since: datetime | None) -> tuple[datetime | None, int] | None:
    """Where to read on: from the last time that was seen.

    An issue that is touched meanwhile leaves its place and all behind it move up, so counting pages would miss one.
    They are counted only where a whole page is of one moment.
    """
    if answer.next_page is None:
        return None
    last = answer.issues[-1].updated_at if answer.issues else since
    return (last, 1) if last is not None and (since is None or last > since) else (since, answer.next_page)


def _cursor(since: datetime | None, newest: datetime | None, etag: str) -> dict[str, object]:
    """Move `since` only forward; the ETag belongs to one `since` and is dropped with it."""
    if newest is None or (since is not None and newest - OVERLAP <= since):
        return {"sync_etag": etag}
    return {"sync_since": newest - OVERLAP, "sync_etag": ""}


def _note(repository: Repository, **fields: object) -> None:
    """Named fields only, without a history entry: this is bookkeeping, not a setting."""
    Repository.objects.filter(pk=repository.pk).update(**fields)
    for name, value in fields.items():
        setattr(repository, name, value)


def read_one(repository: Repository, github: GitHub, number: int) -> Issue | None:
    """Read one issue again; a deleted, transferred or unreachable one is written down with its sentence."""
    known = Issue.objects.filter(repository=repository, number=number).first()
    try:
        return issues.absorb(repository, github.issue(number))
    except port.Gone as error:
        _absent(known, Issue.Presence.DELETED, error)
    except port.Moved as error:
        _absent(known, Issue.Presence.TRANSFERRED, error)
    except port.NotFound as error:
        _absent(known, Issue.Presence.UNREACHABLE, error)
    return known


def look_again(repository: Repository, github: GitHub) -> None:
    """Issues that answered 404: a token may have lacked access for a while, and the list shows only what changed."""
    rows = Issue.objects.filter(repository=repository, presence=Issue.Presence.UNREACHABLE)
    for number in rows.order_by("?").values_list("number", flat=True)[:MOST_AGAIN]:
        read_one(repository, github, number)


def _absent(known: Issue | None, presence: Issue.Presence, error: port.GitHubError) -> None:
    if known is not None:
        issues.set_presence(known, presence, str(error))
