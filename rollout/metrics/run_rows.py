"""Runs as the facts that rules count: completed, scheduled, live; everything else is in no rate (ROLLOUT.md, E).

Left out: manual runs, dry runs, cancelled runs, applied plans, reverts, runs and items that ran out of quota, probes
(manual dry runs). The parts of a daily run count within it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from pipeline.models import Kind, Mode, Operation, Run, RunItem
from rollout.domain.windows import RunFact
from rollout.metrics.base import MOST_ROWS, Question

LATEST = 48  # runs of one operation that a trigger looks at: 36 for flapping, and some that had no work
LONGEST = timedelta(days=1)  # a run ends at most so long after its slot


class CountedRun(NamedTuple):
    """What counting needs of a run; a model instance for each would cost a trigger more than its query."""

    pk: int
    operation_id: int | None
    kind: str
    state: str
    limit: int
    finished_at: datetime | None
    created_at: datetime


_JUDGED = Q(state__in=(RunItem.State.DONE, RunItem.State.FAILED)) & ~Q(error_type=RunItem.ErrorType.QUOTA)
_FAILED = Q(state=RunItem.State.FAILED) & ~Q(error_type=RunItem.ErrorType.QUOTA)


def countable() -> QuerySet[Run]:
    """Scheduled live runs that came to an end of their own."""
    return Run.objects.filter(
        purpose=Run.Purpose.SCHEDULED, mode=Mode.LIVE, state__in=(Run.State.SUCCEEDED, Run.State.FAILED)
    ).exclude(error_type="quota")


def latest(operations: Iterable[Operation], floor: datetime) -> dict[int, list[RunFact]]:
    """The newest LATEST runs of each operation since `floor`, by operation."""
    rows = countable().filter(operation__in=list(operations), nominal_at__gte=floor - LONGEST, finished_at__gte=floor)
    place = Window(RowNumber(), partition_by="operation", order_by=F("nominal_at").desc())
    newest = rows.order_by().annotate(place=place).filter(place__lte=LATEST)
    runs = [CountedRun(*row) for row in newest.values_list(*CountedRun._fields)]
    found: dict[int, list[RunFact]] = defaultdict(list)
    owners = {run.pk: run.operation_id for run in runs}
    for fact in facts_of(runs):
        found[owners[fact.id] or 0].append(fact)
    return found


def answering(question: Question) -> list[Run]:
    """The runs that a question is about, oldest first; before a window of runs is taken."""
    rows = question.of_operation(countable().filter(repository=question.scope.repository_id))
    rows = question.only(rows.filter(kind__in=Kind.values, finished_at__lte=question.now))
    if question.rows is None:
        rows = rows.filter(finished_at__gte=question.start)
    return list(reversed(rows.order_by("-finished_at", "-pk").only(*_NEEDED)[:MOST_ROWS]))


def keys(question: Question) -> list[int]:
    """The same runs by key alone, newest first, of a window of runs its newest."""
    rows = question.of_operation(countable().filter(repository=question.scope.repository_id))
    rows = rows.filter(kind__in=Kind.values, finished_at__gte=question.start, finished_at__lte=question.now)
    most = MOST_ROWS if question.window.runs is None else min(question.window.runs, MOST_ROWS)
    return list(rows.order_by("-finished_at", "-pk").values_list("pk", flat=True)[:most])


def facts_of(runs: Sequence[Run | CountedRun]) -> list[RunFact]:
    """One query for the parts of daily runs, one for the items of all."""
    owner = {run.pk: run.pk for run in runs}
    daily = [run.pk for run in runs if run.kind == Kind.DAILY]
    if daily:
        children = Run.objects.filter(parent__in=daily, mode=Mode.LIVE).exclude(state=Run.State.CANCELLED)
        owner |= dict(children.exclude(error_type="quota").values_list("pk", "parent_id"))
    counts = _counts(owner)
    return [_fact(run, counts[run.pk]) for run in runs]


def to_json(fact: RunFact) -> list[Any]:
    return [
        fact.id,
        fact.finished_at.isoformat(),
        fact.judged,
        fact.failed,
        fact.planned,
        int(fact.crashed),
        fact.write_failed,
    ]


def from_json(fact: Sequence[Any]) -> RunFact:
    key, finished_at, judged, failed, planned, crashed, written = fact
    return RunFact(key, datetime.fromisoformat(finished_at), judged, failed, planned, bool(crashed), written)


_COUNTED = ("operation_id", "kind", "state", "error_type", "limit", "finished_at")
_NEEDED = (*_COUNTED, "nominal_at", "started_at", "created_at")


def _counts(owner: dict[int, int]) -> dict[int, list[int]]:
    """Per run: items judged, failed, taken on, failed while writing."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    rows = (
        RunItem.objects.filter(run__in=list(owner))
        .order_by()
        .values_list("run")
        .annotate(
            judged=Count("pk", filter=_JUDGED),
            failed=Count("pk", filter=_FAILED),
            planned=Count("pk", filter=~Q(state=RunItem.State.SKIPPED)),
            written=Count("pk", filter=_FAILED & Q(stage=RunItem.Stage.WRITE)),
        )
    )
    for run, *numbers in rows:
        mine = counts[owner[run]]
        for place, number in enumerate(numbers):
            mine[place] += number
    return counts


def _fact(run: Run | CountedRun, counts: Sequence[int]) -> RunFact:
    judged, failed, planned, written = counts
    # A run that failed although not every item of it did, or that had none, could not do its work.
    crashed = run.state == Run.State.FAILED and not (judged and failed == judged)
    if run.kind == Kind.DAILY and judged:
        crashed = crashed and not failed
    finished_at = run.finished_at or run.created_at
    return RunFact(run.pk, finished_at, judged, failed, planned or run.limit, crashed, written)
