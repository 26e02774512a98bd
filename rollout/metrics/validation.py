"""What the hourly validation found, as it stands (plan 3.1).

A finding that is open and not muted counts, whenever it came. That none is open says something only where a sweep over
the whole repository ended in the window: without one n is 0, and nothing can pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet

from pipeline.domain import checks
from pipeline.models import Finding, Issue, Kind, Run
from rollout.domain.measures import Unit
from rollout.domain.statistics import wilson
from rollout.metrics import reducing
from rollout.metrics.base import MOST_ROWS, Collect, Figure, Measured, Question, Sample, names, rows_of

ORDINARY = (Run.Purpose.SCHEDULED, Run.Purpose.MANUAL, Run.Purpose.PART)
LABELS = tuple(sorted(check for check in checks.BY_ID if check.startswith(("labels.", "state."))))
ORPHANED = ("copilot.no_guidance", "copilot.no_assignment", "copilot.no_assignee", "copilot.no_state")
STALE = ("copilot.stale",)
REMNANTS = tuple(sorted(check for check in checks.BY_ID if check.startswith("remnant.")))
REFERENCES = tuple(sorted(check for check in checks.BY_ID if check.startswith("reference.")))


def standing(question: Question) -> QuerySet[Finding]:
    """Open at that moment, not muted, and more than a notice."""
    now = question.now
    rows = Finding.objects.filter(
        Q(resolved_at__isnull=True) | Q(resolved_at__gt=now),
        Q(muted_until__isnull=True) | Q(muted_until__lte=now),
        repository=question.scope.repository_id,
        first_seen__lte=now,
    ).exclude(severity=Finding.Severity.NOTICE)
    if question.scope.workflow:
        rows = rows.filter(issue__workflow__slug=question.scope.workflow)
    return question.only(rows)


def sweeps(question: Question) -> list[Run]:
    """Validation runs of the window that looked at everything, the newest first; one for named issues is none."""
    rows = Run.objects.filter(
        repository=question.scope.repository_id,
        kind=Kind.VALIDATE,
        purpose__in=ORDINARY,
        state=Run.State.SUCCEEDED,
        finished_at__gte=question.start,
        finished_at__lte=question.now,
    )
    listed = question.only(rows).order_by("-finished_at", "-pk")[: question.window.runs or MOST_ROWS]
    return [run for run in listed if not run.options.get("issues")]


def _found(*ids: str) -> Collect:
    """Findings of some checks; of all where none is named."""

    def collect(question: Question) -> Sample:
        rows = standing(question).select_related("issue").order_by("pk")
        kept = list((rows.filter(check_id__in=ids) if ids else rows)[:MOST_ROWS])
        told = [_name(row) for row in kept]
        looked = sweeps(question)
        parts = {**names(told), "by_check": dict(Counter(row.check_id for row in kept).most_common())}
        return Sample(
            facts=told,
            rows=(*rows_of(Finding, (row.pk for row in kept)), *rows_of(Run, (run.pk for run in looked))),
            n=max(len(looked), len(kept)),  # what is broken is so, whether or not somebody has looked again
            newest=looked[0].finished_at if looked else None,
            start=question.start,
            parts=parts,
        )

    return collect


def _name(row: Finding) -> str:
    return f"#{row.issue.number}" if row.issue else row.check_id


def _passing(question: Question) -> Sample:
    """[issues with a finding, issues looked at], once a sweep has looked at them."""
    looked = sweeps(question)
    if not looked:
        return Sample(n=0, start=question.start)
    issues = Issue.objects.filter(repository=question.scope.repository_id, presence=Issue.Presence.PRESENT)
    if question.scope.workflow:
        issues = issues.filter(workflow__slug=question.scope.workflow)
    rows = standing(question).filter(issue__presence=Issue.Presence.PRESENT)
    faulty = rows.aggregate(n=Count("issue", distinct=True))["n"]
    kept = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_ROWS])
    return Sample(
        facts=[[faulty, issues.count()]],
        rows=(*rows_of(Finding, kept), *rows_of(Run, (run.pk for run in looked))),
        newest=looked[0].finished_at,
        start=question.start,
    )


def _without_fault(facts: Sequence[Any]) -> Figure:
    """The share of issues without a finding; None where there is no issue."""
    if not facts:
        return Figure(None, 0)
    faulty, of = facts[0]
    bounds = wilson(of - faulty, of)
    parts = {
        "hits": of - faulty,
        "of": of,
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
    }
    return Figure((of - faulty) / of if of else None, of, parts)


def _counted(slug: str, title: str, definition: str, *ids: str) -> Measured:
    reduce: Callable[[Sequence[Any]], Figure] = reducing.count
    return Measured(slug, title, f"{definition}; muted findings are left out.", Unit.COUNT, _found(*ids), reduce)


FAMILY = (
    _counted("open_findings", "Open findings", "Faults that validation found and that are still there"),
    _counted(
        "label_drift",
        "Label drift",
        "Issues whose labels break the grammar: triage beyond discovery, none or several states, unknown workflows",
        *LABELS,
    ),
    _counted(
        "orphaned_assignments",
        "Orphaned Copilot assignments",
        "Issues handed over without specialist guidance, or whose state and assignment to Copilot do not go together",
        *ORPHANED,
    ),
    _counted(
        "stale_assignments",
        "Stale assignments",
        "Issues that are in state copilot for more than seven days without completion",
        *STALE,
    ),
    _counted(
        "template_remnants",
        "Template remnants",
        "Placeholders, filler and empty or too short parts in what we wrote into issues or prepared for Copilot",
        *REMNANTS,
    ),
    _counted(
        "broken_references",
        "Broken references",
        "Branches, files, pull requests and issues that an issue names and that do not exist",
        *REFERENCES,
    ),
    Measured(
        "validation_pass_rate",
        "Issues that pass validation",
        "Of the issues that validation looks at, the share without an open finding; muted findings are left out.",
        Unit.SHARE,
        _passing,
        _without_fault,
    ),
)
