"""Cases: one for each issue that is handed over, from its first hand-over to its end (docs/escalation.md).

A few queries each minute, whatever the number of issues. An issue that is reopened without being handed over again
goes on with its old case, and the time between does not count; one that is handed over again begins a new case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from pipeline.models import Handover, Issue
from rollout.domain import escalation
from rollout.models import ClockPause, CompletionCase, EscalationEvent, ManualReview
from rollout.services.escalation import pauses

AT_ONCE = 500  # the next look takes the rest
RULE = "rule:escalation"
DUE_HOURS = 48  # where the workflow is not known any more
SEEN = (Issue.Presence.PRESENT, Issue.Presence.UNREACHABLE)  # what cannot be read is not thereby gone
State = CompletionCase.State


def keep(now: datetime) -> None:
    """End what is over, then open what has no case yet."""
    for case in _over()[:AT_ONCE]:
        _end(case, now)
    _open_missing(now)


# --- over ---


def _over() -> QuerySet[CompletionCase]:
    taken_back = Handover.objects.filter(
        issue=OuterRef("issue"), requested_at__gte=OuterRef("opened_at"), outcome=Handover.Outcome.WITHDRAWN
    )
    rows = CompletionCase.objects.filter(state=State.OPEN).filter(
        ~Q(issue__state=Issue.State.COPILOT)
        | Q(issue__is_open=False)
        | ~Q(issue__presence__in=SEEN)
        | Exists(taken_back)
    )
    return rows.select_related("issue").order_by("pk")


def _end(case: CompletionCase, now: datetime) -> None:
    """Nothing more is escalated; what is only due is dropped, and so is a review that nobody has settled."""
    done = case.issue.state == Issue.State.DONE or not case.issue.is_open
    ended_at = _ended_at(case, done, now)
    still = escalation.paused(case.due_at, pauses.values(case.pauses.all()), ended_at)
    with transaction.atomic():
        mine = CompletionCase.objects.filter(pk=case.pk, state=State.OPEN).update(
            state=State.DONE if done else State.WITHDRAWN, ended_at=ended_at, paused_total=still
        )
        if not mine:
            return
        case.pauses.filter(ended_at__isnull=True).update(ended_at=now)
        case.escalations.filter(state=EscalationEvent.State.DUE).update(state=EscalationEvent.State.DROPPED)
        word = "The issue is done." if done else "The issue was sent back, or is gone."
        ManualReview.objects.filter(case=case, state=ManualReview.State.OPEN).update(
            state=ManualReview.State.DROPPED, settled_at=now, settled_by=RULE, decision=word
        )


def _ended_at(case: CompletionCase, done: bool, now: datetime) -> datetime:
    """When GitHub or our rows say that it ended, not when we looked; within the case's own time."""
    if done:
        moment = case.issue.closed_at or case.issue.done_at
    else:
        taken = case.issue.handovers.filter(outcome=Handover.Outcome.WITHDRAWN, requested_at__gte=case.opened_at)
        moment = taken.order_by("ended_at").values_list("ended_at", flat=True).first()
    return max(case.opened_at, min(moment or now, now))


# --- open ---


def _wanted() -> QuerySet[Issue]:
    """Issues that Copilot has, by our own hand-over, and that nobody has ended, without an open case."""
    newest = Handover.objects.filter(issue=OuterRef("pk")).order_by("-generation")
    open_case = CompletionCase.objects.filter(issue=OuterRef("pk"), state=State.OPEN)
    rows = Issue.objects.filter(state=Issue.State.COPILOT, is_open=True, presence__in=SEEN)
    return (
        rows.annotate(newest=Subquery(newest.values("outcome")[:1]))
        .filter(newest__isnull=False)
        .exclude(newest=Handover.Outcome.WITHDRAWN)
        .exclude(Exists(open_case))
        .select_related("workflow", "specialist")
        .order_by("pk")
    )


def _open_missing(now: datetime) -> None:
    issues = list(_wanted()[:AT_ONCE])
    if not issues:
        return
    tries = _by_issue(Handover.objects.filter(issue__in=issues).order_by("generation"))
    ended = _by_issue(CompletionCase.objects.filter(issue__in=issues).order_by("pk"))
    made = []
    for issue in issues:
        last = ended[issue.pk][-1] if ended[issue.pk] else None
        fresh = [row for row in tries[issue.pk] if _is_fresh(row, last)]
        if fresh:
            made.append(_case(issue, fresh[0]))
        elif last is not None:
            _reopen(last, now)
    CompletionCase.objects.bulk_create(made, ignore_conflicts=True)


def _by_issue(rows: Iterable[Any]) -> dict[int, Sequence[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.issue_id].append(row)
    return defaultdict(list, found)


def _is_fresh(row: Handover, last: CompletionCase | None) -> bool:
    """A hand-over of a case that is still to be opened; those before belong to the last one."""
    later = last is None or last.ended_at is None or row.requested_at > last.ended_at
    return later and row.outcome != Handover.Outcome.WITHDRAWN


def _case(issue: Issue, first: Handover) -> CompletionCase:
    hours = issue.workflow.due_hours if issue.workflow else DUE_HOURS
    return CompletionCase(
        issue=issue,
        handover=first,
        workflow=issue.workflow.slug if issue.workflow else "",
        specialist=issue.specialist.slug if issue.specialist else "",
        opened_at=first.requested_at,
        due_at=escalation.due_time(first.requested_at, issue.due_at, hours, first=first.generation == 1),
    )


def _reopen(case: CompletionCase, now: datetime) -> None:
    """The same case goes on: what was done for it is not done again, what was dropped is due again."""
    try:
        with transaction.atomic():
            mine = CompletionCase.objects.filter(pk=case.pk, ended_at=case.ended_at).exclude(state=State.OPEN)
            if not mine.update(state=State.OPEN, ended_at=None):
                return
            ClockPause.objects.create(
                case=case,
                kind=ClockPause.Kind.HELD,
                reason="The issue was over in between; it was reopened.",
                by=RULE,
                started_at=case.ended_at or now,
                ended_at=now,
            )
            case.escalations.filter(state=EscalationEvent.State.DROPPED).update(state=EscalationEvent.State.DUE)
            ManualReview.objects.filter(case=case, state=ManualReview.State.DROPPED).update(
                state=ManualReview.State.OPEN, settled_at=None, settled_by="", decision=""
            )
    except IntegrityError:  # somebody has just opened one
        return
