"""The append-only log of who or which rule changed what, why, and from what to what.

Each entry carries the hash of the one before, so a changed or removed entry shows. A cut tail cannot show by itself:
the head is written to telemetry, where it leaves the database, and the log is compared with what was written there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.models import AuditEntry
from pipeline.services import telemetry

HEAD = "audit.head"  # the event of telemetry
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
class Head:
    """The newest entry of the log as it was at some time."""

    sequence: int
    hash: str


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


def export_head() -> Verified:
    """Write the head where it leaves the database, after comparing with the one before; what was found.

    OSError where it could not be written, so that it is tried again.
    """
    found = verify()
    fault = found.fault or compare(found.entries, list(exported())[:1])
    if not telemetry.emit(HEAD, entries=found.entries, head=found.head, fault=fault):
        raise OSError("The head of the audit log could not be written to the telemetry folder.")
    return Verified(found.entries, found.head, fault)


def exported() -> Iterator[Head]:
    """The heads that telemetry still holds, the newest first."""
    for line in telemetry.told(HEAD):
        entries, digest = line.get("entries"), line.get("head")
        if isinstance(entries, int) and entries > 0 and isinstance(digest, str):
            yield Head(entries, digest)


def compare(entries: int, heads: Iterable[Head]) -> str:
    """Whether a log of so many entries still holds heads that left the database; the first fault, or ""."""
    for head in heads:
        if head.sequence > entries:
            return (
                f"The log ends at entry {entries}, and a head of entry {head.sequence} was exported: its tail was cut."
            )
        if not AuditEntry.objects.filter(sequence=head.sequence, hash=head.hash).exists():
            return f"Entry {head.sequence} has another hash than the exported head: the log was written anew."
    return ""


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
