"""The simulated course of one operation: repeatable, and as the rules say."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rollout.domain.trigger_rules import guarded, literal
from rollout.simulation.course import Course, Simulated
from rollout.simulation.world import FAULTS, HEALTHY, Cadence, Health, Operation
from tests.rollout.evidence_rows import ASSIGN_FAILING

CADENCE = Cadence(2, 10)
DOWN = next(fault for fault in FAULTS if fault.name == "hard down")
NEVER = Health("never fails", 1e-9, 0.0)


def course(profile: str, fault: Health | None = None, *, seed: str = "1", slots: int = 84, begin: int = 10) -> Course:
    rule = literal(ASSIGN_FAILING) if profile == "literal" else guarded(ASSIGN_FAILING)
    operation = Operation(CADENCE, seed, sick=fault, sick_from=begin)
    return Simulated(rule, operation, harm_from=begin).go(slots)


def test_cadence_counts_runs_of_a_week() -> None:
    assert [Cadence(hours, 5).per_week for hours in (2, 4, 24)] == [84, 42, 7]


@pytest.mark.parametrize("profile", ["literal", "guarded"])
def test_same_seed_gives_the_same_course(profile: str) -> None:
    assert course(profile, DOWN) == course(profile, DOWN)


def test_literal_rule_rolls_back_on_the_first_crash() -> None:
    found = course("literal", DOWN, seed="quiet 3")
    assert (found.rolled_back, found.holds, found.harmed) == (10, [], 10)


def test_guarded_rule_holds_probes_twice_and_rolls_back() -> None:
    found = course("guarded", DOWN, seed="quiet 3")
    assert (found.holds, found.rolled_back, found.harmed) == ([11], 13, 20)


def test_failures_while_writing_are_left_to_a_person() -> None:
    fault = next(fault for fault in FAULTS if fault.writes)
    found = course("guarded", fault, seed="quiet 3")
    assert (len(found.holds), found.rolled_back) == (1, None)


@pytest.mark.parametrize("profile", ["literal", "guarded"])
def test_operation_that_never_fails_is_never_stopped(profile: str) -> None:
    assert course(profile, NEVER, begin=0).stopped is None


def test_crashes_persist_with_the_stated_probability() -> None:
    operation = Operation(CADENCE, "crashes", sick=Health("half", 0.0001, 0.10), sick_from=0)
    runs = [operation.run(number, at).crashed for number, at in operation.slots(20_000)]
    after_crash = [later for earlier, later in pairwise(runs) if earlier]
    assert sum(after_crash) / len(after_crash) == pytest.approx(0.25, abs=0.03)


def test_healthy_items_fail_at_the_stated_rate() -> None:
    operation = Operation(CADENCE, "items")
    runs = [operation.run(number, at) for number, at in operation.slots(5_000)]
    judged = sum(run.judged for run in runs)
    assert sum(run.failed for run in runs) / judged == pytest.approx(HEALTHY.failing, abs=0.005)
