"""Operations and their surroundings: schedules, daily summaries, security."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, Subquery

from pipeline.domain import cron
from pipeline.models import Issue, Kind, Mode, Operation, Run, RunItem, Slot, Transition
from pipeline.services.operations import cron_of
from rollout.domain.measures import Unit
from rollout.metrics import reducing
from rollout.metrics.base import MOST_ROWS, Measured, Question, Sample, names, rows_of
from rollout.models import SecurityAlert

GRACE = timedelta(minutes=15)  # the tick settles a slot within a minute; after so long it never came
_CRON = tuple(
    f"periodic_task__crontab__{field}" for field in ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
)
HELD_ELSEWHERE = "Another live run is working on it."


def _slots(question: Question) -> Any:
    rows = Slot.objects.filter(
        operation__repository=question.scope.repository_id,
        nominal_at__gte=question.start,
        nominal_at__lte=question.now,
    )
    return question.of_operation(rows)


def _conflicts(question: Question) -> Sample:
    """Slots skipped because a run of the same group was at work, and issues refused because another run held them."""
    overlap = Q(status=Slot.Status.SKIPPED, reason__startswith="Overlap")
    seen, newest, slots = _seen(question, overlap)
    runs = Run.objects.filter(
        repository=question.scope.repository_id,
        kind__in=Kind.values,
        finished_at__gte=question.start,
        finished_at__lte=question.now,
    )
    items = RunItem.objects.filter(
        run__in=question.of_operation(runs), state=RunItem.State.SKIPPED, reason=HELD_ELSEWHERE
    )
    held = list(question.only(items).order_by("pk").values_list("pk", "issue__number")[:MOST_ROWS])
    told = [f"{name} at {at:%Y-%m-%d %H:%M}" for _key, name, at in slots] + [f"#{number}" for _key, number in held]
    rows = (*rows_of(Slot, (row[0] for row in slots)), *rows_of(RunItem, (row[0] for row in held)))
    return Sample(told, rows, seen, newest, question.start, None, names(told))


def _missing(question: Question) -> Sample:
    """Slots recorded as missed, and times that are due for long and have no row."""
    seen, _newest, slots = _seen(question, Q(status=Slot.Status.MISSED))
    told = [f"{name} at {at:%Y-%m-%d %H:%M}" for _key, name, at in slots]
    never = [] if question.rows is not None else _never_settled(question)
    n = seen + len(never)
    return Sample(
        told + never, rows_of(Slot, (row[0] for row in slots)), n, None, question.start, None, names(told + never)
    )


def _seen(question: Question, wanted: Q) -> tuple[int, datetime | None, list[tuple[int, str, datetime]]]:
    """How many slots there were and the newest, and of those wanted key, operation and time; mostly in one query."""
    slots = _slots(question)
    seen = slots.aggregate(n=Count("pk"), newest=Max("nominal_at"), wanted=Count("pk", filter=wanted))
    if not seen["wanted"] and question.rows is None:
        return seen["n"], seen["newest"], []
    rows = question.only(slots.filter(wanted)).order_by("pk")
    return seen["n"], seen["newest"], list(rows.values_list("pk", "operation__name", "nominal_at")[:MOST_ROWS])


def _never_settled(question: Question) -> list[str]:
    rows = Operation.objects.filter(repository=question.scope.repository_id, mode=Mode.LIVE)
    if question.scope.operation:
        rows = rows.filter(name=question.scope.operation)
    found: list[str] = []
    last = Slot.objects.filter(operation=OuterRef("pk")).order_by("-nominal_at").values("nominal_at")[:1]
    rows = rows.select_related("periodic_task__crontab").only("name", "slots_since", "periodic_task__crontab", *_CRON)
    for operation in rows.annotate(last=Subquery(last)):
        expression = cron_of(operation)
        if expression is None:
            continue
        since = max(at for at in (operation.last, operation.slots_since, question.start) if at is not None)
        due = cron.fires_between(expression, since, question.now - GRACE, most=MOST_ROWS)
        found += [f"{operation.name} at {at:%Y-%m-%d %H:%M}" for at in due]
    return found


def _summaries(question: Question) -> Sample:
    """1 where a daily run's figures are those that the history of moves gives for its end."""
    rows = Run.objects.filter(
        repository=question.scope.repository_id,
        kind=Kind.DAILY,
        parent__isnull=True,
        state__in=(Run.State.SUCCEEDED, Run.State.FAILED),
        finished_at__gte=question.start,
        finished_at__lte=question.now,
    ).exclude(purpose=Run.Purpose.MANUAL)
    runs = list(question.only(rows).order_by("-finished_at")[: question.window.runs or MOST_ROWS])
    moments = [run.finished_at for run in runs if run.finished_at is not None]
    facts = _accurate(question, runs) if runs else []
    keys = rows_of(Run, (run.pk for run in runs))
    return Sample(facts, keys, None, max(moments, default=None), min(moments, default=None), max(moments, default=None))


