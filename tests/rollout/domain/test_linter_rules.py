"""Each rule of the linter on its own: the plan that adds up, with one figure changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollout.domain.linter import Finding, Given, lint
from rollout.domain.linter_samples import hits_needed, sample_needed
from rollout.domain.measures import Window
from rollout.domain.plan import Action, Crash, Escalation, Plan, Ramp, RampStep, RubricLine, Sla, TimetableEntry
from rollout.domain.statistics import wilson
from tests.rollout.domain.plan_samples import (
    WEEK_1,
    WEEK_2,
    consistent,
    criterion,
    trigger,
    with_setting,
    with_step,
)


def found(plan: Plan, rule: str, given: Given | None = None) -> list[Finding]:
    return [one for one in lint(plan, given) if one.rule == rule]


def only(plan: Plan, rule: str) -> Finding:
    (one,) = found(plan, rule)
    return one


def with_criterion(slug: str, metric: str, comparator: str, threshold: float, **values: object) -> Plan:
    added = criterion(slug, metric, comparator, threshold, **values)
    return with_step(consistent(), "1.1", criteria=(*WEEK_1.criteria, added))


def with_trigger(threshold: float = 0.5, **values: object) -> Plan:
    added = trigger("added", "item_failure_rate", threshold, **{"step": "1.1", "operation": "assign", **values})
    return with_step(consistent(), "1.1", triggers=(*WEEK_1.triggers, added))


@given(limit=st.integers(1, 200), stated=st.integers(1, 3000))
def test_capacity_is_reported_exactly_when_it_misses_what_is_stated(limit: int, stated: int) -> None:
    plan = replace(with_setting(consistent(), "assign", limit=limit), stated={"issues_per_day.assign.week-1": stated})

    possible = 12 * limit + 5
    wrong = abs(possible - stated) > stated * 0.1

    reported = [one for one in found(plan, "capacity") if one.figures["limit"] == limit]
    assert bool(reported) == wrong


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_backlog_is_reported_exactly_when_a_stage_takes_less_than_it_is_given(assign: int, process: int) -> None:
    plan = with_step(with_setting(consistent(), "assign", limit=assign), "2.1", ramps=())
    settings = tuple(
        replace(item, limit=process) if item.operation == "process" else item
        for item in plan.phases[0].steps[0].settings
    )
    plan = with_step(plan, "1.1", settings=settings)
    first, second = 12 * assign + 5, 12 * process + 5
    assume(first <= 1.1 * 120 or first > 1.1 * second)  # the stage before is another pair

    pairs = [one for one in found(plan, "inflow") if one.figures["first"] == first]

    assert bool(pairs) == (first > second * 1.1)


def test_an_operation_without_a_limit_is_not_reckoned_with() -> None:
    assert found(with_setting(consistent(), "assign", limit=None), "inflow") == []


def test_writing_more_than_github_takes_in_an_hour_is_reported() -> None:
    one = only(with_setting(consistent(), "process", limit=100), "writes_per_hour")

    assert one.figures["per_hour"] == 5 + 33 + 15 + 600 + 30 or one.figures["per_hour"] > 500
    assert one.figures["allowed"] == 500


def test_writing_faster_than_github_takes_in_a_minute_is_reported() -> None:
    given = Given(writes_per_item={"assign": 60})

    one = found(consistent(), "writes_per_minute", given)[0]

    assert one.figures == {"per_minute": 120, "allowed": 80}


def test_parts_that_take_longer_than_their_run_may_are_reported() -> None:
    one = only(with_setting(consistent(), "daily", "process", limit=20), "budget")

    assert one.figures == {"budget": 5 * 30 + 20 * 60, "allowed": 900}
    assert "Lower process to 12 issues" in one.suggestion


def test_a_run_that_outlasts_its_own_schedule_is_reported() -> None:
    one = found(with_setting(consistent(), "process", limit=130), "overlap")[0]

    assert one.figures["seconds"] == 130 * 60


@pytest.mark.parametrize(("runs", "hours", "wrong"), [(3, 48, False), (12, 48, False), (13, 48, True), (4, 12, True)])
def test_a_window_that_holds_too_few_runs_is_reported(runs: int, hours: int, wrong: bool) -> None:
    plan = with_setting(consistent(), "process", cron="5 */4 * * *")
    added = criterion(
        "count", "scheduled_runs_completed", ">=", runs, operation="process", window=Window(hours=float(hours))
    )
    plan = with_step(plan, "1.1", criteria=(added,))

    assert bool(found(plan, "window")) == wrong


def test_a_window_that_is_too_short_is_widened_to_one_that_surely_holds_the_runs() -> None:
    plan = with_criterion("count", "scheduled_runs_completed", ">=", 4, operation="daily", window=Window(hours=24.0))

    assert "Widen the window to 96 hours, or count 1 runs." in only(plan, "window").suggestion


def test_a_trigger_that_waits_for_more_runs_than_its_window_holds_is_reported() -> None:
    plan = with_trigger(window=Window(hours=6), minimum_runs=4)

    assert only(plan, "window").figures == {"held": 3, "needed": 4, "hours": 6}


def test_a_criterion_that_looks_back_longer_than_anybody_watches_is_reported() -> None:
    plan = with_criterion("slow", "critical_errors", "==", 0, window=Window(hours=72.0))

    assert only(plan, "monitoring").figures == {"window": 72, "monitoring": 48}


def test_completion_judged_before_a_hand_over_can_be_old_enough_is_reported() -> None:
    one = only(with_criterion("late", "copilot_completion_7d", ">=", 0.9), "cohort")

    assert one.figures == {"day": 7, "live": 1, "age": 7}


def test_completion_judged_on_hand_overs_that_are_old_enough_is_fine() -> None:
    assert found(with_criterion("early", "copilot_completion_48h", ">=", 0.9), "cohort") == []


@given(st.floats(0.01, 0.99), st.integers(1, 200), st.sampled_from([">", ">="]))
def test_the_hits_needed_are_the_fewest_that_pass(threshold: float, n: int, comparator: str) -> None:
    needed = hits_needed(threshold, n, comparator)
    exact = threshold * n

    assert needed > exact - 1e-6
    assert needed - 1 <= exact + 1e-6


@pytest.mark.parametrize(("threshold", "n"), [(0.8, 16), (0.85, 22), (0.9, 35), (0.95, 73), (0.99, 381)])
def test_the_sample_needed_is_the_smallest_whose_interval_clears_the_threshold(threshold: float, n: int) -> None:
    now, before = wilson(n, n), wilson(n - 1, n - 1)

    assert sample_needed(threshold) == n
    assert now is not None
    assert before is not None
    assert before.low <= threshold < now.low


def test_a_rubric_on_a_larger_sample_is_fine() -> None:
    plan = replace(consistent(), rubric=(RubricLine("a", "A", 1.0, 0.95),))

    assert found(plan, "sample_rubric") == []
    assert found(replace(plan, sampling={**plan.sampling, "issues_per_week": 20}), "sample_rubric")


def test_a_criterion_that_wants_more_samples_than_are_drawn_by_then_is_reported() -> None:
    plan = replace(consistent(), sampling={**consistent().sampling, "issues_per_week": 20})

    assert only(plan, "sample_size").figures == {"sample": 20, "weeks": 2, "minimum": 50}


def test_targets_that_together_miss_the_score_that_is_asked_for_are_reported() -> None:
    plan = replace(consistent(), rubric=(RubricLine("a", "A", 0.5, 0.7), RubricLine("b", "B", 0.5, 0.8)))

    assert only(plan, "weights").figures == pytest.approx({"score": 0.75, "threshold": 0.8})


@given(runs=st.integers(1, 30), percent=st.integers(1, 99))
def test_a_trigger_is_coarse_exactly_when_one_run_of_its_window_exceeds_it(runs: int, percent: int) -> None:
    plan = with_trigger(threshold=percent / 100, window=Window(runs=runs), operation="process")
    coarse = [one for one in found(plan, "coarse_trigger") if "added" in one.sentence]

    assert bool(coarse) == (1 / runs > percent / 100)
    if coarse:
        assert 1 / coarse[0].figures["needed_runs"] <= percent / 100


def test_a_trigger_that_counts_crashes_apart_is_not_coarse() -> None:
    plan = with_trigger(threshold=0.1, window=Window(runs=2), operation="process", crash=Crash.ERROR_CHANNEL)

    assert found(plan, "coarse_trigger") == []


def test_minimum_runs_keep_a_window_of_hours_from_being_coarse() -> None:
    window = Window(hours=2)

    assert found(with_trigger(0.4, window=window, operation="process"), "coarse_trigger")
    assert not found(with_trigger(0.4, window=window, operation="process", minimum_runs=3), "coarse_trigger")


def test_a_wider_trigger_that_can_never_be_first_is_reported() -> None:
    plan = with_trigger(scope="all", window=Window(hours=24), threshold=0.5)

    assert only(plan, "shadowed_trigger").figures == {"wide": 0.5, "narrow": 0.2, "implied": 0.5}


def test_a_wider_trigger_that_may_be_first_is_fine() -> None:
    assert found(with_trigger(scope="all", window=Window(hours=4), threshold=0.5), "shadowed_trigger") == []


def test_two_triggers_that_want_different_things_of_one_condition_are_reported() -> None:
    plan = with_trigger(threshold=0.2, window=Window(runs=12), action=Action.HOLD, scope="operation")

    assert "one wants to roll back step 1.1, the other to hold assign" in only(plan, "opposed_triggers").sentence


def test_a_trigger_that_acts_on_what_a_criterion_is_content_with_is_reported() -> None:
    added = criterion("slow", "run_duration", "<=", 2400, operation="daily")
    plan = with_step(consistent(), "1.1", criteria=(added,))

    assert only(plan, "trigger_against_criterion").figures == {"criterion": 2400, "trigger": 1800}


def test_starts_within_minutes_in_one_group_are_reported_once() -> None:
    sentences = [one.sentence for one in found(with_setting(consistent(), "daily", cron="5 8 * * *"), "clash")]

    assert len(sentences) == 2
    assert "daily at 08:05 follows monitor at 08:00 by 5 min" in sentences[0]
    assert "assign at 08:10 follows daily at 08:05 by 5 min, and daily is expected to run 2 min longer" in sentences[1]


def test_a_start_during_the_run_of_another_in_its_group_is_reported() -> None:
    plan = with_setting(with_setting(consistent(), "daily", cron="25 8 * * *"), "daily", cron="25 8 * * *")
    settings = tuple(
        replace(item, limit=40) if (item.operation, item.part) == ("assign", "") else item
        for item in plan.phases[0].steps[0].settings
    )

    assert any(one.figures["overlap"] == 5 for one in found(with_step(plan, "1.1", settings=settings), "clash"))


def test_operations_of_different_groups_may_start_together() -> None:
    given = Given(groups={"daily": ("daily",)})

    assert found(with_setting(consistent(), "daily", cron="0 8 * * *"), "clash", given) == []


def test_a_stage_that_starts_while_the_one_before_is_at_work_is_reported() -> None:
    plan = with_setting(consistent(), "process", cron="14 */2 * * *")

    assert found(plan, "margin")[0].figures == {"gap": 4, "needed": 5}


def test_a_timetable_that_no_phase_follows_is_reported() -> None:
    plan = replace(consistent(), timetable=(TimetableEntry("06:30", "daily"),))

    assert only(plan, "timetable_crons").arithmetic == ("daily: timetable '30 6 * * *', steps '40 7 * * *'",)


def test_a_mode_of_the_timetable_that_the_steps_contradict_is_reported() -> None:
    plan = replace(consistent(), timetable=(TimetableEntry("07:40", "daily", mode="dry_run"),))

    assert "where the steps make it live" in only(plan, "timetable_mode").sentence


def test_samples_needed_before_the_first_is_drawn_are_reported() -> None:
    plan = with_criterion("early", "guidance_quality", ">", 0.8)

    assert found(plan, "evidence_too_late") == []
    later = replace(plan, sampling={**plan.sampling, "step": "2.1"})
    assert only(later, "evidence_too_late").figures == {"needed_day": 7, "sampling_day": 8}


def test_a_stage_that_is_live_before_its_source_is_reported() -> None:
    assert only(with_setting(consistent(), "monitor", mode="dry_run"), "no_source").figures == {"live": 1, "fed": -1}


def test_an_alarm_on_what_an_sla_allows_is_reported() -> None:
    sla = Sla("week", "95 % in 7 days", "copilot_completion_7d", ">=", 0.95, timedelta(days=7))
    plan = replace(consistent(), slas=(sla,), stated={"stale_after_days": 7})

    assert only(plan, "sla_against_alarm").figures["late_per_day"] == pytest.approx(0.05 * (12 * 12 + 5))
    assert not found(replace(plan, stated={}), "sla_against_alarm")


def test_an_alarm_that_overtakes_the_escalation_path_is_reported() -> None:
    path = (Escalation(3, "remind", "remind"), Escalation(4, "notify", "notify", "lead"))
    plan = replace(consistent(), escalations=path, stated={"stale_after_days": 5, "due_hours": 48})

    assert only(plan, "alarm_before_escalation").figures == {"alarm": 5, "escalation": 6}
    assert not found(replace(plan, stated={"stale_after_days": 6, "due_hours": 48}), "alarm_before_escalation")


def test_one_threshold_with_two_comparators_is_reported() -> None:
    plan = with_criterion("strict", "copilot_completion_48h", ">", 0.8)

    assert "meets completion, completion-48h and fails strict" in only(plan, "boundary").sentence


def test_a_ramp_that_begins_below_what_stands_is_reported() -> None:
    ramp = Ramp("assign", (RampStep(1, 7, 8),))

    assert only(with_step(consistent(), "2.1", ramps=(ramp,)), "ramp_falls").figures == {"standing": 10, "first": 8}


def test_a_ramp_that_falls_on_its_way_is_reported() -> None:
    ramp = Ramp("assign", (RampStep(1, 2, 15), RampStep(3, 4, 12), RampStep(5, 7, 15)))
    one = only(with_step(consistent(), "2.1", ramps=(ramp,)), "ramp_falls")

    assert one.figures == {"standing": 15, "first": 12}
    assert "falls to 12 issues per run on its day 3" in one.sentence


def test_a_ramp_that_is_not_watched_at_its_top_before_the_gate_is_reported() -> None:
    ramp = Ramp("assign", (RampStep(1, 6, 11), RampStep(7, 7, 12)), WEEK_2.ramps[0].prerequisites)
    plan = with_step(consistent(), "2.1", ramps=(ramp, WEEK_2.ramps[1]))

    assert only(plan, "ramp_late").figures == {"top": 14, "gate": 14, "seen": 1, "watched": 2}


def test_a_quota_that_the_ramp_outgrows_is_reported() -> None:
    first = Ramp("assign", (RampStep(1, 7, 40),), WEEK_2.ramps[0].prerequisites)
    plan = replace(with_step(consistent(), "2.1", ramps=(first, WEEK_2.ramps[1])), stated={})

    one = only(plan, "quota")

    assert one.figures["reached"] == pytest.approx((12 * 40 + 5 + 12 * 12 + 5) / (125 + 125) * 0.5)
