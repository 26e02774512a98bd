"""What the pages of findings and problem reports show: counts by check, the last sweep, history, repairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from pipeline.domain import checks
from pipeline.domain.checks.values import Check
from pipeline.models import AuditEntry, Effect, Finding, Kind, ProblemReport, Run, RunItem

ORDINARY = (Run.Purpose.SCHEDULED, Run.Purpose.MANUAL, Run.Purpose.PART)
SHOWN_BEFORE = 20
SHOWN_ITEMS = 3
SHOWN_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Tally:
    """One check with open findings: `open` not muted, `muted` beside them; `url` is the list of them."""

    check: str
    title: str
    severity: str
    open: int
    muted: int
    url: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A check in words; `safety` says what its repair may do, or why it has none."""

    title: str
    explanation: str
    safety: str = ""
    repairs: bool = False


def muted(now: datetime) -> Q:
    return Q(muted_until__gt=now)


def open_ones(now: datetime) -> QuerySet[Finding]:
    """What is wrong and not muted: what every count of open findings counts."""
    return Finding.objects.filter(resolved_at__isnull=True).exclude(muted(now))


def explained(check: str) -> Explained:
    known = checks.BY_ID.get(check)
    if known is None:
        return Explained(check, "")
    if isinstance(known, Check):
        return Explained(known.title, known.explanation, known.safety, known.repair is not None)
    return Explained(known.title, known.explanation)


def tallies(now: datetime) -> list[Tally]:
    """The checks that find something now, the worst first."""
    rows = (
        Finding.objects.filter(resolved_at__isnull=True)
        .order_by()
        .values("check_id")
        .annotate(n=Count("pk", filter=~muted(now)), silent=Count("pk", filter=muted(now)), stored=Min("severity"))
    )
    found = [_tally(row["check_id"], row["n"], row["silent"], row["stored"]) for row in rows]
    rank = {"critical": 0, "warning": 1, "notice": 2}
    return sorted(found, key=lambda one: (rank.get(one.severity, 3), -one.open, one.check))


def _tally(check: str, n: int, silent: int, stored: str) -> Tally:
    known = checks.BY_ID.get(check)
    severity = known.severity.value if known else stored
    query = urlencode({"check_id__exact": check, "standing": "open" if n else "muted"})
    url = f"{reverse('admin:pipeline_finding_changelist')}?{query}"
    return Tally(check, explained(check).title, severity, n, silent, url)


def last_sweep() -> Run | None:
    """The last validation run that came to its end."""
    rows = Run.objects.filter(kind=Kind.VALIDATE, purpose__in=ORDINARY, state=Run.State.SUCCEEDED)
    return rows.order_by("-finished_at", "-pk").first()


def standing(row: Finding, now: datetime) -> tuple[str, str]:
    """In a word, and the tone of it."""
    if row.resolved_at is not None:
        return "resolved", "resolved"
    if row.muted_until is not None and row.muted_until > now:
        return "muted", "paused"
    return ("acknowledged", "working") if row.acknowledged_at is not None else ("open", "failed")


def repairs(row: Finding) -> list[RunItem]:
    """The last items of validation runs on its issue that planned something, with their effects."""
    if row.issue_id is None:
        return []
    items = RunItem.objects.filter(issue=row.issue_id, run__kind=Kind.VALIDATE, effects__isnull=False).distinct()
    return list(items.select_related("run").prefetch_related("effects").order_by("-pk")[:SHOWN_ITEMS])


def before(row: Finding) -> QuerySet[Finding]:
    """The same fault in the same place, at other times."""
    rows = Finding.objects.filter(repository=row.repository_id, fingerprint=row.fingerprint).exclude(pk=row.pk)
    return rows.order_by("-first_seen")[:SHOWN_BEFORE]


def said(row: Finding) -> QuerySet[AuditEntry]:
    """What people did about it, the newest first."""
    return AuditEntry.objects.filter(action__startswith="finding.", subject__startswith=f"finding {row.pk} (").order_by(
        "-sequence"
    )[:SHOWN_BEFORE]


def report_of(row: Finding) -> ProblemReport | None:
    """The issue on GitHub that tells of it now, or the one that did last."""
    rows = ProblemReport.objects.filter(repository=row.repository_id, group=row.check_id)
    return rows.order_by("-is_open", "-opened_at").first()


def reported(row: ProblemReport, now: datetime) -> QuerySet[Finding]:
    """The findings that an open report lists."""
    found = open_ones(now).filter(repository=row.repository_id, check_id=row.group)
    return found.exclude(severity=Finding.Severity.NOTICE).select_related("issue").order_by("issue__number", "pk")


def effects_of(row: ProblemReport) -> Iterable[Any]:
    return Effect.objects.filter(item__report=row).select_related("item__run").order_by("-pk")[:SHOWN_FINDINGS]
