"""What every operation ought to be, by example and by property."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import days, desired
from rollout.domain.days import Decided, Opening
from rollout.domain.desired import (
    RANK,
    Change,
    Desired,
    HoldNow,
    OperationNow,
    PartNow,
    Situation,
    StepNow,
    belongs,
)
from rollout.domain.limits import Limit, Term, effective
from rollout.domain.progress import RolloutState, StepState
from tests.rollout.hand_plan import make_plan

PLAN = make_plan()
STARTS = date(2026, 11, 9)
NAMES = ("monitor", "assign", "process", "daily")
NUMBERS = tuple(step.number for phase in PLAN.phases for step in phase.steps)
GATES = tuple(phase.gate.slug for phase in PLAN.phases)
MODES = st.sampled_from(["off", "dry_run", "live"])

HOLDS = st.builds(
    HoldNow,
    id=st.integers(1, 99),
    by=st.sampled_from(["anna", "rule:failing"]),
    reason=st.just("Odd labels."),
    operation=st.sampled_from(["", "assign", "daily", "daily:assign"]),
    step=st.just(""),
) | st.builds(HoldNow, id=st.integers(1, 99), by=st.just("anna"), reason=st.just("Odd."), step=st.sampled_from(NUMBERS))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Anything that the rows may say, consistent or not."""
    day = draw(st.integers(-10, 40).filter(bool))
    decisions = [
        Decided(gate, draw(st.sampled_from(["go", "no_go", "iterate"])), days.date_of(STARTS, draw(st.integers(1, 20))))
        for gate in draw(st.sets(st.sampled_from(GATES)))
    ]
    return Situation(
        plan=PLAN,
        state=draw(st.sampled_from([RolloutState.RUNNING, RolloutState.HELD, RolloutState.ROLLED_BACK])),
        today=days.date_of(STARTS, day),
        openings=days.openings(PLAN, STARTS, decisions),
        steps={
            number: StepNow(number, draw(st.sampled_from(StepState)), draw(st.integers(0, 9))) for number in NUMBERS
        },
        operations=tuple(draw(operations(name)) for name in NAMES),
        holds=tuple(draw(st.lists(HOLDS, max_size=3))),
        limits={"assign": effective([Term("plan", draw(st.integers(0, 30)), "")])},
        behind=draw(st.booleans()),
        drilling=draw(st.booleans()),
    )


@st.composite
def operations(draw: st.DrawFn, name: str) -> OperationNow:
    parts = {part: PartNow(draw(MODES), 10) for part in ("monitor", "assign", "process")} if name == "daily" else {}
    cron = draw(st.sampled_from([None, "0 */2 * * *"]))
    return OperationNow(name, draw(MODES), draw(st.integers(0, 30)), "", cron, parts, draw(st.booleans()))


def at(day: int, *gates: tuple[str, int], **steps: str) -> Situation:
    """A situation on a day, with gates decided with go on their days; steps are live unless said otherwise."""
    states = dict.fromkeys(NUMBERS, StepState.LIVE) | {
        name[1:].replace("_", "."): StepState(value) for name, value in steps.items()
    }
    decided = [Decided(gate, "go", days.date_of(STARTS, on)) for gate, on in gates]
    return Situation(
        plan=PLAN,
        state=RolloutState.RUNNING,
        today=days.date_of(STARTS, day),
        openings=days.openings(PLAN, STARTS, decided),
        steps={number: StepNow(number, found, 0) for number, found in states.items()},
        operations=tuple(OperationNow(name, "dry_run", 10) for name in NAMES),
    )


def of(situation: Situation, name: str) -> Desired:
    now = next(now for now in situation.operations if now.name == name)
    return desired.desired(situation, now)


def carried_out(situation: Situation) -> Situation:
    """The situation after all of its changes."""
    rows = {now.name: now for now in situation.operations}
    for change in desired.changes(situation):
        rows[change.operation] = turned(rows[change.operation], change)
    return replace(situation, operations=tuple(rows.values()))


def turned(now: OperationNow, change: Change) -> OperationNow:
    knob, _, part = change.knob.partition(":")
    if knob == "mode":
        return replace(now, mode=change.after)
    if knob == "limit":
        return replace(now, limit=int(change.after), binding=change.rule)
    if knob == "cron":
        return replace(now, cron=change.after)
    old = now.parts[part]
    new = replace(old, mode=change.after) if knob == "part" else replace(old, limit=int(change.after))
    return replace(now, parts={**now.parts, part: new})


@given(situations())
def test_after_its_changes_nothing_is_left_to_change(situation: Situation) -> None:
    assert desired.changes(carried_out(situation)) == ()


@given(situations())
def test_nothing_goes_live_but_by_a_live_step_in_a_phase_that_a_gate_opened(situation: Situation) -> None:
    for now in situation.operations:
        want = desired.desired(situation, now)
        if want.mode.value == "live" and now.mode != "live":
            number = want.mode.rule.removeprefix("plan ")
            phase = next(phase for phase in PLAN.phases if any(step.number == number for step in phase.steps))
            assert situation.steps[number].state is StepState.LIVE
            assert situation.openings[phase.slug].gate
            assert situation.openings[phase.slug].on <= situation.today
            assert situation.state is RolloutState.RUNNING


@given(situations())
def test_a_governed_operation_is_live_only_where_a_live_step_says_so(situation: Situation) -> None:
    allowed = {
        setting.operation
        for step in desired.live_steps(situation)
        for setting in step.settings
        if setting.mode == "live"
    }
    for now in situation.operations:
        if desired.governing_step(PLAN, now.name) and of(situation, now.name).mode.value == "live":
            assert now.name in allowed


