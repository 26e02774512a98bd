"""Triggers decided: the plan's words as the default, the guarded profile, small samples, what probes cannot see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import failures
from rollout.domain.measures import Reading, Unit, Window
from rollout.domain.plan import Action, Crash, NoData, Trigger
from rollout.domain.trigger_rules import Decision, Rule, decide, guarded, literal, under
from rollout.domain.verdicts import Verdict
from tests.rollout.runs_of import START, end, runs

FAILING = Trigger(
    slug="assign-failing",
    text=">20% failure rate across 4 runs",
    number="1.1",
    action=Action.ROLL_BACK,
    metric="item_failure_rate",
    operation="assign",
    window=Window(runs=4),
    threshold=0.2,
    minimum_runs=4,
    step="1.1",
)
HALF = replace(
    FAILING,
    slug="half-failing",
    scope="all",
    operation="",
    window=Window(hours=6),
    threshold=0.5,
    minimum_runs=2,
    step="",
)
QUOTA = Trigger("quota", "Exhausted", "R", Action.ROLL_BACK, "quota_exhausted", unit=Unit.COUNT, scope="all")


def decided(rule: Rule, text: str, holds: int = 0) -> Decision:
    found = runs(text)
    reading = failures.reading(found, rule.counting, rule.trigger.window, START, end(found))
    return decide(rule, reading, holds)


def test_literal_rule_rolls_back_above_20_percent_of_4_runs() -> None:
    found = decided(literal(FAILING), "10:2 10:2 10:2 10:3")
    assert (found.verdict, found.action) == (Verdict.BREACH, Action.ROLL_BACK)
    assert found.reason == "22.5 % (9 of 40 items failed) over the last 4 runs; the line is above 20 %."


def test_exactly_20_percent_is_not_above() -> None:
    assert decided(literal(FAILING), "10:2 10:2 10:2 10:2").verdict is Verdict.PASS


def test_literal_rule_waits_for_all_four_runs() -> None:
    found = decided(literal(FAILING), "10:10 10:10 10:10")
    assert (found.verdict, found.action) == (Verdict.INCONCLUSIVE, None)
    assert "3 of 4 runs so far" in found.reason


def test_literal_rule_imputes_every_item_of_a_crash() -> None:
    assert decided(literal(FAILING), "10:0 10:0 10:0 x10").action is Action.ROLL_BACK


def test_rate_by_run_counts_runs_in_which_nothing_came_out() -> None:
    by_run = replace(FAILING, metric="run_failure_rate", per="run")
    found = decided(literal(by_run), "10:9 10:9 10:9 10:10")
    assert found.reason.startswith("25 % (1 of 4 runs failed)")


def test_one_bad_run_in_six_hours_is_held_and_labelled() -> None:
    found = decided(literal(HALF), "10:10")
    assert (found.action, found.label) == (Action.HOLD, "n = 1")


def test_two_bad_runs_in_six_hours_roll_back() -> None:
    assert decided(literal(HALF), "10:6 10:6").action is Action.ROLL_BACK


def test_guarded_is_a_change_of_data_with_the_same_numbers() -> None:
    rule = guarded(FAILING)
    assert rule.trigger == replace(FAILING, action=Action.HOLD_AND_PROBE, crash=Crash.ERROR_CHANNEL)
    assert rule.ladder is not None
    assert (rule.ladder.most, rule.ladder.items, rule.ladder.bad) == (2, 20, 3)


def test_guarded_rule_holds_and_probes_first() -> None:
    assert decided(guarded(FAILING), "10:2 10:2 10:2 10:3").action is Action.HOLD_AND_PROBE


def test_guarded_rule_bears_one_crash() -> None:
    found = decided(guarded(FAILING), "10:0 10:0 x10 10:0 10:0")
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize("text", ["10:0 x10 x10", "10:0 x10 10:0 10:0 x10 10:0 10:0 10:0 x10"])
def test_guarded_rule_holds_on_crashes_in_a_row_or_three_of_twelve(text: str) -> None:
    found = decided(guarded(FAILING), text)
    assert (found.action, found.label) == (Action.HOLD_AND_PROBE, "crashes")


def test_guarded_rule_stops_early_once_the_bound_is_past_the_line() -> None:
    assert decided(guarded(FAILING), "10:6").action is Action.HOLD_AND_PROBE
    assert decided(guarded(FAILING), "10:3").action is None


def test_third_hold_within_36_runs_rolls_back() -> None:
    found = decided(guarded(FAILING), "10:2 10:2 10:2 10:3", holds=2)
    assert (found.action, found.label) == (Action.ROLL_BACK, "hold 3 within 36 runs")


def test_failures_while_writing_are_not_probed_dry() -> None:
    found = decided(guarded(FAILING), "10:3w 10:3w 10:3w 10:3")
    assert found.action is Action.HOLD
    assert "a dry run cannot show" in found.reason


def test_guarded_leaves_triggers_that_are_no_rates() -> None:
    assert guarded(QUOTA) == literal(QUOTA)


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="no profile 'brave'"):
        under("brave", [QUOTA])


def test_event_fires_at_once_and_names_what_was_seen() -> None:
    found = decide(literal(QUOTA), Reading(1.0, 1, parts={"named": "primary limit on GET /issues"}))
    assert found.action is Action.ROLL_BACK
    assert "primary limit on GET /issues" in found.reason


def test_no_event_is_a_pass_only_where_somebody_looked() -> None:
    assert decide(literal(QUOTA), Reading(0.0, 1)).verdict is Verdict.PASS
    assert decide(literal(QUOTA), Reading(0.0, 0)).verdict is Verdict.INCONCLUSIVE


def test_missing_data_may_be_declared_a_breach() -> None:
    rule = literal(replace(QUOTA, no_data=NoData.BREACH))
    assert decide(rule, Reading(None, 0)).action is Action.ROLL_BACK


def test_fault_of_the_metric_does_nothing_by_itself() -> None:
    found = decide(literal(QUOTA), Reading(None, 0, error="no answer"))
    assert (found.verdict, found.action) == (Verdict.ERROR, None)


def test_too_few_items_are_inconclusive() -> None:
    rule = literal(replace(FAILING, minimum_items=20))
    assert decided(rule, "2:1 2:1 2:1 2:1").verdict is Verdict.INCONCLUSIVE


WORDS = st.lists(st.sampled_from(["10:0", "10:2", "10:3w", "10:8", "x10", "0:0"]), min_size=1, max_size=16)


@given(WORDS, st.integers(0, 999), st.sampled_from([literal(FAILING), guarded(FAILING), literal(HALF), guarded(HALF)]))
def test_permuted_late_and_repeated_runs_give_the_same_decision(words: list[str], seed: int, rule: Rule) -> None:
    found = runs(" ".join(words))
    mixed = [*found, *found[: seed % 5]]
    Random(seed).shuffle(mixed)
    now = end(found)
    one = decide(rule, failures.reading(found, rule.counting, rule.trigger.window, START, now))
    assert decide(rule, failures.reading(mixed, rule.counting, rule.trigger.window, START, now)) == one


@given(WORDS, st.sampled_from([literal(FAILING), guarded(FAILING)]))
def test_what_lies_before_the_floor_never_fires(words: list[str], rule: Rule) -> None:
    found = runs(" ".join(words))
    floor = end(found)
    reading = failures.reading(found, rule.counting, rule.trigger.window, floor, floor + timedelta(hours=1))
    assert decide(rule, reading).action is None


@given(WORDS)
def test_guarded_never_does_more_than_literal_at_once(words: list[str]) -> None:
    """Without earlier holds the guarded rule rolls nothing back by itself."""
    assert decided(guarded(FAILING), " ".join(words)).action is not Action.ROLL_BACK
