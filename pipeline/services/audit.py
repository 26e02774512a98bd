"""The append-only log of who or which rule changed what, why, and from what to what.

Each entry carries the hash of the one before, so a changed or removed entry shows. A cut tail cannot show by itself:
the head is written to telemetry, where it leaves the database.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.models import AuditEntry

GENESIS = "0" * 64
ATTEMPTS = 20


class ChainBusy(RuntimeError):
    """Many writers at once kept taking the next place in the log."""


def append(
    *,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    evidence: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry. `actor` is a user name or "rule:<name>"; joins the caller's transaction."""
    if not reason.strip():
        raise ValueError("A change needs a reason; write one sentence.")
    for _attempt in range(ATTEMPTS):
        last = AuditEntry.objects.order_by("-sequence").first()
        entry = AuditEntry(
            sequence=last.sequence + 1 if last else 1,
            at=clock.now(),
            actor=actor[:150],
            action=action,
            subject=subject[:200],
            reason=reason.strip()[:500],
            before=before or {},
            after=after or {},
            evidence=evidence or {},
            previous_hash=last.hash if last else GENESIS,
        )
        entry.hash = _hash(entry)
        try:
            with transaction.atomic():
                entry.save(force_insert=True)
        except IntegrityError:
            continue  # somebody took this place; read the new head
        return entry
    raise ChainBusy("The audit log was written by too many at once; try again.")


@dataclass(frozen=True, slots=True)
class Verified:
    """`fault` is empty when every entry from the first to `head` is there and unaltered."""

    entries: int
    head: str
    fault: str


def verify() -> Verified:
    """Recompute the whole chain."""
    previous, expected = GENESIS, 1
    for entry in AuditEntry.objects.order_by("sequence").iterator(chunk_size=500):
        if entry.sequence != expected:
            return Verified(expected - 1, previous, f"Entry {expected} is missing; the next one is {entry.sequence}.")
        if entry.previous_hash != previous or entry.hash != _hash(entry):
            return Verified(expected - 1, previous, f"Entry {entry.sequence} was altered after it was written.")
        previous, expected = entry.hash, expected + 1
    return Verified(expected - 1, previous, "")


def _hash(entry: AuditEntry) -> str:
    facts = [
        entry.sequence,
        _stamp(entry.at),
        entry.actor,
        entry.action,
        entry.subject,
        entry.reason,
        entry.before,
        entry.after,
        entry.evidence,
        entry.previous_hash,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
