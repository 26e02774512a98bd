"""I2: every nominal time has one row. The times are derived here anew, not with the code that makes the slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pipeline.domain.invariants.values import OperationFact, RunFact, Violation

MOST = 2000  # the newest nominal times that are owed a row after a long outage
GRACE = timedelta(minutes=5)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name: index for index, name in enumerate(_MONTHS, start=1)},
    {name: index for index, name in enumerate(_DAYS)},
)


def nominal_times(expression: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Minutes in (after, until] that a five-field cron names, UTC."""
    minutes, hours, days, months, weekdays = (
        _numbers(text, bounds, names)
        for text, bounds, names in zip(expression.lower().split(), _BOUNDS, _NAMES, strict=True)
    )
    weekdays = {day % 7 for day in weekdays}
    start = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    day = start.replace(hour=0, minute=0)
    while day <= until:
        if day.month in months and day.day in days and (day.weekday() + 1) % 7 in weekdays:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = day.replace(hour=hour, minute=minute)
                    if start <= moment <= until:
                        yield moment
        day += timedelta(days=1)


def rows(operation: OperationFact, now: datetime, *, at_rest: bool) -> list[Violation]:
    """One row per nominal time from `since` to the newest settled (at rest: to now), none besides, none ahead."""
    times = sorted(slot.nominal_at for slot in operation.slots)
    named = operation.name
    broken = [
        _broken("doubled", f"{named} has {count} slots for {_at(moment)}.")
        for moment, count in Counter(times).items()
        if count > 1
    ]
    broken += [
        _broken("future", f"{named} has a slot at {_at(moment)}, ahead of the clock.")
        for moment in times
        if moment > now
    ]
    broken += [
        _broken("no run", f"The slot {_at(slot.nominal_at)} of {named} is marked as run and has no run.")
        for slot in operation.slots
        if slot.status == "ran" and slot.run is None
    ]
    return broken + _against_cron(operation, times, now, at_rest=at_rest)


def _against_cron(
    operation: OperationFact, times: Sequence[datetime], now: datetime, *, at_rest: bool
) -> list[Violation]:
    since = operation.since or (times[0] - timedelta(minutes=1) if times else None)
    until = now - GRACE if at_rest else (times[-1] if times else None)
    if operation.cron is None or since is None or until is None:
        return []
    until = max(until, times[-1]) if times else until
    owed = list(nominal_times(operation.cron, since, until))[-MOST:]
    have = set(times)
    broken = [
        _broken("lost", f"{operation.name} has no slot for {_at(moment)}.") for moment in owed if moment not in have
    ]
    expected = set(owed)
    floor = max(since, owed[0] - timedelta(minutes=1)) if owed else since
    return broken + [
        _broken("invented", f"{operation.name} has a slot at {_at(moment)}, which its cron does not name.")
        for moment in times
        if moment > floor and moment not in expected
    ]


def runs(found: Iterable[RunFact]) -> list[Violation]:
    """At most one scheduled run per slot; runs of one group never overlap."""
    listed = sorted(found, key=lambda run: run.id)
    slots: dict[tuple[int, datetime], int] = {}
    broken = []
    for run in listed:
        if run.purpose != "scheduled" or run.operation is None or run.nominal_at is None:
            continue
        first = slots.setdefault((run.operation, run.nominal_at), run.id)
        if first != run.id:
            broken.append(_broken("ran twice", f"Runs {first} and {run.id} are of one slot, {_at(run.nominal_at)}."))
    return broken + _overlaps(listed)


def _overlaps(listed: Sequence[RunFact]) -> list[Violation]:
    broken = []
    last: dict[str, RunFact] = {}
    for run in sorted(
        (run for run in listed if run.group and run.started_at), key=lambda run: (run.started_at, run.id)
    ):
        before = last.get(run.group)
        if before and run.started_at and (before.finished_at is None or run.started_at < before.finished_at):
            broken.append(_broken("overlap", f"Run {run.id} started while run {before.id} of its group was working."))
        if before is None or before.finished_at is None or (run.finished_at and run.finished_at > before.finished_at):
            last[run.group] = run
    return broken


def _numbers(text: str, bounds: tuple[int, int], names: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        spread, _, step = part.partition("/")
        low, high = bounds
        if spread != "*":
            first, _, last = spread.partition("-")
            low = names[first] if first in names else int(first)
            high = (names[last] if last in names else int(last)) if last else (bounds[1] if step else low)
        found |= set(range(low, high + 1, int(step) if step else 1))
    return found


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I2", f"slots.{check}", sentence)
