"""`rollout rollback`: the typed word is enforced; schedules are off when it returns."""

from __future__ import annotations

import pytest

from pipeline.models import Operation
from rollout.models import Rollback, Rollout
from tests.rollout.management.conftest import Call

WHO = ("--reason", "The labels are wrong.", "--by", "lea")


def test_rollback_of_everything_switches_schedules_off(rollout: Rollout, call: Call) -> None:
    code, facts = call("rollback", "--confirm", "acme/watch", *WHO)

    rollout.refresh_from_db()
    modes = set(Operation.objects.exclude(kind="sync").values_list("mode", flat=True))
    assert (code, rollout.state, modes) == (0, "rolled_back", {"off"})
    assert facts["steps"][0] == {**facts["steps"][0], "name": "schedules_off", "state": "done"}


@pytest.mark.parametrize("typed", ["", "acme", "1.1"])
def test_without_the_word_nothing_happens(rollout: Rollout, call: Call, typed: str) -> None:
    code, facts = call("rollback", "--confirm", typed, *WHO)

    assert (code, "type 'acme/watch'" in facts["error"], Rollback.objects.exists()) == (2, True, False)


def test_rollback_of_a_step_again_is_the_same(rollout: Rollout, call: Call) -> None:
    _, first = call("rollback", "--step", "1.1", "--confirm", "1.1", *WHO)
    code, again = call("rollback", "--step", "1.1", "--confirm", "1.1", *WHO)

    assert (code, again["rollback"], again["scope"]) == (0, first["rollback"], "1.1")
