"""Day 3: one comment on the issue, by a run of reminders. An event is done once its comment is there, however it came.

While track is in dry run the comment is only shown, once, as the plan of a dry run; it is made when track is live, if
the issue is still overdue then. That no case is reminded of twice is held by the effect's subject (pipeline).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from pipeline.models import Effect, Kind, Mode, Operation, Repository, Run, RunItem
from pipeline.services import runs
from pipeline.services.operations import NotPossible
from rollout.domain import escalation
from rollout.domain.escalation import Action
from rollout.models import CompletionCase, EscalationEvent
from rollout.services.escalation import pauses
from rollout.services.escalation.taking import Taken, take

RULE = "rule:escalation"
AT_ONCE = 500
MOST_TRIES = 3  # a run tries each item five times by itself
TRY_AGAIN = timedelta(minutes=15)
State = EscalationEvent.State


def events() -> QuerySet[EscalationEvent]:
    return EscalationEvent.objects.filter(action=Action.REMIND.value)


def subject(case_id: int) -> str:
    """What exists once in the world: the reminder of this case."""
    return f"remind:{case_id}"


def mode_of(repository: Repository, now: datetime) -> tuple[str, int]:
    """How reminders of a repository are made now (live, dry run, or not at all: ""), and how many in one run."""
    rows = list(Operation.objects.filter(repository=repository, kind=Kind.TRACK).exclude(mode=Mode.OFF))
    live = [row for row in rows if row.mode == Mode.LIVE]
    leased = [row for row in live if row.live_until is not None and row.live_until > now]
    if leased:
        return Mode.LIVE, max(row.limit for row in leased)
    return ("", 0) if live or not rows else (Mode.DRY_RUN, max(row.limit for row in rows))


def ready(repository: Repository, now: datetime) -> tuple[str, list[EscalationEvent]]:
    """The mode, and the reminders that are to be made in it now, the longest due first."""
    mode, limit = mode_of(repository, now)
    busy = Run.objects.filter(repository=repository, kind=Kind.REMIND, state__in=Run.ACTIVE).exists()
    if not mode or busy or repository.standing != Repository.Standing.ACTIVE:
        return "", []
    rows = events().filter(state=State.DUE, case__issue__repository=repository, case__state=CompletionCase.State.OPEN)
    if mode == Mode.DRY_RUN:
        rows = rows.filter(run__isnull=True)
    rows = rows.exclude(case__in=pauses.in_force(now).values("case")).order_by("at", "pk")
    found = rows.select_related("case__issue").prefetch_related("case__pauses")[: 4 * limit]
    return mode, [row for row in found if not _rests(row, now)][:limit]


def _rests(row: EscalationEvent, now: datetime) -> bool:
    until = str(row.evidence.get("not_before", ""))
    return bool(until) and now < datetime.fromisoformat(until)


def send(repository: Repository, now: datetime) -> Run | None:
    """Open one run for all that are to be made now; run and note come in one transaction, so both or neither."""
    mode, rows = ready(repository, now)
    if not rows:
        return None
    try:
        with transaction.atomic():
            run = runs.open_by_request(
                repository,
                Kind.REMIND,
                options={"reminders": {str(row.case.issue.number): _asked(row.case, now) for row in rows}},
                limit=len(rows),
                actor=RULE,
                reason=f"{len(rows)} overdue; a reminder each.",
                mode=mode,
            )
            _mark(rows, mode, run)
    except (NotPossible, Taken):  # paused at this moment, or another process was first: the next look sees
        return None
    return run


def _mark(rows: list[EscalationEvent], mode: str, run: Run) -> None:
    if mode == Mode.LIVE:
        take(rows, State.SENT, run=run)
    else:  # shown, and due all the same
        take(rows, State.DUE, seen={"run__isnull": True}, run=run)


def _asked(case: CompletionCase, now: datetime) -> dict[str, Any]:
    spans = pauses.values(case.pauses.all())
    return {
        "subject": subject(case.pk),
        "due_at": case.due_at.isoformat(),
        "overdue": escalation.overdue(case.due_at, spans, now).total_seconds(),
        "paused": escalation.paused(case.due_at, spans, now).total_seconds(),
    }


# --- what became of them ---


def settle(now: datetime) -> None:
    """Done where the comment is there; where its run ended without one, due again, and after some tries failed."""
    own_subject = Concat(Value("remind:"), Cast(OuterRef("case"), CharField()))
    made = Effect.objects.filter(issue=OuterRef("case__issue"), subject=own_subject, live=True)
    waiting = events().filter(state__in=(State.DUE, State.SENT), run__isnull=False)
    waiting.filter(Exists(made.filter(state=Effect.State.APPLIED))).update(state=State.DONE)
    ended = events().filter(state=State.SENT).exclude(run__state__in=Run.ACTIVE)
    lost = ended.exclude(Exists(made.filter(state__in=(Effect.State.SENDING, Effect.State.UNKNOWN))))
    for row in lost.select_related("case", "run").order_by("pk")[:AT_ONCE]:
        _not_made(row, now)


def _not_made(row: EscalationEvent, now: datetime) -> None:
    if row.case.state != CompletionCase.State.OPEN:
        _note(row, State.DROPPED)
        return
    item = RunItem.objects.filter(run=row.run_id, issue=row.case.issue_id).order_by("-pk").first()
    tries = int(row.evidence.get("tries", 0))
    if item is not None and item.state in (RunItem.State.FAILED, RunItem.State.CONFLICT):
        tries += 1
    row.evidence |= {
        "tries": tries,
        "not_before": (now + TRY_AGAIN).isoformat(),
        "problem": item.reason if item is not None else "",
    }
    _note(row, State.FAILED if tries >= MOST_TRIES else State.DUE)


def _note(row: EscalationEvent, state: str) -> None:
    EscalationEvent.objects.filter(pk=row.pk, state=State.SENT).update(state=state, evidence=row.evidence)
