"""Issues within runs: how long each took."""

from __future__ import annotations

from pipeline.models import Mode, Run, RunItem
from rollout.domain.measures import Unit
from rollout.metrics import reducing, run_rows
from rollout.metrics.base import MOST_ROWS, Measured, Question, Sample, rows_of

WORKED = (RunItem.State.DONE, RunItem.State.FAILED)


def _seconds(question: Question) -> Sample:
    """Seconds of work per issue in the window's scheduled live runs, the newest MOST_ROWS."""
    rows = RunItem.objects.filter(state__in=WORKED, started_at__isnull=False, finished_at__isnull=False)
    if question.rows is None:
        rows = rows.filter(run__in=_runs(question))
    found = question.only(rows).order_by("-run_id", "-position").values_list("pk", "started_at", "finished_at")
    kept = [(key, started, finished) for key, started, finished in found[:MOST_ROWS] if started and finished]
    ends = [finished for _key, _started, finished in kept]
    return Sample(
        facts=[round((finished - started).total_seconds(), 2) for _key, started, finished in kept],
        rows=rows_of(RunItem, (key for key, _started, _finished in kept)),
        newest=max(ends, default=None),
        start=min(ends, default=None),
        end=max(ends, default=None),
    )


def _runs(question: Question) -> list[int]:
    """The window's runs and the live parts of daily ones among them."""
    keys = run_rows.keys(question)
    return keys + list(Run.objects.filter(parent__in=keys, mode=Mode.LIVE).values_list("pk", flat=True))


FAMILY = (
    Measured(
        "seconds_per_item",
        "Average time per issue",
        "Mean time from claiming an issue to its end, waits for retries included, in scheduled live runs.",
        Unit.SECONDS,
        _seconds,
        reducing.average,
    ),
    Measured(
        "p95_seconds_per_item",
        "95th percentile of time per issue",
        "The time within which 95 of 100 issues were done, in scheduled live runs.",
        Unit.SECONDS,
        _seconds,
        reducing.p95,
    ),
)
