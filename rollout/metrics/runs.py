"""Runs: completed, failed, how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from pipeline.models import Finding, Mode, Run
from pipeline.services import telemetry
from rollout.domain import failures, windows
from rollout.domain.failures import Counting
from rollout.domain.measures import Row, Unit
from rollout.metrics import reducing, run_rows
from rollout.metrics.base import MOST_ROWS, Figure, Measured, Question, Sample, names, rows_of

KEPT = timedelta(days=telemetry.KEEP_FILES)


def _inside(question: Question) -> list[Run]:
    """The completed runs of the question's window, empty ones included."""
    runs = run_rows.answering(question)
    if question.rows is None and question.window.runs is not None:
        return runs[-question.window.runs :]
    return runs


def _completed(question: Question) -> Sample:
    """Facts: [slot, succeeded]; a slot counts once, whatever ran in it."""
    slots: dict[str, int] = {}
    runs = [run for run in _inside(question) if run.nominal_at is not None]
    for run in runs:
        name = f"{run.operation_id} {run.nominal_at:%Y-%m-%dT%H:%M}"
        slots[name] = max(slots.get(name, 0), int(run.state == Run.State.SUCCEEDED))
    return _sample(runs, sorted(slots.items()))


def _succeeded(facts: Sequence[Any]) -> Figure:
    return Figure(float(sum(done for _slot, done in facts)), len(facts))


def _sample(runs: Sequence[Run], facts: Sequence[Any], **parts: Any) -> Sample:
    ends = [run.finished_at for run in runs if run.finished_at is not None]
    return Sample(
        facts=facts,
        rows=rows_of(Run, (run.pk for run in runs)),
        newest=max(ends, default=None),
        start=min(ends, default=None),
        end=max(ends, default=None),
        parts=parts,
    )


def of_failures(question: Question) -> Sample:
    """Facts: the runs as rules count them."""
    facts = run_rows.facts_of(run_rows.answering(question))
    if question.rows is None:
        facts = list(windows.chosen(facts, question.window, question.floor, question.now))
    moments = [fact.finished_at for fact in facts]
    return Sample(
        facts=[run_rows.to_json(fact) for fact in facts],
        rows=tuple(Row(failures.RUN, fact.id) for fact in facts),
        newest=max(moments, default=None),
        start=min(moments, default=None),
        end=max(moments, default=None),
    )


def _rate(per: str) -> Any:
    def reduce(facts: Sequence[Any]) -> Figure:
        runs = windows.chosen_all(run_rows.from_json(fact) for fact in facts)
        reading = failures.of(runs, runs[-failures.CRASH_OF :], Counting(per))
        return Figure(reading.value, reading.n, reading.parts)

    return reduce


def _durations(question: Question) -> Sample:
    """Seconds of scheduled runs, live or dry, and of those still at work: those in whole minutes so far."""
    return _timed(question, _begun(question))


def _whole_durations(question: Question) -> Sample:
    """Seconds of scheduled runs, live or dry, that have ended: one still at work has no length yet."""
    return _timed(question, _begun(question).filter(finished_at__lte=question.now))


def _begun(question: Question) -> QuerySet[Run]:
    rows = Run.objects.filter(
        repository=question.scope.repository_id,
        purpose=Run.Purpose.SCHEDULED,
        mode__in=(Mode.LIVE, Mode.DRY_RUN),
        started_at__isnull=False,
        created_at__gte=question.start - run_rows.LONGEST,
        started_at__gte=question.start,
        started_at__lte=question.now,
    ).exclude(state=Run.State.CANCELLED)
    if question.scope.operation:
        rows = rows.filter(nominal_at__gte=question.start - run_rows.LONGEST)
    return question.only(question.of_operation(rows))


def _timed(question: Question, rows: QuerySet[Run]) -> Sample:
    most = question.window.runs if question.window.runs and question.rows is None else MOST_ROWS
    runs = list(rows.order_by("-nominal_at", "-pk").only("started_at", "finished_at")[:most])
    return _sample(runs, [_seconds(run, question) for run in runs])


def _seconds(run: Run, question: Question) -> float:
    if run.started_at is None:
        return 0.0
    if run.finished_at is not None and run.finished_at <= question.now:
        return round((run.finished_at - run.started_at).total_seconds(), 1)
    return (question.now - run.started_at).total_seconds() // 60 * 60


