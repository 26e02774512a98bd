"""Which finished runs a rule looks at. The same runs give the same window, however late or mixed up they came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.domain.measures import Window

MAX_AGE = timedelta(days=7)  # "the last 4 runs" are not those of last month


@dataclass(frozen=True, slots=True)
class RunFact:
    """One completed, scheduled, live run as a rule sees it.

    `judged` items came to an end of their own (done or failed); `planned` is what the run took on. A crash is a run
    that could not do its work; items stopped by quota, by a person's edit or by cancelling are in none of the counts.
    """

    id: int
    finished_at: datetime
    judged: int = 0
    failed: int = 0
    planned: int = 0
    crashed: bool = False
    write_failed: int = 0  # of the failed ones, those that failed while writing

    @property
    def is_empty(self) -> bool:
        return self.judged == 0 and not self.crashed

    @property
    def has_failed(self) -> bool:
        """As a run: crashed, or nothing that it tried came out."""
        return self.crashed or (self.judged > 0 and self.failed == self.judged)


def chosen(runs: Iterable[RunFact], window: Window, floor: datetime, now: datetime) -> tuple[RunFact, ...]:
    """The window's runs, oldest first: not empty, each once, none from before the floor or from after now."""
    ordered = chosen_all(run for run in runs if floor <= run.finished_at <= now)
    if not ordered:
        return ()
    if window.runs is not None:
        return tuple(run for run in ordered[-window.runs :] if run.finished_at > now - MAX_AGE)
    span = window.span()
    if span is None:
        return ordered
    # Hours count back from the newest run, not from the clock: the mere passing of time is no evidence.
    newest = ordered[-1].finished_at
    return tuple(run for run in ordered if run.finished_at > newest - span) if newest > now - span else ()


def chosen_all(runs: Iterable[RunFact]) -> tuple[RunFact, ...]:
    """All of them, oldest first: not empty, each once."""
    once = {run.id: run for run in runs if not run.is_empty}
    return tuple(sorted(once.values(), key=lambda run: (run.finished_at, run.id)))


def start(window: Window, floor: datetime, now: datetime) -> datetime:
    """From when rows that are no runs count. Hours begin on the hour, so that one hour is one piece of evidence."""
    span = window.span()
    if span is None:
        return floor
    return max(floor, (now - span).replace(minute=0, second=0, microsecond=0))
