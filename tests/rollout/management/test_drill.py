"""`rollout drill`: on the demonstration repository only; waits and measures on request."""

from __future__ import annotations

from pipeline.clock import VirtualClock
from pipeline.models import Repository
from rollout.models import Rollback, Rollout
from tests.rollout.management.conftest import Call

WHO = ("--reason", "The monthly drill.", "--by", "lea")


def test_drill_without_waiting_goes_on_by_the_tick(rollout: Rollout, call: Call) -> None:
    code, facts = call("drill", "--step", "1.1", *WHO)

    assert (code, facts["drill"], facts["state"], facts["seconds"]) == (75, True, "running", None)


def test_drill_on_a_real_repository_is_refused(rollout: Rollout, call: Call) -> None:
    Repository.objects.update(is_demonstration=False)

    code, facts = call("drill", *WHO)

    assert (code, "demonstration repository only" in facts["error"], Rollback.objects.exists()) == (2, True, False)


def test_drill_that_waits_ends_and_is_measured(virtual_clock: VirtualClock, rollout: Rollout, call: Call) -> None:
    code, facts = call("drill", "--step", "1.1", "--wait", *WHO)

    settled = {row["name"]: row["state"] for row in facts["steps"]}
    assert settled["schedules_off"] == "done"
    assert (code, facts["state"]) in {(0, "done"), (1, "stuck")}, facts
