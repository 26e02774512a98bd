"""Failure rates of runs as readings: per item or per run, crashes imputed or judged apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.measures import Reading, Row, Window
from rollout.domain.plan import Crash
from rollout.domain.statistics import wilson
from rollout.domain.windows import RunFact, chosen

RUN = "pipeline.run"
CRASH_OF = 12  # how far the crash channel looks back, in runs


@dataclass(frozen=True, slots=True)
class Counting:
    """How failures are counted: `per` "item" or "run" (plan 1.1 leaves it open), and what a crash counts as."""

    per: str = "item"
    crash: Crash = Crash.IMPUTE_ALL


def rate(runs: Sequence[RunFact], counting: Counting) -> tuple[int, int]:
    """(failed, of how many)."""
    if counting.per == "run":
        kept = [run for run in runs if not (run.crashed and counting.crash is Crash.ERROR_CHANNEL)]
        return sum(run.has_failed for run in kept), len(kept)
    failed = total = 0
    for run in runs:
        if not run.crashed:
            failed, total = failed + run.failed, total + run.judged
        elif counting.crash is Crash.IMPUTE_ALL:
            imputed = max(run.planned, 1)  # every item that it took on; it took on at least one
            failed, total = failed + imputed, total + imputed
    return failed, total


def reading(runs: Sequence[RunFact], counting: Counting, window: Window, floor: datetime, now: datetime) -> Reading:
    """The failure rate of the window's runs. `parts` has what a trigger decides from besides the rate."""
    inside = chosen(runs, window, floor, now)
    recent = chosen(runs, Window(runs=CRASH_OF), floor, now)
    return of(inside, recent, counting)


def of(inside: Sequence[RunFact], recent: Sequence[RunFact], counting: Counting) -> Reading:
    """The rate of exactly the runs `inside`; `recent` is what the crash channel sees."""
    failed, total = rate(inside, counting)
    bounds = wilson(failed, total)
    parts = {
        "failed": failed,
        "of": total,
        "runs": len(inside),
        "items": sum(run.judged for run in inside),
        "crashed": sum(run.crashed for run in inside),
        "failed_items": sum(run.failed for run in inside),
        "write_failed": sum(run.write_failed for run in inside),
        "crash_streak": _streak(recent),
        "crash_recent": sum(run.crashed for run in recent),
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
    }
    return Reading(
        value=failed / total if total else None,
        n=total,
        rows=tuple(Row(RUN, run.id) for run in inside),
        newest=inside[-1].finished_at if inside else None,
        start=inside[0].finished_at if inside else None,
        end=inside[-1].finished_at if inside else None,
        parts=parts,
    )


def _streak(runs: Sequence[RunFact]) -> int:
    count = 0
    for run in reversed(runs):
        if not run.crashed:
            break
        count += 1
    return count
