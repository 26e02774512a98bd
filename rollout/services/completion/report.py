"""The figures of the completion page, all from one place: cases read once, shares and times from the metric registry.

The newest hand-overs are counted, at most as many as a metric keeps; `left_out` says how many older ones are not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.domain.feedback import THEMES
from pipeline.models import Feedback, Handover, Repository
from rollout.domain import completion, service_levels
from rollout.domain.completion import Bin, Case, Cohort, Frequency, Point, Reported
from rollout.domain.measures import Reading, Scope, Window
from rollout.domain.service_levels import Judged, Target
from rollout.domain.survival import Curve
from rollout.metrics.base import MOST_ROWS, Question
from rollout.metrics.copilot import cases as read_cases
from rollout.metrics.copilot import read_once
from rollout.metrics.registry import METRICS, UnknownMetric, metric
from rollout.models import ServiceLevel
from rollout.services.completion import service_levels as levels_of

WEEKS, MOST_WEEKS = 8, 52
MOST_REMARKS = 500  # of the newest, that themes are counted over
SHOWN_REMARKS = 12
HEADLINE = (
    "copilot_completion_48h",
    "copilot_completion_7d",
    "copilot_completion_48h_estimate",
    "copilot_completion_7d_estimate",
    "time_to_completion_median",
    "time_to_completion_p80",
    "time_to_completion_p95",
    "completion_rate",
    "blocked_share",
)
COLUMNS = (
    "issue", "title", "workflow", "specialist", "week", "outcome", "requested_at", "completed_at", "taken_back_at",
    "hours", "censored", "tries", "blockers", "pull_request",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LevelLine:
    """A service level where it holds, judged. `workflow` empty: over all workflows."""

    level: ServiceLevel
    workflow: str
    judged: Judged


@dataclass(frozen=True, slots=True)
class Theme:
    """Hand-overs with a remark of a theme, and the newest of these remarks."""

    name: str
    title: str
    handovers: int
    share: float
    examples: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What the agent said: `handovers` with any remark among the newest `remarks`."""

    remarks: int
    handovers: int
    themes: tuple[Theme, ...]
    newest: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One repository, perhaps one workflow, handed over since `start`. `rows`: hand-overs by key, for links."""

    repository: Repository
    workflow: str
    weeks: int
    start: datetime
    now: datetime
    cases: tuple[Case, ...]
    left_out: int
    levels: tuple[LevelLine, ...]
    figures: Mapping[str, Reading]
    curve: Curve
    points: tuple[Point, ...]
    histogram: tuple[Bin, ...]
    outcomes: Mapping[Reported, int]
    to_be_merged: int
    by_week: tuple[Cohort, ...]
    by_workflow: tuple[Cohort, ...]
    by_specialist: tuple[Cohort, ...]
    blockers: tuple[Frequency, ...]
    rows: Mapping[int, Handover]
    said: Said


def begins(weeks: int, now: datetime) -> datetime:
    """Monday of the ISO week, so that every week shown is whole or the present one."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday(), weeks=max(1, min(weeks, MOST_WEEKS)) - 1)


def report(repository: Repository, now: datetime, *, workflow: str = "", weeks: int = WEEKS) -> Report:
    """Everything that the page shows."""
    with read_once():
        return _report(repository, now, workflow, weeks)


def _report(repository: Repository, now: datetime, workflow: str, weeks: int) -> Report:
    weeks = max(1, min(weeks, MOST_WEEKS))
    start = begins(weeks, now)
    found = read_cases(Question(Scope(repository.pk, workflow=workflow), Window(), start, now))
    measure = _Measure(repository, start, now)
    curve = completion.curve(found, now)
    blockers = completion.frequencies([case for case in found if case.withdrawn_at is None], lambda one: one.blockers)
    return Report(
        repository=repository,
        workflow=workflow,
        weeks=weeks,
        start=start,
        now=now,
        cases=tuple(found),
        left_out=_left_out(repository, workflow, start, found),
        levels=tuple(_levels(repository, workflow, measure)),
        figures={slug: measure(slug, workflow) for slug in HEADLINE},
        curve=curve,
        points=completion.points(found, curve, now),
        histogram=completion.histogram(found),
        outcomes=Counter(case.outcome for case in found),
        to_be_merged=sum(case.to_be_merged for case in found),
        by_week=tuple(reversed(completion.cohorts(found, lambda case: case.week, now))),
        by_workflow=completion.cohorts(found, lambda case: case.workflow or "no workflow", now),
        by_specialist=completion.cohorts(found, lambda case: case.specialist or "no specialist", now),
        blockers=blockers,
        rows=_rows(key for one in blockers for key in one.examples),
        said=_said(found),
    )


