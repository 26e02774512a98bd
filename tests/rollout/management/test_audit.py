"""`manage.py audit verify`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from pipeline.models import AuditEntry
from pipeline.services import audit

pytestmark = pytest.mark.django_db


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("audit", "verify", *arguments, stdout=out)
    return out.getvalue()


def write(entries: int) -> AuditEntry:
    for number in range(entries):
        last = audit.append(actor="olga", action="test", subject="assign", reason=f"Reason {number}.")
    return last


def test_a_whole_log_is_said_to_be_unaltered_with_its_head() -> None:
    head = write(3).hash
    assert f"3 entries, unaltered. Head 3:{head}" in verify()
    assert json.loads(verify("--json")) == {"entries": 3, "head": head, "fault": ""}


def test_an_altered_entry_is_named_and_fails() -> None:
    write(3)
    AuditEntry.objects.filter(sequence=2).update(reason="Something else.")
    with pytest.raises(CommandError, match="Entry 2 was altered"):
        verify()


def test_a_cut_tail_shows_against_an_exported_head() -> None:
    head = write(3).hash
    assert verify("--head", f"3:{head}")
    AuditEntry.objects.filter(sequence=3).delete()
    assert "2 entries" in verify()
    with pytest.raises(CommandError, match="its tail was cut"):
        verify("--head", f"3:{head}")


def test_a_log_written_anew_shows_against_an_exported_head() -> None:
    write(3)
    with pytest.raises(CommandError, match="was written anew"):
        verify("--head", f"2:{'0' * 64}")


def test_a_head_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="write SEQUENCE:HASH"):
        verify("--head", "yesterday")
