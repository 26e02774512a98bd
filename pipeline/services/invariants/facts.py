"""Rows as the plain values that the checks compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q

from pipeline.domain.invariants.values import (
    DiscoveryFact,
    EffectFact,
    HandoverFact,
    IssueFact,
    OperationFact,
    PaceFact,
    Place,
    RunFact,
    SlotFact,
    Step,
    digest,
)
from pipeline.domain.labels import LabelGrammar
from pipeline.models import (
    ApiCall,
    AuditEntry,
    Discovery,
    Effect,
    Finding,
    Handover,
    Issue,
    Operation,
    ProblemReport,
    Repository,
    Run,
    RunItem,
    Slot,
    Transition,
)
from pipeline.services.guard import BY_HAND
from pipeline.services.operations import cron_of

# Findings that say how GitHub differs from our rows; one about a text excuses no wrong label.
TELL_OF_A_DIFFERENCE = ("labels.triage", "labels.closed", "record.differs")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the checks read, for the chosen repositories."""

    repositories: tuple[Repository, ...]
    issues: tuple[IssueFact, ...]
    discoveries: tuple[DiscoveryFact, ...]
    operations: dict[int, OperationFact]
    runs: dict[int, RunFact]
    effects: dict[str, EffectFact]
    handovers: tuple[HandoverFact, ...]

    @property
    def grammars(self) -> dict[str, LabelGrammar]:
        return {row.full_name.lower(): row.grammar for row in self.repositories}

    @property
    def paces(self) -> dict[str, PaceFact]:
        return {
            row.full_name.lower(): PaceFact(row.write_spacing_ms, row.writes_per_minute, row.writes_per_hour)
            for row in self.repositories
        }


def load(repositories: Iterable[Repository]) -> Facts:
    """One query per table; nothing is changed."""
    rows = tuple(repositories)
    chosen = [row.pk for row in rows]
    return Facts(
        repositories=rows,
        issues=tuple(_issues(chosen)),
        discoveries=tuple(_discoveries(chosen)),
        operations={fact.id: fact for fact in _operations(chosen)},
        runs={fact.id: fact for fact in _runs(chosen)},
        effects={fact.key: fact for fact in _effects(chosen)},
        handovers=tuple(_handovers(chosen)),
    )


def _place(issue: Issue | None) -> Place | None:
    return (issue.repository.full_name.lower(), issue.number) if issue else None


def _place_of_report(report: ProblemReport | None) -> Place | None:
    if report is None or report.number is None:
        return None
    return (report.repository.full_name.lower(), report.number)


def _issues(chosen: list[int]) -> Iterable[IssueFact]:
    findings: dict[int, list[str]] = defaultdict(list)
    telling = Q(check_id__startswith="state.") | Q(check_id__in=TELL_OF_A_DIFFERENCE)
    rows = Finding.objects.filter(telling, repository__in=chosen, issue__isnull=False, resolved_at__isnull=True)
    for finding in rows:
        findings[finding.issue_id or 0].append(finding.check_id)
    history: dict[int, list[Step]] = defaultdict(list)
    for row in Transition.objects.filter(issue__repository__in=chosen).order_by("issue", "sequence"):
        history[row.issue_id].append(Step(row.sequence, row.before, row.after, row.cause))
    for issue in Issue.objects.filter(repository__in=chosen).select_related("repository").order_by("pk"):
        yield IssueFact(
            place=(issue.repository.full_name.lower(), issue.number),
            state=issue.state,
            present=issue.presence == Issue.Presence.PRESENT,
            title=issue.title,
            body_hash=digest(issue.body),
            labels=tuple(issue.labels),
            prefix=issue.repository.label_prefix,
            findings=tuple(findings[issue.pk]),
            history=tuple(history[issue.pk]),
        )


def _discoveries(chosen: list[int]) -> Iterable[DiscoveryFact]:
    for row in Discovery.objects.filter(repository__in=chosen).select_related("issue__repository").order_by("pk"):
        yield DiscoveryFact(row.pk, row.status, _place(row.issue))


