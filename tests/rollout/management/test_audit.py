"""`manage.py audit verify`."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pipeline import clock
from pipeline.models import AuditEntry
from pipeline.services import audit, telemetry
from tests import guards

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _telemetry_of_the_test(settings: Any, tmp_path: Path) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, telemetry_dir=tmp_path)


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
    assert f"3 entries, unaltered; no head was exported yet. Head 3:{head}" in verify()
    assert json.loads(verify("--json")) == {"entries": 3, "head": head, "compared": 0, "fault": ""}


def test_an_altered_entry_is_named_and_fails() -> None:
    write(3)
    with guards.taken_away():
        AuditEntry.objects.filter(sequence=2).update(reason="Something else.")
    with pytest.raises(CommandError, match="Entry 2 was altered"):
        verify()


def test_a_cut_tail_shows_against_an_exported_head() -> None:
    head = write(3).hash
    assert verify("--head", f"3:{head}")
    with guards.taken_away():
        AuditEntry.objects.filter(sequence=3).delete()
    assert "2 entries" in verify()
    with pytest.raises(CommandError, match="its tail was cut"):
        verify("--head", f"3:{head}")


def test_a_cut_tail_shows_against_the_heads_in_telemetry() -> None:
    write(3)
    audit.export_head()
    write(1)
    assert "4 entries, unaltered; compared with 1 exported heads" in verify()
    with guards.taken_away():
        AuditEntry.objects.filter(sequence__gte=3).delete()
    with pytest.raises(CommandError, match="The log ends at entry 2, and a head of entry 3 was exported"):
        verify()


def test_a_damaged_line_of_telemetry_is_passed_over() -> None:
    write(2)
    audit.export_head()
    path = telemetry.file_for(clock.now())
    path.write_text(path.read_text() + '{"event": "audit.head", "entries": 9\n')
    assert "compared with 1 exported heads" in verify()


def test_a_log_written_anew_shows_against_an_exported_head() -> None:
    write(3)
    with pytest.raises(CommandError, match="was written anew"):
        verify("--head", f"2:{'0' * 64}")


def test_a_head_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="write SEQUENCE:HASH"):
        verify("--head", "yesterday")
