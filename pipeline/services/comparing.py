"""Our copies against GitHub's list: every issue once a day, within one list page per hundred issues of a run.

Synchronising reads what changed since the last time, so what it missed, or what GitHub lost, shows nowhere else.
A round begins a day after the one before; a repository of up to a hundred issues is then read instead of synchronised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from pipeline import clock
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github import port
from pipeline.github.port import GitHub
from pipeline.models import Finding, Issue, Kind, Repository, Run
from pipeline.services import issues, sync

PER_PAGE = 100
ROUND = timedelta(hours=23)  # a little less than a day, so that an hourly run does not slip by one each day
IN_A_DAY = 24
CHECK = "record.differs"
MOST_AGAIN = 20  # issues that differed before are read one by one


@dataclass(frozen=True, slots=True)
class Place:
    """How far a round has come: `since` and `page` of the next list page; no `since` and page 0: it is over."""

    began_at: datetime | None = None
    since: datetime | None = None
    page: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "began_at": self.began_at.isoformat() if self.began_at else None,
            "since": self.since.isoformat() if self.since else None,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True)
class Read:
    """`older`: number → what GitHub shows of an issue where that is no later than our copy."""

    place: Place
    older: Mapping[int, IssueSnapshot] = field(default_factory=dict)
    compared: int = 0


def bring_up_to_date(run: Run, github: GitHub) -> Read:
    """Synchronise, and compare a part of all issues. Raises GitHubError, having kept what was read before."""
    repository, place = run.repository, _place(run)
    present = Issue.objects.filter(repository=repository, presence=Issue.Presence.PRESENT).count()
    budget = max(1, ceil(present / PER_PAGE))
    due = place.page > 0 or place.began_at is None or clock.now() - place.began_at >= ROUND
    if due and budget == 1 and repository.synced_at is not None:
        pages = 1
    else:
        spent = sync.sync(repository, github).pages
        pages = min(budget - spent, ceil(budget / IN_A_DAY)) if due else 0
    snapshots: list[IssueSnapshot] = []
    if due and pages > 0:
        place, snapshots = _pages(github, place, pages)
    snapshots += _again(repository, github, {snapshot.number for snapshot in snapshots})
    return Read(place, _older(repository, snapshots), len(snapshots))


def take_over(repository: Repository, differing: Mapping[int, IssueSnapshot]) -> None:
    """GitHub's word counts: once the difference is written down, our copy follows."""
    for snapshot in differing.values():
        issues.absorb(repository, snapshot)


def _place(run: Run) -> Place:
    """Where the last sweep left off."""
    rows = Run.objects.filter(
        repository=run.repository, kind=Kind.VALIDATE, state=Run.State.SUCCEEDED, statistics__has_key="validation"
    )
    told = rows.order_by("-finished_at").values_list("statistics__validation__compared", flat=True).first()
    if not told:
        return Place()
    return Place(_moment(told["began_at"]), _moment(told["since"]), int(told["page"]))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _pages(github: GitHub, place: Place, count: int) -> tuple[Place, list[IssueSnapshot]]:
    began = place.began_at if place.page > 0 and place.began_at else clock.now()
    following: tuple[datetime | None, int] | None = (place.since, place.page) if place.page > 0 else (None, 1)
    snapshots: list[IssueSnapshot] = []
    for _ in range(count):
        if following is None:
            break
        answer = github.issues(since=following[0], etag=None, page=following[1])
        snapshots += answer.issues
        following = sync.next_place(answer, following[0])
    return Place(began, *following) if following else Place(began), snapshots


def _again(repository: Repository, github: GitHub, known: set[int]) -> list[IssueSnapshot]:
    """What differed is read again before its day comes, so that it is resolved soon."""
    rows = Finding.objects.filter(repository=repository, check_id=CHECK, resolved_at__isnull=True)
    numbers = rows.order_by("last_seen").values_list("issue__number", flat=True)
    found = []
    for number in [one for one in numbers if one is not None and one not in known][:MOST_AGAIN]:
        try:
            found.append(github.issue(number))
        except port.Refused:
            continue  # deleted or moved: whoever works on it next writes that down
    return found


def _older(repository: Repository, snapshots: list[IssueSnapshot]) -> dict[int, IssueSnapshot]:
    """News is taken over at once; the rest is what our copy has to agree with."""
    numbers = [snapshot.number for snapshot in snapshots]
    ours = dict(
        Issue.objects.filter(repository=repository, number__in=numbers).values_list("number", "remote_updated_at")
    )
    older = {}
    for snapshot in snapshots:
        if snapshot.number not in ours or snapshot.updated_at > ours[snapshot.number]:
            issues.absorb(repository, snapshot)
        else:
            older[snapshot.number] = snapshot
    return older
