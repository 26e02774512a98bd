"""What the pages of escalation show: cases on their own clock, what comes next, why a clock stands still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from pipeline.models import Repository
from rollout.domain import escalation
from rollout.domain.escalation import Action, Rule
from rollout.models import ClockPause, CompletionCase, EscalationEvent
from rollout.services.escalation import escalate, pauses, rules

MOST = 200  # cases on one page; the list of all has the rest
WORDS = {Action.REMIND: "reminder", Action.NOTIFY: "notice", Action.REVIEW: "manual review"}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case as it stands at a moment. `next_at` None: its clock stands still, and nobody knows how long."""

    case: CompletionCase
    overdue: timedelta
    paused: timedelta
    stopped_by: tuple[ClockPause, ...]
    events: tuple[EscalationEvent, ...]
    next_rule: Rule | None
    next_at: datetime | None

    @property
    def next_word(self) -> str:
        return WORDS[self.next_rule.action] if self.next_rule else "nothing more"

    @property
    def done(self) -> list[tuple[str, EscalationEvent]]:
        """What was begun so far, each with its word."""
        return [(WORDS[Action(row.action)], row) for row in self.events]

    @property
    def next_day(self) -> int:
        return self.next_rule.after.days if self.next_rule else 0

    @property
    def word(self) -> str:
        """Whether the clock goes, in a word."""
        if self.case.state != CompletionCase.State.OPEN:
            return self.case.get_state_display()
        return "clock stands still" if self.stopped_by else "clock goes"

    @property
    def tone(self) -> str:
        if self.case.state != CompletionCase.State.OPEN:
            return self.case.state
        return "paused" if self.stopped_by else "working"


@dataclass(frozen=True, slots=True)
class Group:
    """The overdue cases of one repository, the longest overdue first."""

    repository: Repository
    lines: tuple[CaseLine, ...]


def whole(rows: QuerySet[CompletionCase]) -> QuerySet[CompletionCase]:
    """With everything that a line needs."""
    return rows.select_related("issue__repository", "manual_review").prefetch_related("pauses", "escalations")


def cases() -> QuerySet[CompletionCase]:
    return whole(CompletionCase.objects.all())


def line(case: CompletionCase, now: datetime, known: Sequence[Rule] | None = None) -> CaseLine:
    """One case, as it stood at its end where it is over."""
    shown_at = case.ended_at or now
    spans = pauses.values(case.pauses.all())
    closest = escalation.closest(rules.in_force() if known is None else known, case.issue.repository_id, case.workflow)
    coming = escalation.upcoming(escalate.facts_of(case), closest)
    is_open = case.state == CompletionCase.State.OPEN
    stopped = [row for row, span in zip(case.pauses.all(), spans, strict=True) if is_open and span.covers(now)]
    return CaseLine(
        case=case,
        overdue=_minutes(escalation.overdue(case.due_at, spans, shown_at)),
        paused=_minutes(escalation.paused(case.due_at, spans, shown_at)),
        stopped_by=tuple(stopped),
        events=tuple(sorted(case.escalations.all(), key=lambda row: (row.days_overdue, row.pk))),
        next_rule=coming[0] if coming else None,
        next_at=coming[1] if coming else None,
    )


def _minutes(length: timedelta) -> timedelta:
    """Seconds say nothing to people here."""
    return length // MINUTE * MINUTE


def board(now: datetime, repository: Repository | None = None) -> list[Group]:
    """Open cases whose due time has passed, by repository."""
    rows = cases().filter(state=CompletionCase.State.OPEN, due_at__lt=now)
    if repository is not None:
        rows = rows.filter(issue__repository=repository)
    known = rules.in_force()
    lines = [line(case, now, known) for case in rows.order_by("due_at", "pk")[:MOST]]
    return _grouped(lines)


def _grouped(lines: Iterable[CaseLine]) -> list[Group]:
    found: dict[int, list[CaseLine]] = defaultdict(list)
    repositories: dict[int, Repository] = {}
    for each in lines:
        repository = each.case.issue.repository
        repositories[repository.pk] = repository
        found[repository.pk].append(each)
    groups = [Group(repositories[key], tuple(sorted(rows, key=_longest))) for key, rows in found.items()]
    return sorted(groups, key=lambda group: group.repository.full_name)


def _longest(each: CaseLine) -> tuple[timedelta, int]:
    return (-each.overdue, each.case.pk)


def rules_for(repository: Repository, workflow: str) -> list[tuple[str, Rule]]:
    """The rules in force for a case, for its page, the earliest first."""
    found = escalation.closest(rules.in_force(), repository.pk, workflow)
    return [(WORDS[rule.action], rule) for rule in sorted(found.values(), key=lambda rule: rule.after)]
