"""I8: every turn of a knob stands in the audit log, with who turned it and why (DESIGN.md 5.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from pipeline.domain.invariants.values import OperationFact, Violation
from pipeline.models import AuditEntry

KNOBS = ("mode", "limit", "cron")
# A schedule may also be turned in beat's own screens, which name the entry and not the operation.
OF_BEAT = ("periodictask.changed", "crontabschedule.changed")


def unaudited(operations: Mapping[int, OperationFact]) -> list[Violation]:
    """Mode, limit and cron of each operation are what the log last says of them."""
    told, by_beat = _told()
    names = Counter(operation.name for operation in operations.values())
    broken = []
    for operation in operations.values():
        if names[operation.name] > 1:
            continue  # of one name on two servers: the log does not tell them apart
        now = {"mode": operation.mode, "limit": operation.limit, "cron": operation.cron}
        for knob, (sequence, value) in told.get(operation.name[:200], {}).items():
            if value != now[knob] and not (knob == "cron" and sequence < by_beat):
                sentence = f"The {knob} of {operation.name} is {now[knob]}, and the audit log says {value}."
                broken.append(Violation("I8", "evidence.unaudited", sentence))
    return broken


def _told() -> tuple[dict[str, dict[str, tuple[int, Any]]], int]:
    """Subject → knob → (number of the entry, value), the last of each; and the last entry from beat's screens."""
    told: dict[str, dict[str, tuple[int, Any]]] = {}
    by_beat = 0
    actions = ("operation.shipped", *(f"operation.{knob}" for knob in KNOBS), *OF_BEAT)
    rows = AuditEntry.objects.filter(action__in=actions).order_by("sequence")
    for sequence, action, subject, after in rows.values_list("sequence", "action", "subject", "after"):
        if action in OF_BEAT:
            by_beat = sequence
            continue
        told.setdefault(subject, {}).update({knob: (sequence, after[knob]) for knob in KNOBS if knob in after})
    return told, by_beat


def unexplained() -> list[Violation]:
    """No entry without an author or a reason."""
    rows = AuditEntry.objects.filter(Q(actor="") | Q(reason="")).order_by("sequence")
    return [
        Violation(
            "I8", "evidence.unexplained", f"Entry {row.sequence} of the audit log ({row.action}) lacks who or why."
        )
        for row in rows
    ]