@given(situations(), HOLDS)
def test_one_more_hold_never_makes_more_happen(situation: Situation, hold: HoldNow) -> None:
    held = replace(situation, holds=(*situation.holds, hold))
    for now in situation.operations:
        before, after = desired.desired(situation, now), desired.desired(held, now)
        assert RANK[after.mode.value] <= RANK[before.mode.value]
        assert all(RANK[after.parts[part].value] <= RANK[before.parts[part].value] for part in now.parts)


@given(situations())
def test_while_anything_stops_it_nothing_is_live(situation: Situation) -> None:
    whole = any(not hold.operation and not hold.step for hold in situation.holds)
    for now in situation.operations:
        if whole or situation.state is not RolloutState.RUNNING:
            assert desired.desired(situation, now).mode.value != "live"
        if any(hold.operation == now.name for hold in situation.holds):
            assert desired.desired(situation, now).mode.value != "live"


@given(situations())
def test_while_frozen_nothing_grows(situation: Situation) -> None:
    grown = [change for change in desired.changes(situation) if change.grows and not change.knob.startswith("part_l")]
    assert not (situation.frozen and grown)


@given(situations())
def test_reductions_come_first(situation: Situation) -> None:
    order = [change.grows for change in desired.changes(situation)]
    assert order == sorted(order)


@given(situations())
def test_every_change_has_a_rule_and_a_reason(situation: Situation) -> None:
    assert all((change.rule and change.reason) or change.knob == "limit" for change in desired.changes(situation))


def test_the_later_of_two_live_steps_says() -> None:
    week_2 = at(10, ("sign-off", -1), ("day-7", 7))
    assert of(week_2, "daily").mode.value == "live"
    assert of(at(3, ("sign-off", -1)), "daily").mode.value == "dry_run"
    assert of(week_2, "assign").cron == desired.Wanted("0 2,6,10,14,18,22 * * *", "plan 2.3", "Step 2.3 says so.")


def test_an_operation_that_the_plan_does_not_mention_stays_as_people_set_it() -> None:
    situation = at(3, ("sign-off", -1))
    live = replace(situation, operations=(OperationNow("monitor", "live", 10),))
    assert of(live, "monitor").mode.value == "live"
    assert of(replace(live, state=RolloutState.HELD), "monitor").mode.value == "dry_run"


def test_rolling_a_step_back_switches_off_with_what_belongs_to_it_and_lets_limits_fall_back() -> None:
    rolled = at(10, ("sign-off", -1), ("day-7", 7), s1_3="rolled_back", s2_1="rolled_back")
    assert of(rolled, "daily").mode.value == "off"
    assert of(rolled, "assign").mode.value == "live"
    term, rule = desired.planned_limit(rolled, "assign")
    assert (term.value, rule) == (10, "plan 1.1")


def test_before_its_step_the_limit_is_what_the_step_will_begin_with() -> None:
    waiting = {f"s{number.replace('.', '_')}": "waiting" for number in NUMBERS}
    term, rule = desired.planned_limit(at(-3, **waiting), "process")
    assert (term.value, rule) == (5, "plan 1.2")


def test_a_held_step_keeps_its_limit_and_ramp() -> None:
    held = at(10, ("sign-off", -1), ("day-7", 7), s2_1="held")
    held = replace(held, steps={**held.steps, "2.1": StepNow("2.1", StepState.HELD, 3)})
    assert desired.planned_limit(held, "assign")[0].value == 18


def test_a_ramp_that_was_rolled_back_falls_and_its_operation_goes_on() -> None:
    undone = at(10, ("sign-off", -1), ("day-7", 7), s2_1="rolled_back")
    undone = replace(undone, holds=(HoldNow(1, "anna", "Too many.", step="2.1"),))
    assert desired.desired(undone, OperationNow("assign", "live", 20)).mode.value == "live"
    assert desired.planned_limit(undone, "assign")[0].value == 10


def test_a_cron_that_a_person_pinned_is_left() -> None:
    situation = at(10, ("sign-off", -1), ("day-7", 7))
    assert desired.desired(situation, OperationNow("assign", "live", 10, cron="1 1 * * *", pinned=True)).cron is None


@pytest.mark.parametrize(
    ("number", "to", "expected"),
    [("1.3", "1.3", True), ("1.3.2", "1.3", True), ("1.31", "1.3", False), ("1.3", "1.3.2", False)],
)
def test_a_part_of_a_step_belongs_to_it(number: str, to: str, expected: bool) -> None:
    assert belongs(number, to) is expected


def test_what_the_plan_turns_and_the_repository_lacks_is_named() -> None:
    known = {"assign": (), "daily": ("monitor",)}
    assert desired.missing(PLAN, known) == ("process", "daily:assign")


def test_only_steps_whose_gate_was_signed_and_whose_day_has_come_may_go_live() -> None:
    waiting = {f"s{number.replace('.', '_')}": "waiting" for number in NUMBERS}
    situation = at(8, ("sign-off", -1), ("day-7", 7), **waiting)
    assert [step.number for step in desired.may_go_live(situation)] == ["1.1", "1.2", "1.3", "1.3.2", "2.1"]
    held = replace(situation, holds=(HoldNow(1, "anna", "Odd.", step="1.3"),))
    assert [step.number for step in desired.may_go_live(held)] == ["1.1", "1.2", "2.1"]
    assert not list(desired.may_go_live(replace(situation, behind=True)))
    assert not list(desired.may_go_live(at(8, **waiting)))
    assert Opening(STARTS).gate == ""


def test_a_limit_without_a_ceiling_is_left() -> None:
    situation = replace(at(3, ("sign-off", -1)), limits={"assign": Limit(3, "backlog", None, "", ())})
    assert of(situation, "assign").limit is None
