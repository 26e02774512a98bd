"""Effects of unknown fate: they rest for a quarantine, are looked up, and only then sent again.

Measured (docs/performance.md): without the quarantine 15 % of creates double under faults, with it none.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from pipeline import clock
from pipeline.domain import changes
from pipeline.github.lookup import look_up
from pipeline.github.port import Applied, GitHub, Intent, IssueTarget
from pipeline.models import Effect, RunItem
from pipeline.services import claims, effects, reports, settling

MOST_SENT = 5  # times that one effect is sent and found not to have taken place


def resolve(item: RunItem, github: GitHub) -> bool:
    """Settle every effect of unknown fate on this item, its issue or its report.

    True when none is left; else the item waits until the next one may be looked up.
    """
    rows = list(
        Effect.objects.filter(_same(item), state__in=(Effect.State.SENDING, Effect.State.UNKNOWN))
        .select_related("item__run__repository", "item__report", "issue")
        .order_by("item", "order")
    )
    if not rows:
        return True
    quarantine = timedelta(seconds=item.run.repository.quarantine_seconds)
    due = max(_orphaned(row, quarantine) for row in rows)
    if due > clock.now():
        claims.release(item, RunItem.State.WAITING, due_at=due, error_type=RunItem.ErrorType.UNKNOWN)
        return False
    for row in rows:
        claims.renew(item)
        _look_up(row, github)
    item.refresh_from_db()
    return True


def _same(item: RunItem) -> Q:
    if item.report_id is not None:
        return Q(item=item) | Q(item__report=item.report_id)
    return Q(item=item) | Q(issue=item.issue_id) if item.issue_id else Q(item=item)


def _orphaned(row: Effect, quarantine: timedelta) -> datetime:
    """When the effect may be looked up; what a dead process left in `sending` becomes unknown."""
    sent_at = row.sent_at or row.planned_at
    due = row.look_up_at or sent_at + quarantine
    if row.state == Effect.State.SENDING:
        Effect.objects.filter(pk=row.pk, state=Effect.State.SENDING, epoch=row.epoch).update(
            state=Effect.State.UNKNOWN, look_up_at=due, error="The process ended while it was being sent."
        )
        row.state, row.look_up_at = Effect.State.UNKNOWN, due
    return due


def _look_up(row: Effect, github: GitHub) -> None:
    intent = Intent(row.key, row.request_hash, changes.from_payload(row.kind, row.payload))
    found: Applied | None = look_up(
        github, _target(row), intent, row.sent_at or row.planned_at, effects.marker_secret()
    )
    if found is None:
        _send_again(row)
        return
    with transaction.atomic():
        effects.applied(row, found)
        row.item.refresh_from_db()
        settling.move_if_complete(row.item, {row.step})


def _send_again(row: Effect) -> None:
    """It certainly had not taken place. After so many times the fault is no passing one: a person has to look."""
    values: dict[str, object] = {"attempts": row.attempts + 1, "look_up_at": None}
    if row.attempts + 1 < MOST_SENT:
        values |= {"state": Effect.State.PLANNED, "sent_at": None, "error": "Looked up: it had not taken place."}
    else:
        sentence = f"Sent {MOST_SENT} times without an answer, and looked up each time: it never took place."
        values |= {"state": Effect.State.REFUSED, "settled_at": clock.now(), "error": f"{sentence} Run it again later."}
    Effect.objects.filter(pk=row.pk, state=Effect.State.UNKNOWN, epoch=row.epoch).update(**values)


def _target(row: Effect) -> IssueTarget:
    if row.item.report is not None:
        return reports.target(row.item.report)
    if row.issue is None:
        return IssueTarget(number=None, node_id="", body="")
    return IssueTarget(number=row.issue.number, node_id=row.issue.node_id, body=row.issue.body)
