"""The look that is taken every minute: what is overdue is noted once, and what is noted is carried out once.

Level-triggered: a look that was missed or cut short is made good by the next. A row (case, action) stands before
anything is done, so nothing is done twice; nothing fires unless the clock may be believed (docs/decisions/011).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from pipeline import clock
from pipeline.models import Issue, Repository
from rollout.domain import escalation
from rollout.domain.escalation import Action, CaseFacts, Due, Rule
from rollout.models import CompletionCase, EscalationEvent
from rollout.services.escalation import cases, notices, pauses, reminders, reviews, rules, trust

CHUNK = 500
State = EscalationEvent.State


@dataclass
class _Work:
    """What is to be done on one GitHub server: actions that fell due, and events that wait to be carried out."""

    repositories: dict[int, Repository] = field(default_factory=dict)
    due: list[tuple[CompletionCase, Due]] = field(default_factory=list)


def look(now: datetime | None = None) -> int:
    """Keep cases and pauses up to date, then escalate what is due; returns how many escalations began."""
    now = now or clock.now()
    cases.keep(now)
    pauses.keep(now)
    reminders.settle(now)
    looks = trust.look(now)
    begun = 0
    for server, work in _by_server(now).items():
        if not trust.why_not(looks, server, work.repositories.values()):
            begun += _note(work.due, now)
            for repository in work.repositories.values():
                _carry_out(repository, now)
    return begun


def facts_of(case: CompletionCase) -> CaseFacts:
    """One case as the rules see it; its pauses and escalations had better be prefetched."""
    return CaseFacts(
        due_at=case.due_at,
        pauses=pauses.values(case.pauses.all()),
        begun=frozenset(Action(row.action) for row in case.escalations.all()),
        is_open=case.state == CompletionCase.State.OPEN,
    )


# --- what is due ---


def _by_server(now: datetime) -> dict[str, _Work]:
    """GitHub's clock is asked once for each server, and only where there is something to do."""
    found: dict[str, _Work] = defaultdict(_Work)
    for case, due in _newly_due(now):
        repository = case.issue.repository
        found[repository.api_url].repositories[repository.pk] = repository
        found[repository.api_url].due.append((case, due))
    noted = _waiting().order_by().values("case__issue__repository").distinct()
    for repository in Repository.objects.filter(pk__in=noted):
        if repository.pk not in found[repository.api_url].repositories and _has_work(repository, now):
            found[repository.api_url].repositories[repository.pk] = repository
    return {server: work for server, work in found.items() if work.repositories}


def _waiting() -> QuerySet[EscalationEvent]:
    return EscalationEvent.objects.filter(state=State.DUE, case__state=CompletionCase.State.OPEN)


def _has_work(repository: Repository, now: datetime) -> bool:
    return bool(_told(repository, now)[:1]) or bool(reminders.ready(repository, now)[1])


def _told(repository: Repository, now: datetime) -> QuerySet[EscalationEvent]:
    """Notices and reviews that wait; those whose case stands still wait on."""
    rows = _waiting().filter(case__issue__repository=repository).exclude(action=Action.REMIND.value)
    rows = rows.exclude(case__in=pauses.in_force(now).values("case")).order_by("pk")
    return rows.select_related("case__issue__repository").prefetch_related("case__pauses")


def _newly_due(now: datetime) -> Iterator[tuple[CompletionCase, Due]]:
    """Every action that is due and was not begun, of the cases that are late enough for any."""
    known = rules.in_force()
    closest: dict[tuple[int, str], Mapping[Action, Rule]] = {}
    for case in _late(known, now):
        place = (case.issue.repository_id, case.workflow)
        if place not in closest:
            closest[place] = escalation.closest(known, *place)
        for due in escalation.due(facts_of(case), closest[place], now):
            yield case, due


def _late(known: Sequence[Rule], now: datetime) -> Iterator[CompletionCase]:
    """Open cases for which some rule could have come due and was not begun, a few queries for each 500."""
    rows = CompletionCase.objects.filter(
        _could_be_due(known, now), state=CompletionCase.State.OPEN, issue__presence=Issue.Presence.PRESENT
    )
    rows = rows.select_related("issue__repository").prefetch_related("pauses", "escalations").order_by("pk")
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        yield from chunk
        last = chunk[-1].pk


def _could_be_due(known: Sequence[Rule], now: datetime) -> Q:
    """By the time alone, pauses aside: which rule is the closest to a case is asked of those that are left."""
    found = Q(pk__in=[])
    for action in {rule.action for rule in known if rule.active}:
        soonest = min(rule.after for rule in known if rule.active and rule.action == action)
        begun = EscalationEvent.objects.filter(case=OuterRef("pk"), action=action.value)
        found |= Q(~Exists(begun), due_at__lte=now - soonest)
    return found


def _note(found: Sequence[tuple[CompletionCase, Due]], now: datetime) -> int:
    """A row for each before anything is done; one that another process wrote stays as it is."""
    rows = [_event(case, due, now) for case, due in found]
    return len(EscalationEvent.objects.bulk_create(rows, ignore_conflicts=True))


def _event(case: CompletionCase, due: Due, now: datetime) -> EscalationEvent:
    spans = pauses.values(case.pauses.all())
    late, still = escalation.overdue(case.due_at, spans, now), escalation.paused(case.due_at, spans, now)
    paused = f" and {_hours(still)} in which its clock stood still" if still else ""
    return EscalationEvent(
        case=case,
        action=due.action.value,
        days_overdue=due.rule.after.days,
        at=now,
        sentence=f"Overdue by {late.days} days (due {case.due_at:%Y-%m-%d %H:%M} UTC{paused}).",
        evidence={
            "overdue": late.total_seconds(),
            "paused": still.total_seconds(),
            "reached": due.since.isoformat(),
            "role": due.rule.role,
        },
    )


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:.0f} h"


# --- what is done ---


def _carry_out(repository: Repository, now: datetime) -> None:
    by_role: dict[str, list[EscalationEvent]] = defaultdict(list)
    to_review: list[EscalationEvent] = []
    for row in _told(repository, now)[:CHUNK]:
        if row.action == Action.NOTIFY:
            by_role[str(row.evidence.get("role", ""))].append(row)
        else:
            to_review.append(row)
    for role, rows in by_role.items():
        notices.notify(repository, role, rows, now)
    if to_review:
        reviews.open_due(repository, to_review, now)
    reminders.send(repository, now)
