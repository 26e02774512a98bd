"""Run facts in short: `runs("10:0 10:3 x10")` are runs of ten issues with none and three failed, and a crash of ten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rollout.domain.windows import RunFact

START = datetime(2026, 11, 2, tzinfo=UTC)
EVERY = timedelta(hours=2)


def runs(text: str, *, start: datetime = START, every: timedelta = EVERY) -> list[RunFact]:
    """ "10:3w" failed while writing; the first ends at `start`, the others `every` later."""
    return [_run(number, word, start + number * every) for number, word in enumerate(text.split())]


def _run(number: int, word: str, at: datetime) -> RunFact:
    if word.startswith("x"):
        return RunFact(number + 1, at, planned=int(word[1:] or 10), crashed=True)
    judged, _, failed = word.partition(":")
    count = int(failed.rstrip("w") or 0)
    return RunFact(number + 1, at, int(judged), count, int(judged), write_failed=count if word.endswith("w") else 0)


def end(found: list[RunFact]) -> datetime:
    """A moment right after the last."""
    return max(run.finished_at for run in found) + timedelta(minutes=1)
