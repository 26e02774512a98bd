"""`rollout status`: where it stands, for scripts and for people."""

from __future__ import annotations

from collections.abc import Callable

from rollout.models import Rollout
from rollout.services import stop
from tests.factories import make_repository
from tests.rollout.management.conftest import Call


def test_status_names_phase_gate_and_operations(rollout: Rollout, call: Call) -> None:
    code, facts = call("status")

    assert (code, facts["repository"], facts["phase"]) == (0, "acme/watch", "rehearsal")
    assert facts["next_gate"] == "rehearsal-sign-off"
    assert facts["day"] == -1
    operations = {row["operation"]: row for row in facts["operations"]}
    assert operations.keys() >= {"assign", "process", "daily"}
    assert operations["assign"]["binding"] == "plan 1.1"
    assert operations["daily"]["parts"][1] == {"part": "assign", "mode": "dry_run", "limit": 20, "binding": "plan 1.3"}


def test_status_tells_people_what_needs_them(rollout: Rollout, said: Callable[..., str]) -> None:
    stop.hold(rollout, operation="assign", by="olga", reason="It looks odd.")

    text = said("status")

    assert "unified-pipeline@1 on acme/watch: running, day -1." in text
    assert "! Hold of assign by olga: It looks odd." in text


def test_status_without_a_rollout_says_what_to_do(db: None, call: Call) -> None:
    make_repository(full_name="acme/other")

    code, facts = call("status")

    assert (code, "rollout start" in facts["error"]) == (2, True)
