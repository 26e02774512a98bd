"""Day 14: a manual review, a task with an owner. A person takes it over, decides with a note, or snoozes the case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from pipeline import clock
from pipeline.domain.plan_triage import Choice
from pipeline.models import Kind, Repository, Run
from pipeline.services import audit, runs
from pipeline.services.operations import NotPossible
from rollout.models import EscalationEvent, ManualReview
from rollout.services import record
from rollout.services.escalation import notices, owners
from rollout.services.escalation.taking import Taken, take

DUE_IN = timedelta(days=3)
CLOSE, AGAIN, LEAVE = "close", "hand_over_again", "leave"
# What a decision does to the issue, by the run that a rollback's triage uses too; leaving does nothing.
CHOICES = {CLOSE: Choice.COMPLETE, AGAIN: Choice.REASSIGN, LEAVE: Choice.LEAVE}
DECISIONS = (
    (CLOSE, "Close it: the issue is done"),
    (AGAIN, "Hand it over again: back to assigned, the next processing takes it"),
    (LEAVE, "Leave it as it is"),
)
State = ManualReview.State


def open_due(repository: Repository, rows: Sequence[EscalationEvent], now: datetime) -> int:
    """A review for each case, told to its owner once, all of one owner in one message. 0 when another was first."""
    by_owner: dict[str, list[EscalationEvent]] = defaultdict(list)
    for row in rows:
        by_owner[owners.owner(repository.pk, str(row.evidence.get("role", "")))].append(row)
    return sum(_open(repository, owner, mine, now) for owner, mine in by_owner.items())


def _open(repository: Repository, owner: str, rows: Sequence[EscalationEvent], now: datetime) -> int:
    due_at = now + DUE_IN
    try:
        with transaction.atomic():
            take(rows, EscalationEvent.State.DONE)
            for row in rows:
                values = {"owner": owner[:150], "opened_at": now, "due_at": due_at}
                ManualReview.objects.get_or_create(case=row.case, defaults=values)
            _tell(repository, owner, rows, due_at, now)
    except Taken:
        return 0
    return len(rows)


def _tell(repository: Repository, owner: str, rows: Sequence[EscalationEvent], due_at: datetime, now: datetime) -> None:
    count = f"{len(rows)} manual review{'' if len(rows) == 1 else 's'}"
    head = f"{count} for {owner}, due {due_at:%a %d %b %H:%M} UTC: Copilot did not finish these issues of {repository}."
    people = list(User.objects.filter(username=owner, is_active=True))
    key = f"manual-review:{notices.digest(rows)}"
    notices.send(repository, people, key, f"{count} for {owner}", head, [row.case for row in rows], now)


# --- what people do ---


@transaction.atomic
def take_over(review: ManualReview, *, by: str, reason: str) -> None:
    """Whoever takes it over owns it from now on."""
    _need(by, reason)
    before = review.owner
    if record.same(before, by):
        raise NotPossible(f"{by} owns this review already.")
    _change(review, {"owner": by[:150]})
    _write_down(review, "manual_review.taken_over", by, reason, {"owner": before}, {"owner": by})


def settle(review: ManualReview, decision: str, *, by: str, note: str) -> Run | None:
    """Decide what becomes of the issue; returns the run that carries it out, where there is something to do."""
    _need(by, note)
    if decision not in CHOICES:
        raise NotPossible(f"There is no decision {decision!r}; choose one of {', '.join(CHOICES)}.")
    issue = review.case.issue
    with transaction.atomic():
        run = None
        values = {
            "state": State.DONE,
            "settled_at": clock.now(),
            "settled_by": by[:150],
            "decision": f"{decision}: {note.strip()}"[:500],
        }
        _change(review, values)
        if decision != LEAVE:
            run = runs.open_by_request(
                issue.repository,
                Kind.TRIAGE,
                options={"choices": {str(issue.number): CHOICES[decision].value}, "manual_review": review.pk},
                limit=1,
                actor=by,
                reason=note,
            )
        _write_down(review, "manual_review.settled", by, note, {}, {"decision": decision, "run": run.pk if run else ""})
    return run


def _need(by: str, reason: str) -> None:
    record.need_person(by, "A manual review")
    record.need_reason(reason)


def _change(review: ManualReview, values: dict[str, object]) -> None:
    if not ManualReview.objects.filter(pk=review.pk, state=State.OPEN, owner=review.owner).update(**values):
        raise NotPossible(f"{review} was settled, dropped or taken over meanwhile; look again.")
    review.refresh_from_db()


def _write_down(
    review: ManualReview, action: str, by: str, reason: str, before: dict[str, object], after: dict[str, object]
) -> None:
    subject = f"manual review of #{review.case.issue.number} on {review.case.issue.repository}"
    audit.append(actor=by, action=action, subject=subject, reason=reason, before=before, after=after)
