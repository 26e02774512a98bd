"""Reads from the audit log what people turned by hand since the last time, and lets their stops stand.

Somebody who switches an operation down on its own page has held it. A lower limit is kept as an override of a day; a
cron that a person set stays. What a person raises beyond the plan is put back: only a gate makes more happen.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from pipeline.models import AuditEntry, Operation
from rollout.domain.desired import RANK, governing_step, planned_limit
from rollout.domain.plan import Plan
from rollout.models import Override, Rollout
from rollout.services import holds, plans, record, situation
from rollout.services.fence import Fence

KNOBS = ("operation.mode", "operation.limit", "operation.cron", "part.mode")
LOWER_FOR = timedelta(days=1)


def head() -> int:
    """The newest entry of the audit log."""
    return AuditEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0


def take(rollout: Rollout, fence: Fence, now: datetime) -> None:
    """Let stand what people did by hand."""
    newest = head()
    if newest <= rollout.audit_seen:
        return
    entries = list(
        AuditEntry.objects.filter(sequence__gt=rollout.audit_seen, sequence__lte=newest, action__in=KNOBS).order_by(
            "sequence"
        )
    )
    by_hand = [entry for entry in entries if not record.is_rule(entry.actor)]
    with fence.change():
        Rollout.objects.filter(pk=rollout.pk).update(audit_seen=newest)
        rollout.audit_seen = newest
        if by_hand:
            _settle(rollout, by_hand, now)


def has_news(rollout: Rollout) -> bool:
    """Whether a person turned a knob since it was last looked; until that is taken in, nothing is raised over it."""
    newer = AuditEntry.objects.filter(sequence__gt=rollout.audit_seen, action__in=KNOBS)
    return any(not record.is_rule(actor) for actor in newer.values_list("actor", flat=True))


def _settle(rollout: Rollout, entries: list[AuditEntry], now: datetime) -> None:
    plan = plans.plan_of(rollout.plan)
    rows = situation.managed(rollout)
    known = {str(row): (row, "") for row in rows}
    known |= {f"{part.kind} of {row}": (row, part.kind) for row in rows for part in row.parts.all()}
    for entry in entries:
        row, part = known.get(entry.subject, (None, ""))
        if row is not None:
            _one(rollout, plan, row, part, entry, now)


def _one(rollout: Rollout, plan: Plan, row: Operation, part: str, entry: AuditEntry, now: datetime) -> None:
    before, after = entry.before, entry.after
    if entry.action in {"operation.mode", "part.mode"}:
        if RANK[after["mode"]] < RANK[before["mode"]] and governing_step(plan, row.name, part) is not None:
            scope = f"{row.name}:{part}" if part else row.name
            reason = f"Switched to {after['mode'].replace('_', ' ')} by hand: {entry.reason}"
            holds.place(rollout, operation=scope, by=entry.actor, reason=reason, now=now)
    elif entry.action == "operation.limit":
        _limit(rollout, row, entry, now)
    elif entry.action == "operation.cron":
        pins = {**rollout.pinned_crons, row.name: {"cron": after["cron"], "by": entry.actor, "reason": entry.reason}}
        Rollout.objects.filter(pk=rollout.pk).update(pinned_crons=pins)
        rollout.pinned_crons = pins
        record.say(rollout, entry.actor, f"{row.name} keeps the cron {after['cron'] or 'none'}: {entry.reason}")


def _limit(rollout: Rollout, row: Operation, entry: AuditEntry, now: datetime) -> None:
    """A lower limit is an override for a while. A person who raises it ends the lower ones, and up to what the plan
    allows gets what they said, for as long as those would have stood.
    """
    after, until = entry.after["limit"], now + LOWER_FOR
    if after >= entry.before["limit"]:
        lower = Override.objects.filter(rollout=rollout, operation=row.name, ended_at__isnull=True, limit__lt=after)
        ends = lower.filter(expires_at__gt=now).aggregate(last=Max("expires_at"))["last"]
        lower.update(ended_at=now)
        planned = planned_limit(situation.read(rollout, now), row.name)[0].value
        if ends is None or planned is None or after >= planned:
            return
        until = ends
    made = Override.objects.create(
        rollout=rollout,
        operation=row.name,
        limit=after,
        owner=entry.actor,
        reason=entry.reason,
        created_at=now,
        expires_at=until,
    )
    sentence = f"{row.name} takes on at most {made.limit} until {made.expires_at:%Y-%m-%d %H:%M} UTC: {entry.reason}"
    record.say(rollout, entry.actor, sentence)