def _critical(question: Question) -> Sample:
    """Runs that crashed, and critical findings first seen in the window."""
    runs = _inside(question)
    failed = [run for run in runs if run.state == Run.State.FAILED]  # only such a run can have crashed
    crashed = [fact.id for fact in run_rows.facts_of(failed) if fact.crashed]
    findings = Finding.objects.filter(
        repository=question.scope.repository_id,
        severity=Finding.Severity.CRITICAL,
        first_seen__gte=question.start,
        first_seen__lte=question.now,
    )
    seen = list(question.only(findings).order_by("pk").values_list("pk", "message")[:MOST_ROWS])
    told = [f"run {key} crashed" for key in crashed] + [message.split(".")[0] for _key, message in seen]
    sample = _sample(runs, told)
    rows = (*rows_of(Run, crashed), *rows_of(Finding, (key for key, _ in seen)))
    return Sample(told, rows, len(runs), sample.newest, question.start, None, names(told))


def _telemetry(question: Question) -> Sample:
    """1 where a run has its statistics, and the day's file is there for as long as files are kept."""
    runs = list(Run.objects.filter(pk__in=[run.pk for run in _any_mode(question)]).only("statistics", "finished_at"))
    runs.sort(key=lambda run: run.pk)
    return _sample(runs, [int(bool(run.statistics) and _has_file(run, question)) for run in runs])


def _any_mode(question: Question) -> list[Run]:
    """Completed scheduled runs, dry ones too: they leave telemetry as well."""
    rows = Run.objects.filter(
        repository=question.scope.repository_id,
        purpose=Run.Purpose.SCHEDULED,
        state__in=(Run.State.SUCCEEDED, Run.State.FAILED),
        finished_at__gte=question.start,
        finished_at__lte=question.now,
    )
    rows = question.only(question.of_operation(rows)).order_by("-finished_at", "-pk")
    return list(rows.only("pk")[: question.window.runs or MOST_ROWS])


def _has_file(run: Run, question: Question) -> bool:
    if run.finished_at is None or run.finished_at < question.now - KEPT:
        return True
    path = settings.CONTROLPLANE.telemetry_dir / telemetry.file_for(run.finished_at).name
    return bool(path.is_file())


FAMILY = (
    Measured(
        "scheduled_runs_completed",
        "Scheduled runs completed",
        "How many scheduled times were run live to a good end; each time counts once, runs started by hand do not.",
        Unit.COUNT,
        _completed,
        _succeeded,
    ),
    Measured(
        "run_failure_rate",
        "Failed runs",
        "Of the scheduled live runs that had work, the share that crashed or in which nothing came out.",
        Unit.SHARE,
        of_failures,
        _rate("run"),
    ),
    Measured(
        "item_failure_rate",
        "Failed issues",
        "Of the issues worked in scheduled live runs, the share that failed; every issue of a crashed run counts as "
        "failed. Issues put off for lack of quota, or left alone because a person edited them, do not count.",
        Unit.SHARE,
        of_failures,
        _rate("item"),
    ),
    Measured(
        "run_duration",
        "Longest run",
        "How long the longest scheduled run took, dry runs included; one still at work counts so far.",
        Unit.SECONDS,
        _durations,
        reducing.largest,
    ),
    Measured(
        "seconds_per_run",
        "Average time per run",
        "Mean time from the start of a scheduled run to its end, dry runs included; one still at work does not count.",
        Unit.SECONDS,
        _whole_durations,
        reducing.average,
    ),
    Measured(
        "p95_seconds_per_run",
        "95th percentile of time per run",
        "The time within which 95 of 100 scheduled runs ended, dry runs included; one still at work does not count.",
        Unit.SECONDS,
        _whole_durations,
        reducing.p95,
    ),
    Measured(
        "critical_errors",
        "Critical errors",
        "Scheduled live runs that crashed, and critical findings first seen in the window.",
        Unit.COUNT,
        _critical,
        reducing.count,
    ),
    Measured(
        "telemetry_present",
        "Runs with telemetry",
        "Of the completed scheduled runs, the share that left statistics and whose day has its telemetry file.",
        Unit.SHARE,
        _telemetry,
        reducing.share,
    ),
)