def _operations(chosen: list[int]) -> Iterable[OperationFact]:
    slots: dict[int, list[SlotFact]] = defaultdict(list)
    for row in Slot.objects.filter(operation__repository__in=chosen).order_by("nominal_at"):
        slots[row.operation_id].append(SlotFact(row.nominal_at, row.status, row.run_id))
    modes = _changes("mode", "operation.mode")
    rows = Operation.objects.filter(repository__in=chosen).select_related("repository", "periodic_task__crontab")
    for operation in rows.order_by("pk"):
        yield OperationFact(
            id=operation.pk,
            name=str(operation),
            mode=operation.mode,
            limit=operation.limit,
            cron=cron_of(operation),
            since=operation.slots_since,
            slots=tuple(slots[operation.pk]),
            modes=tuple(modes[str(operation)[:200]]),
        )


def _changes(field: str, *actions: str) -> dict[str, list[tuple[datetime, str, str]]]:
    """Subject → its audited changes of one field, ascending."""
    found: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    for entry in AuditEntry.objects.filter(action__in=actions, after__has_key=field).order_by("sequence"):
        found[entry.subject].append((entry.at, str(entry.before.get(field, "")), str(entry.after.get(field, ""))))
    return found


def _runs(chosen: list[int]) -> Iterable[RunFact]:
    touching = Q(items__issue__isnull=False) | Q(items__discovery__isnull=False)
    touched = Count("items", filter=touching & Q(items__effects__state=Effect.State.APPLIED), distinct=True)
    standings = _changes("standing", "repository.standing", "repository.changed")
    rows = (
        Run.objects.filter(repository__in=chosen)
        .select_related("repository", "parent", "source_run")
        .annotate(touched=touched)
    )
    for row in rows.order_by("pk"):
        yield RunFact(
            id=row.pk,
            operation=row.operation_id,
            requested_by=row.requested_by,
            by_hand=row.purpose in BY_HAND or (row.parent is not None and row.parent.purpose in BY_HAND),
            purpose=Run.Purpose.REVERT if row.undoes else row.purpose,
            mode=row.mode,
            nominal_at=row.nominal_at,
            group=row.group,
            limit=row.limit,
            touched=row.touched,
            started_at=row.started_at,
            finished_at=row.finished_at,
            standings=tuple(standings[str(row.repository)[:200]]),
        )


def _effects(chosen: list[int]) -> Iterable[EffectFact]:
    rows = Effect.objects.filter(item__run__repository__in=chosen)
    rows = rows.select_related("item__report__repository", "issue__repository")
    for row in rows.order_by("pk").iterator(chunk_size=500):
        yield EffectFact(
            key=row.key,
            kind=row.kind,
            request_hash=row.request_hash,
            state=row.state,
            live=row.live,
            run=row.item.run_id,
            item_epoch=row.item.epoch,
            epoch=row.epoch,
            attempts=row.attempts,
            place=_place(row.issue) or _place_of_report(row.item.report),
            discovery=row.item.discovery_id,
            planned_at=row.planned_at,
            sent_at=row.sent_at,
            settled_at=row.settled_at,
            headings=tuple(name for name, _content in row.payload.get("sections", ())),
        )


def _handovers(chosen: list[int]) -> Iterable[HandoverFact]:
    rows = Handover.objects.filter(issue__repository__in=chosen).select_related("issue__repository", "effect")
    for row in rows.order_by("issue", "generation"):
        yield HandoverFact(
            place=(row.issue.repository.full_name.lower(), row.issue.number),
            generation=row.generation,
            effect=row.effect.key if row.effect else None,
            requested_at=row.requested_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
        )


def reserved_writes(repositories: Iterable[Repository]) -> tuple[dict[str, list[datetime]], dict[str, int]]:
    """When each token's writes were let out, and the least distance that its repositories ask for, in milliseconds."""
    moments: dict[str, list[datetime]] = defaultdict(list)
    least: dict[str, int] = {}
    rows = ApiCall.objects.filter(write=True, repository__in=[row.pk for row in repositories])
    for row in rows.annotate(spacing=F("repository__write_spacing_ms")).order_by("at").iterator(chunk_size=1000):
        spacing: Any = row.spacing
        moments[row.token_key].append(row.at)
        least[row.token_key] = min(int(spacing), least.get(row.token_key, int(spacing)))
    return dict(moments), least


def active_items(chosen: Iterable[Repository]) -> Iterable[RunItem]:
    rows = RunItem.objects.filter(run__repository__in=[row.pk for row in chosen], state__in=RunItem.ACTIVE)
    return rows.select_related("run").order_by("pk")
