"""The control loop: what ought to be is made so, once, and never more than a gate allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Kind, Mode, Operation, Run
from pipeline.services import audit, operations
from pipeline.services.operations import LEASE, cron_of
from rollout.domain.plan import Criterion
from rollout.domain.verdicts import Verdict
from rollout.models import Evaluation, Hold, Override, ProgressEntry, Rollout, StepProgress
from rollout.services import evaluation, fence, gates, overrides, reconcile, stop
from tests.factories import make_operation
from tests.recorded import recorded
from tests.rollout import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Verdict]:
    """What criteria are judged as; PASS unless a test says otherwise."""
    said: dict[str, Verdict] = {}

    def evaluate(rollout: Rollout, criterion: Criterion, *, now: datetime, **_: Any) -> Evaluation:
        found = said.get(criterion.slug, Verdict.PASS)
        return Evaluation(rollout=rollout, rule=criterion.slug, verdict=found.value, n=12, floor=now, at=now)

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    return said


@recorded
def day_one() -> Rollout:
    made = world.started()
    world.move_to(datetime(2026, 11, 8, 9, tzinfo=UTC))
    world.tick(made)
    world.go(made, "sign-off")
    world.move_to(datetime(2026, 11, 9, 0, 1, tzinfo=UTC))
    world.tick(made)
    return made


@pytest.fixture
def rollout(virtual_clock: VirtualClock, verdicts: dict[str, Verdict]) -> Rollout:
    """On the morning of day 1, week 1 opened by its signed gate."""
    return day_one()


def to_day(clock: VirtualClock, day: int, hour: int = 9) -> None:
    clock.set(datetime.combine(world.DAY_1, datetime.min.time(), UTC) + timedelta(days=day - 1, hours=hour))


def second_week(rollout: Rollout, clock: VirtualClock) -> None:
    to_day(clock, 7)
    world.tick(rollout)
    world.go(rollout, "day-7")
    to_day(clock, 8, hour=0)
    world.tick(rollout)


def test_nothing_is_live_on_day_one_without_the_gate(virtual_clock: VirtualClock) -> None:
    made = world.started()
    to_day(virtual_clock, 1)
    world.tick(made)
    assert world.live(made) == set()
    assert {row.state for row in made.steps.all()} == {StepProgress.State.WAITING}


def test_the_signed_gate_makes_its_phase_live_on_its_day_and_not_before(virtual_clock: VirtualClock) -> None:
    made = world.started()
    to_day(virtual_clock, -1 + 1, hour=9)  # the day before day 1
    world.go(made, "sign-off")
    assert world.live(made) == set()
    to_day(virtual_clock, 1, hour=0)
    world.tick(made)
    assert world.live(made) == {"assign", "process"}
    made.refresh_from_db()
    assert (made.phase, made.phase_started_on) == ("week-1", world.DAY_1)


def test_limit_cron_and_parts_follow_the_plan(rollout: Rollout) -> None:
    assign, daily = world.operation(rollout, "assign"), world.operation(rollout, "daily")
    assert (assign.limit, assign.limit_reason, cron_of(assign)) == (10, "plan 1.1", "0 */2 * * *")
    assert daily.mode == Mode.DRY_RUN
    assert set(daily.parts.values_list("mode", flat=True)) == {Mode.DRY_RUN}


def test_a_second_reconcile_changes_nothing_and_writes_nothing(rollout: Rollout) -> None:
    world.tick(rollout)
    before = (AuditEntry.objects.count(), ProgressEntry.objects.count(), Evaluation.objects.count())
    assert world.tick(rollout) == []
    assert (AuditEntry.objects.count(), ProgressEntry.objects.count(), Evaluation.objects.count()) == before


def test_the_lease_is_renewed_only_where_live_is_desired(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    virtual_clock.advance(timedelta(minutes=8))
    world.tick(rollout)
    assert world.operation(rollout, "assign").live_until == virtual_clock.now() + LEASE
    assert world.operation(rollout, "monitor").live_until is None
    virtual_clock.advance(LEASE)  # the control plane is dead meanwhile
    live_until = world.operation(rollout, "assign").live_until
    assert live_until is not None
    assert live_until <= virtual_clock.now()


def test_the_ramp_follows_the_days_on_which_it_was_live(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    second_week(rollout, virtual_clock)
    seen = []
    for day in range(8, 16):
        to_day(virtual_clock, day)
        world.tick(rollout)
        seen.append(world.operation(rollout, "assign").limit)
    assert seen == [15, 15, 18, 18, 18, 20, 20, 20]
    assert world.operation(rollout, "assign").limit_reason == "plan 2.1, ramp day 7"


def test_a_ramp_day_counts_in_the_very_reconcile_that_makes_its_operation_live(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    second_week(rollout, virtual_clock)
    assert (world.step(rollout, "2.1").ramp_day, world.operation(rollout, "assign").limit) == (0, 10)
    world.start_again(rollout)
    assert (world.step(rollout, "2.1").ramp_day, world.operation(rollout, "assign").limit) == (1, 15)
    assert world.tick(rollout) == []


def test_rolling_the_ramp_back_puts_the_limit_back_and_stops_nothing(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    second_week(rollout, virtual_clock)
    to_day(virtual_clock, 10)
    world.tick(rollout)
    stop.roll_back(rollout, step="2.1", by="anna", reason="Too many at once.", confirmation="2.1")
    world.tick(rollout)
    assert (world.mode(rollout, "assign"), world.operation(rollout, "assign").limit) == (Mode.LIVE, 10)


def test_a_limit_that_stays_is_not_told_to_have_changed(rollout: Rollout) -> None:
    world.tick(rollout)
    assert world.operation(rollout, "process").limit_reason == "plan 1.2"
    assert not ProgressEntry.objects.filter(sentence__contains="from 5 to 5").exists()


def test_days_without_a_tick_do_not_jump_the_ramp(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    second_week(rollout, virtual_clock)
    to_day(virtual_clock, 13)
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 15


@pytest.mark.parametrize("verdict", [Verdict.BREACH, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.STALE])
def test_a_prerequisite_that_does_not_pass_freezes_the_ramp_and_says_so_once(
    rollout: Rollout, virtual_clock: VirtualClock, verdicts: dict[str, Verdict], verdict: Verdict
) -> None:
    second_week(rollout, virtual_clock)
    verdicts["fast-enough"] = verdict
    for hour in (9, 10):
        to_day(virtual_clock, 10, hour)
        world.tick(rollout)
    row = world.step(rollout, "2.1")
    assert (row.ramp_day, world.operation(rollout, "assign").limit) == (1, 15)
    assert "fast-enough" in row.frozen_reason
    assert ProgressEntry.objects.filter(sentence__startswith="The ramp of step 2.1 does not grow").count() == 1


def test_the_first_step_up_waits_for_the_prerequisites(
    rollout: Rollout, virtual_clock: VirtualClock, verdicts: dict[str, Verdict]
) -> None:
    verdicts["fast-enough"] = Verdict.INCONCLUSIVE
    second_week(rollout, virtual_clock)
    assert world.operation(rollout, "assign").limit == 10
    verdicts.clear()
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 15


def test_why_a_ramp_is_frozen_is_measured_again_only_when_asked(
    rollout: Rollout, virtual_clock: VirtualClock, verdicts: dict[str, Verdict]
) -> None:
    verdicts["fast-enough"] = Verdict.INCONCLUSIVE
    second_week(rollout, virtual_clock)
    verdicts.clear()
    rollout.refresh_from_db()
    reconcile.reconcile(rollout, virtual_clock.now(), look_again=False)
    assert world.step(rollout, "2.1").ramp_day == 0
    reconcile.reconcile(rollout, virtual_clock.now())
    assert world.step(rollout, "2.1").ramp_day == 1


def test_week_two_makes_the_daily_operation_and_one_part_live(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    second_week(rollout, virtual_clock)
    daily = world.operation(rollout, "daily")
    assert daily.mode == Mode.LIVE
    assert dict(daily.parts.values_list("kind", "mode")) == {
        "monitor": Mode.LIVE,
        "assign": Mode.DRY_RUN,
        "process": Mode.DRY_RUN,
    }


def test_a_step_of_a_later_day_waits_for_it_and_then_sets_its_cron(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    second_week(rollout, virtual_clock)
    assert world.step(rollout, "2.3").state == StepProgress.State.WAITING
    to_day(virtual_clock, 10)
    world.tick(rollout)
    assert cron_of(world.operation(rollout, "assign")) == "0 2,6,10,14,18,22 * * *"


def test_a_person_who_switches_down_by_hand_has_held_it(rollout: Rollout) -> None:
    operations.set_mode(world.operation(rollout, "assign"), Mode.OFF, actor="anna", reason="It floods us.")
    world.tick(rollout)
    world.tick(rollout)
    hold = Hold.objects.get(rollout=rollout, operation="assign")
    assert (hold.by, hold.reason) == ("anna", "Switched to off by hand: It floods us.")
    assert world.mode(rollout, "assign") == Mode.OFF
    assert world.live(rollout) == {"process"}


def test_what_a_person_raises_before_its_gate_is_put_back(rollout: Rollout) -> None:
    operations.set_mode(world.operation(rollout, "daily"), Mode.LIVE, actor="anna", reason="I want it.")
    world.tick(rollout)
    assert world.mode(rollout, "daily") == Mode.DRY_RUN
    assert not Hold.objects.exists()


def test_a_part_switched_off_by_hand_stays_off(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    second_week(rollout, virtual_clock)
    part = world.operation(rollout, "daily").parts.get(kind="monitor")
    operations.set_part_mode(part, Mode.OFF, actor="anna", reason="The sources are broken.")
    world.tick(rollout)
    part.refresh_from_db()
    assert part.mode == Mode.OFF
    assert Hold.objects.filter(operation="daily:monitor", by="anna").exists()
    assert world.mode(rollout, "daily") == Mode.LIVE


def test_a_limit_lowered_by_hand_holds_for_a_day(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    operations.set_limit(world.operation(rollout, "assign"), 3, actor="anna", reason="Slowly.")
    world.tick(rollout)
    assign = world.operation(rollout, "assign")
    assert (assign.limit, assign.limit_reason) == (3, "override")
    virtual_clock.advance(timedelta(days=1, minutes=1))
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 10


def test_a_limit_raised_by_hand_is_put_back(rollout: Rollout) -> None:
    operations.set_limit(world.operation(rollout, "assign"), 99, actor="anna", reason="Faster.")
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 10


def test_a_cron_that_a_person_edited_among_beats_own_rows_stays(rollout: Rollout) -> None:
    row = world.operation(rollout, "assign")
    before = operations.crons(Operation.objects.filter(pk=row.pk))
    CrontabSchedule.objects.filter(periodictask__operation=row).update(minute="15", hour="3")
    operations.crons_edited(before, actor="anna", reason="At night.")
    world.tick(rollout)
    assert cron_of(world.operation(rollout, "assign")) == "15 3 * * *"
    assert rollout.progress.filter(sentence="assign keeps the cron 15 3 * * *: At night.").exists()


def test_a_cron_that_a_person_set_stays(rollout: Rollout) -> None:
    operations.set_cron(world.operation(rollout, "assign"), "15 3 * * *", actor="anna", reason="At night.")
    world.tick(rollout)
    world.tick(rollout)
    assert cron_of(world.operation(rollout, "assign")) == "15 3 * * *"


def test_a_clock_that_jumps_back_lets_nothing_grow_and_says_so_once(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    before, limit = rollout.evidence_floor, world.operation(rollout, "assign").limit
    virtual_clock.advance(-timedelta(days=3))
    for _time in range(2):
        assert world.tick(rollout) == []
    rollout.refresh_from_db()
    assert rollout.evidence_floor == before
    assert world.operation(rollout, "assign").limit == limit
    assert world.live(rollout) == {"assign", "process"}
    assert ProgressEntry.objects.filter(sentence__startswith="The clock was turned back").count() == 1
    # The lease never outlives what the present clock allows.
    assert world.operation(rollout, "assign").live_until == virtual_clock.now() + LEASE


def test_a_clock_that_jumps_back_never_makes_live_again(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    operations.set_mode(world.operation(rollout, "assign"), Mode.DRY_RUN, actor="rule:test", reason="Switched down.")
    virtual_clock.advance(-timedelta(hours=3))
    world.tick(rollout)
    assert world.mode(rollout, "assign") == Mode.DRY_RUN
    virtual_clock.advance(timedelta(hours=4))
    world.tick(rollout)
    assert world.mode(rollout, "assign") == Mode.LIVE


def test_an_operation_that_vanished_is_said_once_and_the_others_go_on(rollout: Rollout) -> None:
    Operation.objects.filter(repository=rollout.repository, name="process").delete()
    for _time in range(2):
        world.tick(rollout)
    said = ProgressEntry.objects.filter(sentence__startswith="The plan turns process, which")
    assert said.count() == 1
    assert world.live(rollout) == {"assign"}


def test_an_operation_that_was_added_comes_under_the_lease(rollout: Rollout) -> None:
    added = make_operation(repository=rollout.repository, kind=Kind.TRACK, name="track-more")
    world.tick(rollout)
    added.refresh_from_db()
    assert added.lease_owner == "rollout"


def test_a_reconcile_that_was_overtaken_changes_nothing_more(
    rollout: Rollout, virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_day(virtual_clock, 7)
    world.tick(rollout)
    gate = world.sign_all(gates.ask(rollout, "day-7", by=world.LEAD))
    with monkeypatch.context() as patched:
        patched.setattr(reconcile, "reconcile", lambda _rollout: [])
        gates.decide(gate, "go", by=world.LEAD, reason="All is met.")
    to_day(virtual_clock, 8)
    told = reconcile._tell
    with monkeypatch.context() as patched:

        def overtaken(*given: Any) -> None:
            told(*given)
            fence.cut(rollout)

        patched.setattr(reconcile, "_tell", overtaken)
        assert world.tick(rollout) == []
    assert world.step(rollout, "2.1").state == StepProgress.State.WAITING
    world.tick(rollout)
    assert world.step(rollout, "2.1").state == StepProgress.State.LIVE


class Crash(RuntimeError):
    """The process dies."""


def test_a_crash_after_any_change_is_made_good_by_the_next_reconcile(
    rollout: Rollout, virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_day(virtual_clock, 7)
    world.tick(rollout)
    world.go(rollout, "day-7")
    to_day(virtual_clock, 10)
    for survives in range(12):
        left = [survives]

        def dying(self: fence.Fence, left: list[int] = left, whole: Any = fence.Fence.change) -> Any:
            if left[0] == 0:
                raise Crash
            left[0] -= 1
            return whole(self)

        with monkeypatch.context() as patched:
            patched.setattr(fence.Fence, "change", dying)
            try:
                world.tick(rollout)
            except Crash:
                continue
            break
    world.tick(rollout)
    assert world.tick(rollout) == []
    assert (world.operation(rollout, "assign").limit, world.mode(rollout, "daily")) == (15, Mode.LIVE)
    assert audit.verify().fault == ""


def test_slots_that_fell_due_during_a_hold_are_not_made_up_for(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    since = world.operation(rollout, "assign").slots_since
    operations.set_mode(world.operation(rollout, "assign"), Mode.OFF, actor="anna", reason="Too much.")
    world.tick(rollout)
    virtual_clock.advance(timedelta(hours=9))
    world.start_again(rollout)
    assert world.mode(rollout, "assign") == Mode.LIVE
    after = world.operation(rollout, "assign").slots_since
    assert since is not None
    assert after == virtual_clock.now()
    assert not Run.objects.exists()


def test_every_change_names_its_rule_and_the_evidence(rollout: Rollout) -> None:
    entry = AuditEntry.objects.get(action="operation.mode", subject__startswith="assign", after={"mode": "live"})
    assert entry.actor == "rule:plan 1.1"
    assert entry.before == {"mode": "dry_run"}
    assert entry.evidence["gates"] == {"week-1": "sign-off"}
    assert entry.evidence["plan"] == rollout.plan.sha256


@pytest.mark.parametrize("knob", ["mode", "limit"])
def test_what_a_person_lowers_in_the_middle_of_it_is_not_raised_again(
    rollout: Rollout, monkeypatch: pytest.MonkeyPatch, knob: str
) -> None:
    """After people's turns were read, and before the operations are."""

    def lower(*_given: object) -> None:
        row = world.operation(rollout, "assign")
        if knob == "mode":
            operations.set_mode(row, Mode.OFF, actor="anna", reason="Odd labels.")
        else:
            operations.set_limit(row, 1, actor="anna", reason="Odd labels.")

    monkeypatch.setattr(reconcile, "_take_over", lower)
    world.tick(rollout)
    row = world.operation(rollout, "assign")
    assert (row.mode, row.limit) == ((Mode.OFF, 10) if knob == "mode" else (Mode.LIVE, 1))
    monkeypatch.undo()
    world.tick(rollout)
    assert (world.mode(rollout, "assign"), world.operation(rollout, "assign").limit) == (row.mode, row.limit)


