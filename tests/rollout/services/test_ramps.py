"""Which step's ramp one reconcile looks at: measuring all of them at once would take too long."""

from __future__ import annotations

from datetime import UTC, datetime

from rollout.models import StepProgress
from rollout.services import ramps

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


def step(number: str, frozen: str = "") -> StepProgress:
    return StepProgress(number=number, frozen_reason=frozen)


def order(*rows: StepProgress, now: datetime = NOON, look_again: bool = True) -> list[str]:
    return [row.number for row in ramps._in_turn(rows, now, look_again=look_again)]


def test_a_ramp_that_may_grow_comes_before_one_that_is_frozen() -> None:
    assert order(step("2.1", "Too slow."), step("2.2"))[0] == "2.2"


def test_frozen_ramps_are_left_out_unless_they_are_to_be_looked_at_again() -> None:
    assert order(step("2.1", "Too slow."), step("2.2"), look_again=False) == ["2.2"]


def test_each_frozen_ramp_is_in_front_within_as_many_turns_as_there_are() -> None:
    rows = [step(number, "Too slow.") for number in ("2.1", "2.2", "2.3")]
    assert {order(*rows, now=NOON + turn * ramps.TURN)[0] for turn in range(3)} == {"2.1", "2.2", "2.3"}
