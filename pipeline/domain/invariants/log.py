"""The sandbox's event log, read strictly, and the issues as they are after replaying it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.domain.invariants.values import Place

OURS = frozenset({"user", "installation", "app"})  # kinds of actor that came with one of our tokens


class BadLog(ValueError):
    """`str()` is one sentence: which entry cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Change:
    """`what` changed from `before` to `after`; `more` has what only this kind tells."""

    what: str
    before: Any
    after: Any
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    time: datetime
    kind: str  # request, mutation, world
    actor: str
    ours: bool
    token: str
    request_id: str
    method: str
    path: str
    place: Place | None
    repository: str
    field: str
    effect: str
    hash: str
    applied: bool
    limited_until: datetime | None
    changes: tuple[Change, ...]


@dataclass
class Remote:
    """One issue of the outside world after replay. `by_us`: one of our tokens opened it."""

    place: Place
    by_us: bool
    title: str = ""
    labels: tuple[str, ...] = ()
    body: str = ""
    gone: bool = False
    opened_at: int = 0  # sequence number


def parse(entries: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
    """The whole log; BadLog when an entry is unreadable or the numbering has a gap."""
    events: list[Event] = []
    for position, entry in enumerate(entries, start=1):
        try:
            event = _event(entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadLog(f"Entry {position} of the event log cannot be read: {error!r}.") from error
        if event.seq != position:
            raise BadLog(f"Entry {position} of the event log has the number {event.seq}; the log is not whole.")
        events.append(event)
    return tuple(events)


def replay(events: Sequence[Event]) -> dict[Place, Remote]:
    """Every issue (no pull requests) as the log leaves it."""
    world: dict[Place, Remote] = {}
    for event in events:
        for change in event.changes:
            if change.what == "issue":
                place = (event.repository, int(change.after))
                title, body = (str(change.more.get(name) or "") for name in ("title", "body"))
                world[place] = Remote(place, event.ours, title=title, body=body, opened_at=event.seq)
            elif event.place in world and event.kind != "request":
                _replay(world[event.place], change)
    return world


def _replay(issue: Remote, change: Change) -> None:
    if change.what == "labels":
        issue.labels = tuple(change.after)
    elif change.what == "title":
        issue.title = str(change.after or "")
    elif change.what == "body":
        issue.body = str(change.after or "")
    elif change.what in {"deleted", "transferred"}:
        issue.gone = True


def _event(entry: Mapping[str, Any]) -> Event:
    repository = str(entry.get("repository", "")).lower()
    number = entry.get("number")
    limited = entry.get("limited_until")
    return Event(
        seq=int(entry["seq"]),
        time=datetime.fromisoformat(entry["time"]),
        kind=str(entry["kind"]),
        actor=str(entry.get("actor", "")),
        ours=entry["kind"] != "world" and entry.get("actor_kind") in OURS,
        token=str(entry.get("token", "")),
        request_id=str(entry.get("request_id", "")),
        method=str(entry.get("method", "")),
        path=str(entry.get("path", "")),
        place=(repository, int(number)) if repository and number is not None else None,
        repository=repository,
        field=str(entry.get("field", "")),
        effect=str(entry.get("effect", "")),
        hash=str(entry.get("hash", "")),
        applied=bool(entry.get("applied")),
        limited_until=datetime.fromisoformat(limited) if limited else None,
        changes=tuple(_change(item) for item in entry.get("changes") or ()),
    )


def _change(item: Mapping[str, Any]) -> Change:
    more = {name: value for name, value in item.items() if name not in {"what", "before", "after"}}
    return Change(str(item["what"]), item.get("before"), item.get("after"), more)