def _accurate(question: Question, runs: Sequence[Run]) -> list[int]:
    """The states as they are now, taken back move by move; issues that vanished meanwhile are the slack."""
    issues = Issue.objects.filter(repository=question.scope.repository_id).order_by()
    present = Q(presence=Issue.Presence.PRESENT)
    counted = issues.values_list("state").annotate(n=Count("pk", filter=present), gone=Count("pk", filter=~present))
    states, slack = {}, 0
    for state, n, gone in counted:
        states[state], slack = n, slack + gone
    then = {state.value: states.get(state.value, 0) for state in Issue.State}
    moves = _moves_backwards(question, min(run.finished_at or question.now for run in runs))
    facts = []
    for run in sorted(runs, key=lambda run: run.finished_at or question.now, reverse=True):
        while moves and moves[-1][2] > (run.finished_at or question.now):
            before, after, _at = moves.pop()
            then[after] -= 1
            if before:
                then[before] += 1
        told = run.statistics.get("system")
        facts.append(int(told is not None and all(abs(told.get(s, 0) - then[s]) <= slack for s in then)))
    return facts


def _moves_backwards(question: Question, since: datetime) -> list[tuple[str, str, datetime]]:
    """Every move since then, the newest last, so that it is taken off first."""
    moves = Transition.objects.filter(issue__repository=question.scope.repository_id, at__gt=since)
    return list(moves.order_by("at", "pk").values_list("before", "after", "at"))


def _alerts(question: Question) -> Sample:
    """Not cleared by a person at that moment."""
    rows = SecurityAlert.objects.filter(
        Q(cleared_at__isnull=True) | Q(cleared_at__gt=question.now),
        repository=question.scope.repository_id,
        at__gte=question.start,
        at__lte=question.now,
    )
    found = list(question.only(rows).order_by("pk").values_list("pk", "summary")[:MOST_ROWS])
    told = [summary for _key, summary in found]
    # Alerts are sent to us; that none came is all that can be known of their absence.
    return Sample(told, rows_of(SecurityAlert, (key for key, _ in found)), max(1, len(found)), None, question.start,
                  None, names(told[:3]))  # fmt: skip


FAMILY = (
    Measured(
        "schedule_conflicts",
        "Schedule conflicts",
        "Scheduled times skipped because another run of the same group was at work, and issues that two runs wanted.",
        Unit.COUNT,
        _conflicts,
        reducing.count,
    ),
    Measured(
        "missing_runs",
        "Missing runs",
        "Scheduled times of live operations that passed without a run and without a reason.",
        Unit.COUNT,
        _missing,
        reducing.count,
    ),
    Measured(
        "daily_summary_accurate",
        "Accurate daily summaries",
        "Of the daily runs, the share whose figures by state agree with the recorded history of every issue.",
        Unit.SHARE,
        _summaries,
        reducing.share,
    ),
    Measured(
        "security_alerts",
        "Security alerts",
        "Security alerts that concern the automation and that nobody has cleared.",
        Unit.COUNT,
        _alerts,
        reducing.count,
    ),
)