class _Measure:
    """Readings of one repository and period, each read once."""

    def __init__(self, repository: Repository, start: datetime, now: datetime) -> None:
        self._repository, self.start, self.now = repository, start, now
        self._read: dict[tuple[str, str], Reading] = {}

    def __call__(self, slug: str, workflow: str) -> Reading:
        if (slug, workflow) not in self._read:
            self._read[slug, workflow] = self._ask(slug, Scope(self._repository.pk, workflow=workflow))
        return self._read[slug, workflow]

    def _ask(self, slug: str, scope: Scope) -> Reading:
        try:
            return metric(slug).read(scope, Window(), self.start, self.now)
        except UnknownMetric as unknown:
            return Reading(value=None, n=0, error=str(unknown))


def _levels(repository: Repository, workflow: str, measure: _Measure) -> Iterable[LevelLine]:
    """Those over everything, then those of workflows that have their own; for one workflow, what holds there."""
    for level in levels_of.in_force(repository.pk, workflow):
        yield _level(level, workflow, measure)
    for name in [] if workflow else levels_of.overrides(repository.pk):
        for level in levels_of.in_force(repository.pk, name):
            if level.workflow:
                yield _level(level, name, measure)


def _level(level: ServiceLevel, workflow: str, measure: _Measure) -> LevelLine:
    target = Target(level.slug, level.text, level.comparator, level.threshold, level.minimum_sample)
    reading = measure(level.metric, workflow)
    return LevelLine(level, workflow, service_levels.judge(target, reading, floor=measure.start, now=measure.now))


def _left_out(repository: Repository, workflow: str, start: datetime, found: Sequence[Case]) -> int:
    """Older hand-overs of the period that no figure counts, because there are more than a metric keeps."""
    if sum(len(case.keys) for case in found) < MOST_ROWS:
        return 0
    rows = Handover.objects.filter(
        issue__repository=repository, requested_at__gte=start, requested_at__lt=found[0].requested_at
    )
    return (rows.filter(issue__workflow__slug=workflow) if workflow else rows).count()


def _rows(keys: Iterable[int]) -> dict[int, Handover]:
    return {row.pk: row for row in Handover.objects.filter(pk__in=set(keys)).select_related("issue")}


def _said(cases: Sequence[Case]) -> Said:
    keys = [key for case in cases for key in case.keys]
    rows = Feedback.objects.filter(handover__in=keys).select_related("handover__issue").order_by("-said_at", "-pk")
    newest = list(rows[:MOST_REMARKS])
    spoken = len({row.handover_id for row in newest})
    by_theme: dict[str, list[Feedback]] = defaultdict(list)
    for row in newest:
        for name in row.themes:
            by_theme[str(name)].append(row)
    themes = [_theme(name, group, spoken) for name, group in by_theme.items()]
    ordered = sorted(themes, key=lambda theme: (-theme.handovers, theme.title))
    return Said(len(newest), spoken, tuple(ordered), tuple(newest[:SHOWN_REMARKS]))


def _theme(name: str, rows: Sequence[Feedback], spoken: int) -> Theme:
    handovers = len({row.handover_id for row in rows})
    examples = tuple(rows[: completion.EXAMPLES])
    return Theme(name, THEMES.get(name, name), handovers, handovers / spoken, examples)


def case_rows(found: Report) -> list[dict[str, Any]]:
    """The cases one by one, newest first, by COLUMNS: the figures can be computed again from them."""
    rows = _rows(case.last_key for case in found.cases)
    return [_case_row(case, rows[case.last_key], found.now) for case in reversed(found.cases) if case.last_key in rows]


def _case_row(case: Case, row: Handover, now: datetime) -> dict[str, Any]:
    seen = completion.observation(case, now)
    return {
        "issue": row.issue.number,
        "title": row.issue.title,
        "workflow": case.workflow,
        "specialist": case.specialist,
        "week": case.week,
        "outcome": case.outcome.value,
        "requested_at": case.requested_at.isoformat(),
        "completed_at": case.completed_at.isoformat() if case.completed_at else None,
        "taken_back_at": case.withdrawn_at.isoformat() if case.withdrawn_at else None,
        "hours": round(seen.time / 3600, 2),
        "censored": not seen.happened,
        "tries": len(case.keys),
        "blockers": list(case.blockers),
        "pull_request": row.pull_number,
    }


def definitions() -> list[tuple[str, str]]:
    """(title, definition) of the figures, in the registry's words."""
    return [(METRICS[slug].title, METRICS[slug].definition) for slug in HEADLINE]
