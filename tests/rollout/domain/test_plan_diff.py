"""How two plans differ, for people."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from rollout.domain.plan import Plan, RampStep, Role
from rollout.domain.plan_diff import Change, changes, text_diff
from rollout.domain.plan_file import dump_plan
from tests.rollout.domain.plan_samples import WEEK_1, WEEK_2, consistent, plans, with_setting, with_step


def sentences(new: Plan) -> list[str]:
    return [change.sentence for change in changes(consistent(), new)]


def test_the_same_plan_does_not_differ() -> None:
    assert changes(consistent(), consistent()) == ()


def test_a_changed_setting_is_named_from_phase_to_field() -> None:
    assert sentences(with_setting(consistent(), "assign", limit=12)) == [
        "phase week-1 › step 1.1 › setting assign › limit: 10 → 12"
    ]


def test_a_part_of_the_daily_run_is_told_from_the_run_itself() -> None:
    assert sentences(with_setting(consistent(), "daily", "assign", mode="dry_run")) == [
        "phase week-1 › step 1.1 › setting daily assign › mode: live → dry_run"
    ]


def test_a_changed_window_of_a_criterion_is_named() -> None:
    first = replace(WEEK_1.criteria[0], window=replace(WEEK_1.criteria[0].window, hours=72.0))

    assert sentences(with_step(consistent(), "1.1", criteria=(first, WEEK_1.criteria[1]))) == [
        "phase week-1 › step 1.1 › criterion runs › window › hours: 48 → 72"
    ]


def test_what_was_removed_says_what_it_was() -> None:
    (sentence,) = sentences(with_step(consistent(), "1.1", triggers=WEEK_1.triggers[:1]))

    assert sentence.startswith("phase week-1 › step 1.1 › trigger overrun: removed (was text overrun, number 1.1")


def test_what_was_added_says_what_it_is() -> None:
    plan = replace(consistent(), roles=(*consistent().roles, Role("devops", "DevOps", "Runs it")))

    assert sentences(plan) == ["role devops: added name DevOps, responsibility Runs it"]


def test_another_order_of_the_same_is_a_change() -> None:
    plan = with_step(consistent(), "1.1", triggers=WEEK_1.triggers[::-1])

    assert changes(consistent(), plan) == (Change("phase week-1 › step 1.1 › triggers", "this order", "another order"),)


def test_a_changed_ramp_names_the_day() -> None:
    ramp = replace(WEEK_2.ramps[0], steps=(RampStep(1, 3, 11), RampStep(4, 7, 20)))
    plan = with_step(consistent(), "2.1", ramps=(ramp, WEEK_2.ramps[1]))

    assert sentences(plan) == ["phase week-2 › step 2.1 › ramp assign › from day 4 › limit: 12 → 20"]


def test_stated_figures_differ_by_name() -> None:
    plan = replace(consistent(), stated={**consistent().stated, "issues_per_day.assign.week-1": 130.0})

    assert sentences(plan) == ["stated › issues_per_day.assign.week-1: 120 → 130"]


@given(plans(), plans())
def test_plans_that_differ_have_changes_and_those_that_do_not_have_none(one: Plan, other: Plan) -> None:
    assert bool(changes(one, other)) == (one != other)
    assert changes(one, one) == ()


def test_the_lines_are_a_unified_diff() -> None:
    old, new = dump_plan(consistent()), dump_plan(replace(consistent(), owner="Somebody"))

    lines = text_diff(old, new, "plan@1", "plan@2").splitlines()

    assert lines[:2] == ["--- plan@1", "+++ plan@2"]
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-owner: Lead", "+owner: Somebody"]
