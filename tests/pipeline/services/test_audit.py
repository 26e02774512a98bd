"""The audit log: a chain in which a changed, removed or forged entry shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from pipeline import clock
from pipeline.models import AuditEntry
from pipeline.services import audit
from pipeline.services.audit import GENESIS, Verified
from tests import guards

pytestmark = pytest.mark.usefixtures("time")


def written(count: int = 3) -> list[AuditEntry]:
    return [
        audit.append(actor="olga", action="operation.mode", subject="assign", reason=f"Reason {n}", after={"n": n})
        for n in range(count)
    ]


def test_entries_count_up_and_chain() -> None:
    first, second, third = written()
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert (first.previous_hash, second.previous_hash, third.previous_hash) == (GENESIS, first.hash, second.hash)
    assert first.at == clock.now()


def test_untouched_log_verifies_to_its_head() -> None:
    rows = written()
    assert audit.verify() == Verified(3, rows[-1].hash, "")


def test_empty_log_verifies() -> None:
    assert audit.verify() == Verified(0, GENESIS, "")


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "mallory"},
        {"reason": "Nothing to see"},
        {"after": {"n": 99}},
        {"before": {"mode": "off"}},
        {"evidence": {"x": 1}},
        {"subject": "process"},
        {"action": "operation.limit"},
        {"hash": "f" * 64},
        {"previous_hash": "f" * 64},
    ],
)
def test_altered_entry_is_found(change: dict[str, Any]) -> None:
    rows = written()
    with guards.taken_away():
        AuditEntry.objects.filter(pk=rows[1].pk).update(**change)
    found = audit.verify()
    assert found.fault == "Entry 2 was altered after it was written."
    assert (found.entries, found.head) == (1, rows[0].hash)


def test_removed_entry_is_found() -> None:
    rows = written()
    with guards.taken_away():
        AuditEntry.objects.filter(pk=rows[1].pk).delete()
    assert audit.verify().fault == "Entry 2 is missing; the next one is 3."


def test_removed_first_entry_is_found() -> None:
    row = written()[0]
    with guards.taken_away():
        AuditEntry.objects.filter(pk=row.pk).delete()
    assert audit.verify().fault == "Entry 1 is missing; the next one is 2."


def test_inserted_entry_that_is_rehashed_breaks_the_next_one() -> None:
    rows = written()
    rows[1].reason = "Rewritten history"
    rows[1].hash = audit._hash(rows[1])
    with guards.taken_away():
        rows[1].save()
    assert audit.verify().fault == "Entry 3 was altered after it was written."


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_change_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        audit.append(actor="olga", action="a", subject="s", reason=reason)
    assert not AuditEntry.objects.exists()


def test_long_texts_are_cut_before_they_are_hashed() -> None:
    audit.append(actor="a" * 999, action="a", subject="s" * 999, reason="r" * 9999)
    assert audit.verify().fault == ""


def test_entry_read_back_from_the_database_has_the_same_hash() -> None:
    entry = audit.append(actor="olga", action="a", subject="s", reason="r", after={"ü": [1, 2.5, None, "😀"]})
    entry.refresh_from_db()
    assert audit._hash(entry) == entry.hash


def test_entry_goes_with_the_transaction_around_it() -> None:
    def fail() -> None:
        with transaction.atomic():
            written(1)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        fail()
    assert audit.verify() == Verified(0, GENESIS, "")
