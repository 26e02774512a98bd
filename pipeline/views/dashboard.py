"""The first page of the admin: what is live, what is wrong, how issues flow, how the last runs went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, Q, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.utils.module_loading import import_string

from pipeline import clock
from pipeline.models import Issue, Mode, Operation, Repository, Run
from pipeline.views import findings
from pipeline.views.alerts import address, alerts
from pipeline.views.schedules import Schedule, schedule_of

SHOWN_RUNS = 12
SHOWN_FINDINGS = 10
CELLS = {"succeeded": "ok", "failed": "failed", "cancelled": "stopped", "open": "waits", "working": "works"}


@dataclass(frozen=True, slots=True)
class Line:
    """One operation: where it stands, when it fires, how its last runs went, oldest first."""

    operation: Operation
    schedule: Schedule
    next: datetime | None
    runs: tuple[tuple[Run, str], ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Issues in one state; `share` 0…100 of all; `oldest` since when the oldest one has stood there."""

    value: str
    word: str
    count: int
    share: float
    overdue: int
    oldest: datetime | None
    url: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by the admin's index (UNFOLD["DASHBOARD_CALLBACK"])."""
    if not request.user.has_perm("pipeline.view_operation"):
        return context
    now = clock.now()
    repositories = list(Repository.objects.order_by("full_name"))
    operations = lines(now)
    open_findings = findings.open_ones(now)
    parts = [import_string(source)(request, now) for source in settings.OVERVIEW_SOURCES]
    return context | {
        "overview": True,
        "parts": [part for part in parts if part],
        "now": now,
        "repositories": repositories,
        "refreshed": max((row.synced_at for row in repositories if row.synced_at), default=None),
        "lines": operations,
        "standing": standing(operations),
        "alerts": [*(alert for part in parts if part for alert in part["alerts"]), *alerts(now)],
        "stages": stages(now),
        "clarify": Issue.objects.exclude(clarification_reason="").exclude(state=Issue.State.DONE).count(),
        "findings": open_findings.select_related("issue")[:SHOWN_FINDINGS],
        "finding_count": open_findings.count(),
    }


def lines(now: datetime) -> list[Line]:
    """Every operation, those that do something first."""
    rows = Operation.objects.select_related("repository", "periodic_task__crontab")
    found = list(rows.order_by("repository__full_name", "name"))
    runs = last_runs(found)
    return [_line(operation, now, runs) for operation in found]


def _line(operation: Operation, now: datetime, runs: Mapping[int, list[Run]]) -> Line:
    schedule = schedule_of(operation, now, 1)
    fires = None if operation.mode == Mode.OFF else schedule.next
    cells = tuple((run, CELLS[run.state]) for run in reversed(runs.get(operation.pk, [])))
    return Line(operation, schedule, fires, cells)


def last_runs(operations: Iterable[Operation]) -> dict[int, list[Run]]:
    """The newest runs of each, newest first, in one query."""
    place = Window(RowNumber(), partition_by=F("operation_id"), order_by=F("id").desc())
    rows = Run.objects.filter(operation__in=[row.pk for row in operations], parent__isnull=True)
    found: dict[int, list[Run]] = {}
    for run in rows.annotate(place=place).filter(place__lte=SHOWN_RUNS).order_by("-pk"):
        if run.operation_id is not None:
            found.setdefault(run.operation_id, []).append(run)
    return found


def standing(found: Iterable[Line]) -> list[tuple[str, str, int]]:
    """(mode, word, how many operations), live first."""
    modes = [line.operation.mode for line in found]
    return [(mode.value, str(mode.label), modes.count(mode.value)) for mode in (Mode.LIVE, Mode.DRY_RUN, Mode.OFF)]


def stages(now: datetime) -> list[Stage]:
    present = Issue.objects.filter(presence=Issue.Presence.PRESENT)
    late = Count("pk", filter=Q(due_at__lt=now))
    groups = present.order_by().values("state").annotate(n=Count("pk"), late=late, oldest=Min("discovered_at"))
    rows = {row["state"]: row for row in groups}
    total = sum(row["n"] for row in rows.values()) or 1
    empty = {"n": 0, "late": 0, "oldest": None}
    return [_stage(value, word, rows.get(value, empty), total) for value, word in Issue.State.choices]


def _stage(value: str, word: str, row: Mapping[str, Any], total: int) -> Stage:
    done = value == Issue.State.DONE
    return Stage(
        value=value,
        word=word,
        count=row["n"],
        share=round(100 * row["n"] / total, 1),
        overdue=0 if done else row["late"],
        oldest=None if done else row["oldest"],
        url=f"{address('issue')}?state__exact={value}",
    )
