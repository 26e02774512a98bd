"""The coordinated timetable (plan 2.3) as crons, and what may clash: arithmetic on one day of UTC minutes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pipeline.domain import cron
from rollout.domain.plan import TimetableEntry

MINUTES_A_DAY = 24 * 60
WITHIN = timedelta(minutes=10)  # GitHub and workers start late by minutes: closer than this is as good as together
WEEK = 7
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # any Monday: crons here name minutes, hours and weekdays


@dataclass(frozen=True, slots=True)
class Clash:
    """`second` starts `minutes` after `first` (both at HH:MM), although they share `group`.

    `overlap` is by how many minutes the first is expected to be still running; 0 where only the starts are close.
    """

    first: str
    second: str
    first_at: str
    second_at: str
    minutes: int
    group: str
    overlap: int = 0

    @property
    def sentence(self) -> str:
        why = f"is expected to run {self.overlap} min longer" if self.overlap else "starts only then"
        return (
            f"{self.second} at {self.second_at} follows {self.first} at {self.first_at} by {self.minutes} min, and "
            f"{self.first} {why}; both are in the group {self.group!r}, so the later one would be skipped."
        )


class NotOneCron(ValueError):
    """An operation's times cannot be written as one cron entry."""


def crons(entries: Iterable[TimetableEntry]) -> dict[str, str]:
    """One cron per operation, in the order of first mention; NotOneCron where one entry cannot say it."""
    times: dict[str, set[tuple[int, int]]] = {}
    for entry in entries:
        hour, minute = entry.at.split(":")
        times.setdefault(entry.operation, set()).add((int(hour), int(minute)))
    return {operation: _cron(operation, found) for operation, found in times.items()}


def _cron(operation: str, times: set[tuple[int, int]]) -> str:
    minutes = sorted({minute for _, minute in times})
    hours = sorted({hour for hour, _ in times})
    if len(minutes) * len(hours) != len(times):
        shown = ", ".join(f"{hour:02}:{minute:02}" for hour, minute in sorted(times))
        raise NotOneCron(f"The times of {operation} ({shown}) do not fit into one cron; give them one minute.")
    return f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"


@lru_cache(maxsize=256)
def fires_in_a_week(expression: str) -> tuple[datetime, ...]:
    start = _MONDAY - timedelta(seconds=1)
    return cron.fires_between(expression, start, start + timedelta(days=WEEK), most=WEEK * MINUTES_A_DAY)


def runs_per_day(expression: str) -> float:
    """On average over a week."""
    return len(fires_in_a_week(expression)) / WEEK


def fewest_in(expression: str, span: timedelta) -> int:
    """The fewest fires that any span of this length holds."""
    return _extreme(expression, span)[0]


def most_in(expression: str, span: timedelta) -> int:
    """The most fires that any span of this length holds."""
    return _extreme(expression, span)[1]


def counts_at_fires(expression: str, span: timedelta) -> tuple[int, ...]:
    """For each fire of a week, how many fires lie in the span that ends with it, itself included."""
    fires = fires_in_a_week(expression)
    week = timedelta(days=WEEK)
    whole, rest = divmod(span, week)
    twice = [*(moment - week for moment in fires), *fires]
    held = (bisect_right(twice, end) - bisect_right(twice, end - rest) for end in fires)
    return tuple(max(count + whole * len(fires), 1) for count in held)


def _extreme(expression: str, span: timedelta) -> tuple[int, int]:
    """(fewest, most) over a week that repeats, for half-open spans."""
    week = timedelta(days=WEEK)
    base = fires_in_a_week(expression)
    if not base:
        return 0, 0
    whole, rest = divmod(span, week)
    twice = [*base, *(moment + week for moment in base)]
    # The count changes only where a span begins just after a fire, begins at one, or ends before one.
    after = [bisect_right(twice, fire + rest) - bisect_right(twice, fire) for fire in base]
    at = [bisect_left(twice, fire + rest) - bisect_left(twice, fire) for fire in base]
    before = [bisect_left(twice, end) - bisect_left(twice, end - rest) for end in twice[len(base) :]]
    return whole * len(base) + min(*after, *before), whole * len(base) + max(at)


def clashes(
    schedule: Mapping[str, str],
    groups: Mapping[str, Iterable[str]],
    *,
    lasts: Mapping[str, timedelta] | None = None,
    within: timedelta = WITHIN,
) -> tuple[Clash, ...]:
    """Starts of different operations that share a group and come within minutes, or while the first still runs.

    `schedule` is operation → cron, `groups` operation → the groups it holds while it runs, `lasts` how long a run is
    expected to take. Each pair is reported once, at its worst.
    """
    durations = lasts or {}
    worst: dict[tuple[str, str], Clash] = {}
    starts = _starts(schedule)
    for place, (moment, first) in enumerate(starts):
        reach = max(within, durations.get(first, timedelta(0)))
        for later, second in _following(starts, place, reach):
            shared = sorted(set(groups.get(first, ())) & set(groups.get(second, ())))
            if first == second or not shared:
                continue
            gap = later - moment
            overlap = max(durations.get(first, timedelta(0)) - gap, timedelta(0))
            found = Clash(first, second, f"{moment:%H:%M}", f"{later:%H:%M}", _minutes(gap), shared[0],
                          _minutes(overlap))  # fmt: skip
            key = (min(first, second), max(first, second))
            known = worst.get(key)
            if known is None or (found.overlap, -found.minutes) > (known.overlap, -known.minutes):
                worst[key] = found
    return tuple(worst.values())


def _starts(schedule: Mapping[str, str]) -> list[tuple[datetime, str]]:
    starts = [(moment, name) for name, text in schedule.items() for moment in fires_in_a_week(text)]
    return sorted(starts)


def _following(starts: Sequence[tuple[datetime, str]], place: int, reach: timedelta) -> Iterable[tuple[datetime, str]]:
    """Later starts (or at the same time) that are closer than `reach`; the week repeats."""
    week = timedelta(days=WEEK)
    moment = starts[place][0]
    for index in range(place + 1, place + len(starts)):
        later, name = starts[index % len(starts)]
        later += week * (index // len(starts))
        if later - moment >= reach:
            return
        yield later, name


def gap_after(first: str, second: str) -> timedelta:
    """The shortest time from a fire of the cron `first` to the next fire of the cron `second`."""
    week = timedelta(days=WEEK)
    ends = fires_in_a_week(second)
    later = [*ends, *(moment + week for moment in ends)]
    gaps = [later[bisect_right(later, start)] - start for start in fires_in_a_week(first)] if ends else []
    return min(gaps, default=week)


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)