def lowered_for_a_week(rollout: Rollout, virtual_clock: VirtualClock) -> Override:
    week = virtual_clock.now() + timedelta(days=7)
    return overrides.set_limit(rollout, "assign", limit=5, owner="lena", reason="Slowly.", expires_at=week)


def test_a_lower_limit_by_hand_gives_way_to_the_override_that_outlasts_it(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    lowered_for_a_week(rollout, virtual_clock)
    operations.set_limit(world.operation(rollout, "assign"), 2, actor="anna", reason="Slower.")
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 2
    virtual_clock.advance(timedelta(hours=25))
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 5


def test_a_limit_raised_by_hand_below_the_plans_is_what_the_person_said(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    lowered_for_a_week(rollout, virtual_clock)
    operations.set_limit(world.operation(rollout, "assign"), 7, actor="anna", reason="A little more.")
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 7
    operations.set_limit(world.operation(rollout, "assign"), 10, actor="anna", reason="All of it.")
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 10
    assert not Override.objects.filter(ended_at__isnull=True).exists()


def test_a_ramp_whose_prerequisites_have_no_data_at_all_does_not_grow(
    rollout: Rollout, virtual_clock: VirtualClock, verdicts: dict[str, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    second_week(rollout, virtual_clock)
    before = world.step(rollout, "2.1").ramp_day
    verdicts["fast-enough"] = Verdict.INCONCLUSIVE  # as what is left out for want of data is kept
    monkeypatch.setattr(evaluation, "counts", lambda _found: False)
    virtual_clock.advance(timedelta(days=1))
    world.tick(rollout)
    step = world.step(rollout, "2.1")
    assert (step.ramp_day, step.frozen_reason) == (before, "The prerequisite fast-enough has not enough data.")
