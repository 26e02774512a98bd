"""Commands while the audit log has too many writers: one sentence, and a code that says "try later"."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from pipeline.services import audit
from rollout.models import Hold, Rollout
from tests.rollout.management.conftest import Call


@pytest.fixture
def _busy(rollout: Rollout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else is always first."""
    monkeypatch.setattr(audit, "ATTEMPTS", 0)


@pytest.mark.usefixtures("_busy")
def test_rollout_command_ends_with_a_sentence_and_changes_nothing(call: Call) -> None:
    code, facts = call("hold", "--reason", "It looks odd.", "--by", "olga")
    assert (code, facts["error"]) == (75, "The audit log was written by too many at once; try again.")
    assert not Hold.objects.exists()


@pytest.mark.usefixtures("_busy")
def test_other_commands_end_alike() -> None:
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("run", "assign", "--dry-run", "--reason", "To see it.", stdout=StringIO(), stderr=said)
    assert ended.value.code == 75
    assert said.getvalue() == "The audit log was written by too many at once; try again.\n"
