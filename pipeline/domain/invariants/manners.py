"""I7: we wait when told to, keep the pace of writes, and never beat on one door."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from pipeline.domain.invariants.log import Event
from pipeline.domain.invariants.values import PaceFact, Violation

IN_FLIGHT = timedelta(seconds=1)  # what another worker had sent when the answer came
HOT = timedelta(seconds=10)
MOST_ALIKE = 3


def waits(events: Iterable[Event]) -> list[Violation]:
    """No request of a token before the moment that it was told to wait for."""
    until: dict[str, tuple[datetime, datetime, int]] = {}
    broken = []
    for event in events:
        if event.kind != "request" or not event.token:
            continue
        told = until.get(event.token)
        if told and told[0] + IN_FLIGHT < event.time < told[1]:
            sentence = (
                f"Request {event.seq} ({event.method} {event.path}) came at {event.time:%H:%M:%S}, although request "
                f"{told[2]} had been told to wait until {told[1]:%H:%M:%S}."
            )
            broken.append(_broken("wait", sentence))
        if event.limited_until and (told is None or event.limited_until > told[1]):
            until[event.token] = (event.time, event.limited_until, event.seq)
    return broken


def pace(events: Iterable[Event], paces: Mapping[str, PaceFact]) -> list[Violation]:
    """Content writes per token within 60 s and 3,600 s; one GraphQL request counts once. `paces` by repository."""
    times: dict[str, list[datetime]] = defaultdict(list)
    allowed: dict[str, PaceFact] = {}
    counted: set[str] = set()
    for event in events:
        if event.kind != "mutation" or not event.ours or event.request_id in counted or event.repository not in paces:
            continue
        counted.add(event.request_id)
        times[event.token].append(event.time)
        allowed[event.token] = _wider(allowed.get(event.token), paces[event.repository])
    broken = []
    for token, moments in sorted(times.items()):
        for window, most in ((60, allowed[token].per_minute), (3600, allowed[token].per_hour)):
            worst = _most_within(sorted(moments), timedelta(seconds=window))
            if worst > most:
                sentence = f"The token {token!r} wrote {worst} times within {window} s; {most} are allowed."
                broken.append(_broken("pace", sentence))
    return broken


def spacing(reserved: Mapping[str, Sequence[datetime]], least_ms: Mapping[str, int]) -> list[Violation]:
    """Writes of one token keep their distance; `reserved` are our own records of when each went out."""
    broken = []
    for token, moments in sorted(reserved.items()):
        least = timedelta(milliseconds=least_ms.get(token, 0))
        ordered = sorted(moments)
        close = [after for before, after in pairwise(ordered) if after - before < least]
        if close:
            sentence = (
                f"{len(close)} writes of the token {token[:8]}… followed the one before in less than "
                f"{least.total_seconds():g} s, the first at {close[0]:%H:%M:%S}."
            )
            broken.append(_broken("spacing", sentence))
    return broken


def hot_loops(events: Sequence[Event]) -> list[Violation]:
    """The same write is not sent more than three times in ten seconds."""
    writing = {event.request_id for event in events if event.kind == "mutation" and event.ours}
    recent: dict[tuple[str, str, str, str], deque[datetime]] = defaultdict(deque)
    broken: dict[tuple[str, str, str, str], Violation] = {}
    for event in events:
        if event.kind != "request" or not event.hash or not (event.request_id in writing or event.method != "POST"):
            continue
        key = (event.token, event.method, event.path, event.hash)
        moments = recent[key]
        moments.append(event.time)
        while event.time - moments[0] > HOT:
            moments.popleft()
        if len(moments) > MOST_ALIKE:
            asked = f"{event.method} {event.path}"
            sentence = f"{asked} with one body was sent {len(moments)} times in 10 s (request {event.seq})."
            broken[key] = _broken("hot loop", sentence)
    return list(broken.values())


def _wider(one: PaceFact | None, other: PaceFact) -> PaceFact:
    if one is None:
        return other
    return PaceFact(
        min(one.spacing_ms, other.spacing_ms),
        max(one.per_minute, other.per_minute),
        max(one.per_hour, other.per_hour),
    )


def _most_within(moments: Sequence[datetime], window: timedelta) -> int:
    most, first = 0, 0
    for index, moment in enumerate(moments):
        while moment - moments[first] >= window:
            first += 1
        most = max(most, index - first + 1)
    return most


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I7", f"manners.{check}", sentence)
