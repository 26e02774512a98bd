"""The audit log is append-only by the database itself, whatever the code above it does."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from pipeline.models import AuditEntry
from pipeline.services import audit
from tests import guards

pytestmark = pytest.mark.django_db
REFUSED = "The audit log is append-only"


@pytest.fixture
def entry() -> AuditEntry:
    return audit.append(actor="olga", action="operation.mode", subject="assign", reason="Week 1.")


def test_entry_is_not_altered_past_the_services(entry: AuditEntry) -> None:
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(actor="mallory")
    assert AuditEntry.objects.get().actor == "olga"


def test_entry_is_not_saved_over(entry: AuditEntry) -> None:
    entry.actor = "mallory"
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        entry.save()


def test_entry_is_not_removed_past_the_services(entry: AuditEntry) -> None:
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        AuditEntry.objects.all().delete()
    assert AuditEntry.objects.count() == 1


REPLACED = (
    "INSERT OR REPLACE INTO pipeline_auditentry SELECT id, sequence, at, 'mallory', action, subject, reason, "
    "before, after, evidence, previous_hash, hash FROM pipeline_auditentry"
)


def test_entry_is_not_replaced_past_the_triggers_of_a_removal(entry: AuditEntry) -> None:
    known = REPLACED if connection.vendor == "sqlite" else REPLACED.replace("OR REPLACE ", "")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(known)
    assert AuditEntry.objects.get().actor == "olga"


@pytest.mark.postgres
def test_log_is_not_emptied_past_the_triggers_of_rows(entry: AuditEntry) -> None:
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE pipeline_auditentry")
    assert AuditEntry.objects.count() == 1


def test_log_goes_on(entry: AuditEntry) -> None:
    audit.append(actor="olga", action="operation.mode", subject="assign", reason="Week 2.")
    assert audit.verify().entries == 2


def test_guards_are_back_after_an_intruder_of_a_test(entry: AuditEntry) -> None:
    with guards.taken_away():
        AuditEntry.objects.update(actor="mallory")
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        AuditEntry.objects.update(actor="olga")
