"""Stopping in three strengths by one person, and starting again by two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Mode, Run
from pipeline.services import operations
from pipeline.services.operations import NotPossible
from rollout.models import Announcement, Hold, Resumption, Rollback, Rollout, StepProgress, TriggerState
from rollout.services import resume, saga, stop, trigger_actions
from tests.factories import make_run
from tests.rollout import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def rollout(virtual_clock: VirtualClock) -> Rollout:
    """Day 1, week 1 is live."""
    return world.in_week_1()


@pytest.fixture(autouse=True)
def _small_saga(monkeypatch: pytest.MonkeyPatch) -> None:
    """The saga has its own tests; here only its row is wanted."""

    def start(rollout: Rollout, **given: Any) -> Rollback:
        return Rollback.objects.create(
            rollout=rollout,
            step=given["step"],
            by=given["by"],
            reason=given["reason"],
            is_drill=given["drill"],
            started_at=clock.now(),
        )

    monkeypatch.setattr(saga, "start", start)


def met(hold: Hold) -> list[dict[str, Any]]:
    return [{"met": True} for _line in resume.checklist(hold)]


def test_holding_one_operation_stops_it_at_once_and_leaves_the_others(rollout: Rollout) -> None:
    stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    assert world.live(rollout) == {"process"}
    assert world.operation(rollout, "assign").live_until is None
    world.tick(rollout)
    assert world.live(rollout) == {"process"}


@pytest.mark.parametrize(
    ("begun", "ends"),
    [
        ({"purpose": Run.Purpose.MANUAL}, True),
        ({"purpose": Run.Purpose.APPLY}, True),
        ({"purpose": Run.Purpose.REVERT}, False),
        ({"purpose": Run.Purpose.MANUAL, "mode": Mode.DRY_RUN}, False),
    ],
    ids=["by hand", "a shown plan", "undoing", "a dry run"],
)
def test_hold_ends_what_was_begun_live_by_hand_and_no_undoing(
    rollout: Rollout, begun: dict[str, Any], ends: bool
) -> None:
    row = world.operation(rollout, "assign")
    run = make_run(operation=row, state=Run.State.WORKING, **{"mode": Mode.LIVE, **begun})
    stop.hold(rollout, operation="process", by="anna", reason="Odd guidance.")
    run.refresh_from_db()
    assert run.is_active
    stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    run.refresh_from_db()
    assert run.is_active is not ends
    assert run.error == ("Held by anna: Odd labels." if ends else "")


def test_holding_everything_stops_everything_and_keeps_the_place(rollout: Rollout) -> None:
    stop.hold(rollout, by="anna", reason="Odd labels.")
    rollout.refresh_from_db()
    assert (rollout.state, world.live(rollout)) == (Rollout.State.HELD, set())
    assert world.step(rollout, "1.1").state == StepProgress.State.LIVE
    assert world.mode(rollout, "assign") == Mode.DRY_RUN


def test_holding_a_step_holds_what_belongs_to_it(rollout: Rollout) -> None:
    stop.hold(rollout, step="1.3", by="anna", reason="Odd summary.")
    states = dict(rollout.steps.values_list("number", "state"))
    assert (states["1.3"], states["1.3.2"], states["1.1"]) == ("held", "held", "live")


def test_the_same_hold_twice_is_one_hold_and_a_person_takes_over_a_rules(rollout: Rollout) -> None:
    by_rule = stop.hold(rollout, operation="assign", by="rule:failing", reason="60 % failed.", probes=2)
    by_person = stop.hold(rollout, operation="assign", by="anna", reason="I look at it.")
    assert by_person.pk == by_rule.pk
    assert (by_person.by, by_person.probes) == ("anna", 0)
    assert stop.hold(rollout, operation="assign", by="rule:failing", reason="Again.").by == "anna"


@pytest.mark.parametrize(
    ("scope", "match"),
    [
        ({"operation": "asign"}, "There is no operation 'asign'"),
        ({"operation": "daily:asign"}, "There is no operation 'daily:asign'"),
        ({"operation": "sync"}, "There is no operation 'sync'"),
        ({"step": "9.9"}, "The plan has no step '9.9'"),
        ({"operation": "assign", "step": "1.1"}, "not both at once"),
    ],
)
def test_a_scope_that_does_not_exist_is_refused(rollout: Rollout, scope: dict[str, Any], match: str) -> None:
    with pytest.raises(NotPossible, match=match):
        stop.hold(rollout, by="anna", reason="Stop.", **scope)
    assert not Hold.objects.exists()


def test_a_persons_hold_is_told_once(rollout: Rollout) -> None:
    for _time in range(2):
        held = stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    assert Announcement.objects.filter(key__startswith=f"hold:{held.pk}:").count() == 2  # Slack and e-mail


def test_a_stop_needs_a_reason(rollout: Rollout) -> None:
    with pytest.raises(NotPossible, match="needs a reason"):
        stop.hold(rollout, by="anna", reason="  ")


def test_rolling_back_a_step_needs_its_number_typed(rollout: Rollout) -> None:
    with pytest.raises(NotPossible, match=r"type '1\.1'; 'yes' was typed"):
        stop.roll_back(rollout, step="1.1", by="anna", reason="Too many failures.", confirmation="yes")
    assert world.live(rollout) == {"assign", "process"}
    assert not Rollback.objects.exists()


def test_rolling_back_a_step_switches_off_what_it_made_live_and_nothing_else(rollout: Rollout) -> None:
    stop.roll_back(rollout, step="1.1", by="anna", reason="Too many failures.", confirmation="1.1")
    assert (world.mode(rollout, "assign"), world.mode(rollout, "process")) == (Mode.OFF, Mode.LIVE)
    assert world.step(rollout, "1.1").state == StepProgress.State.ROLLED_BACK
    world.tick(rollout)
    assert world.mode(rollout, "assign") == Mode.OFF
    assert AuditEntry.objects.filter(action="rollout.rolled_back", actor="anna").exists()


def test_rolling_back_everything_needs_the_repositorys_name_and_switches_all_off(rollout: Rollout) -> None:
    name = rollout.repository.full_name
    stop.roll_back(rollout, by="anna", reason="Strategy changed.", confirmation=name)
    rollout.refresh_from_db()
    assert rollout.state == Rollout.State.ROLLED_BACK
    modes = {row.name: row.mode for row in rollout.repository.operations.all()}
    assert modes.pop("sync") == Mode.LIVE
    assert set(modes.values()) == {Mode.OFF}
    assert world.step(rollout, "2.1").state == StepProgress.State.WAITING


def test_a_rule_rolls_back_without_typing_and_twice_is_once(rollout: Rollout) -> None:
    one = stop.roll_back(rollout, step="1.1", by="rule:failing", reason="60 % failed.", trigger="failing")
    assert stop.roll_back(rollout, step="1.1", by="rule:failing", reason="60 % failed.").pk == one.pk
    assert Hold.objects.count() == 1


def test_a_drill_stops_nothing_of_the_rollout(rollout: Rollout) -> None:
    stop.roll_back(rollout, step="1.1", by="anna", reason="Practice.", drill=True)
    assert world.step(rollout, "1.1").state == StepProgress.State.LIVE
    assert not Hold.objects.exists()


def test_while_a_drill_turns_the_knobs_nothing_grows(rollout: Rollout) -> None:
    stop.roll_back(rollout, step="1.1", by="anna", reason="Practice.", drill=True)
    row = world.operation(rollout, "assign")
    operations.set_mode(row, Mode.OFF, actor="rule:rollback 1", reason="Practice.")
    world.tick(rollout)
    assert world.mode(rollout, "assign") == Mode.OFF
    assert not Hold.objects.exists()
    Rollback.objects.update(state=Rollback.State.DONE, finished_at=clock.now())
    world.tick(rollout)
    assert world.mode(rollout, "assign") == Mode.LIVE


def test_starting_again_takes_a_second_person_and_every_line(rollout: Rollout) -> None:
    hold = stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    asked = resume.ask(hold, by="olga", reason="Mended.")
    with pytest.raises(NotPossible, match="a second person"):
        resume.approve(asked, by="Olga")
    with pytest.raises(NotPossible, match="Not met yet: The cause is known"):
        resume.approve(asked, by="piet")
    for line in range(len(asked.checklist)):
        resume.mark(asked, line, met=True, note="Seen.", by="olga")
    resume.approve(asked, by="piet")
    assert world.live(rollout) == {"assign", "process"}
    hold.refresh_from_db()
    assert hold.released_by == "piet"


def test_a_rule_can_neither_ask_nor_approve(rollout: Rollout) -> None:
    hold = stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    with pytest.raises(NotPossible, match="for a person"):
        resume.ask(hold, by="rule:probes", reason="Healthy.")
    asked = resume.ask(hold, by="olga", reason="Mended.", lines=met(hold))
    with pytest.raises(NotPossible, match="for a person"):
        resume.approve(asked, by="rule:probes")


def test_a_refused_request_leaves_everything_stopped_and_may_be_asked_again(rollout: Rollout) -> None:
    hold = stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    asked = resume.ask(hold, by="olga", reason="Mended.", lines=met(hold))
    with pytest.raises(NotPossible, match="olga has asked already"):
        resume.ask(hold, by="piet", reason="Me too.")
    assert resume.refuse(asked, by="piet", reason="Not yet.").state == Resumption.State.REFUSED
    with pytest.raises(NotPossible, match="ask again"):
        resume.approve(asked, by="anna")
    assert world.live(rollout) == {"process"}
    resume.ask(hold, by="olga", reason="Mended now.")


def test_after_a_hold_of_everything_the_ramp_goes_on_where_it_was(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    StepProgress.objects.filter(rollout=rollout, number="1.1").update(ramp_day=3)
    stop.hold(rollout, by="anna", reason="Odd labels.")
    virtual_clock.advance(timedelta(days=2))
    world.start_again(rollout)
    rollout.refresh_from_db()
    assert (rollout.state, rollout.evidence_floor) == (Rollout.State.RUNNING, virtual_clock.now())
    assert world.live(rollout) == {"assign", "process"}
    assert world.step(rollout, "1.1").ramp_day == 3


def test_another_hold_still_stands_when_everything_starts_again(rollout: Rollout) -> None:
    stop.hold(rollout, operation="assign", by="anna", reason="Odd labels.")
    stop.hold(rollout, by="anna", reason="Everything.")
    world.start_again(rollout)
    assert world.live(rollout) == {"process"}


def test_a_rolled_back_step_starts_again_only_after_its_rollback_is_done(rollout: Rollout) -> None:
    made = stop.roll_back(rollout, step="1.1", by="anna", reason="Failures.", confirmation="1.1")
    hold = Hold.objects.get()
    asked = resume.ask(hold, by="olga", reason="Mended.", lines=met(hold))
    with pytest.raises(NotPossible, match="is not done"):
        resume.approve(asked, by="piet")
    Rollback.objects.filter(pk=made.pk).update(state=Rollback.State.DONE)
    resume.approve(asked, by="piet")
    assert (world.step(rollout, "1.1").state, world.mode(rollout, "assign")) == ("live", Mode.LIVE)


def test_after_everything_was_rolled_back_two_people_bring_it_back_as_its_gates_allow(rollout: Rollout) -> None:
    name = rollout.repository.full_name
    stop.roll_back(rollout, by="anna", reason="Strategy.", confirmation=name)
    Rollback.objects.update(state=Rollback.State.DONE)
    world.start_again(rollout)
    assert world.live(rollout) == {"assign", "process"}
    assert world.mode(rollout, "daily") == Mode.DRY_RUN
    assert TriggerState.objects.get(rollout=rollout).floor is not None


def test_a_finished_rollout_cannot_be_stopped_and_says_where_to(rollout: Rollout) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(state=Rollout.State.FINISHED)
    with pytest.raises(NotPossible, match="is over; switch the operation off"):
        stop.hold(rollout, by="anna", reason="Stop.")


def in_week_2(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    """Step 2.1 is live: a ramp on what step 1.1 made live."""
    world.go(rollout, "day-7", brought_forward="All are here.")
    virtual_clock.advance(timedelta(days=1))
    world.tick(rollout)


@pytest.mark.parametrize("scope", ["2.1", "2"])
def test_what_a_person_holds_stays_held_when_a_rule_rolls_its_step_back(
    rollout: Rollout, virtual_clock: VirtualClock, scope: str
) -> None:
    in_week_2(rollout, virtual_clock)
    stop.hold(rollout, step=scope, by="anna", reason="Odd labels.")
    stop.roll_back(rollout, step="2.1", by="rule:slow", reason="Too slow.")
    world.tick(rollout)
    assert world.mode(rollout, "assign") == Mode.DRY_RUN
    assert Hold.objects.get(operation="assign").by == "anna"


def test_holding_a_rolled_back_ramp_holds_what_went_on_without_it(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    in_week_2(rollout, virtual_clock)
    stop.roll_back(rollout, step="2.1", by="anna", reason="Too slow.", confirmation="2.1")
    world.tick(rollout)
    assert "assign" in world.live(rollout)
    stop.hold(rollout, step="2.1", by="anna", reason="Odd labels, too.")
    assert "assign" not in world.live(rollout)
    world.tick(rollout)
    assert "assign" not in world.live(rollout)


def test_rolling_back_again_what_was_started_again_stops_it_although_the_first_is_not_done(rollout: Rollout) -> None:
    made = stop.roll_back(rollout, step="1.1", by="anna", reason="Failures.", confirmation="1.1")
    Rollback.objects.filter(pk=made.pk).update(state=Rollback.State.DONE)
    world.start_again(rollout)
    Rollback.objects.filter(pk=made.pk).update(state=Rollback.State.RUNNING)  # undoing was chosen afterwards
    stop.roll_back(rollout, step="1.1", by="anna", reason="Failures again.", confirmation="1.1")
    assert world.mode(rollout, "assign") == Mode.OFF


@pytest.mark.parametrize("again", ["hold", "roll back"])
def test_a_stop_after_the_question_is_not_answered_by_it(rollout: Rollout, again: str) -> None:
    hold = stop.hold(rollout, step="1.1", by="rule:failing", reason="60 % failed.")
    asked = resume.ask(hold, by="olga", reason="Mended.", lines=met(hold))
    if again == "hold":
        stop.hold(rollout, step="1.1", by="anna", reason="It is not mended.")
    else:
        stop.roll_back(rollout, step="1.1", by="anna", reason="Not mended.", confirmation="1.1")
        Rollback.objects.update(state=Rollback.State.DONE)
    with pytest.raises(NotPossible, match="ask again"):
        resume.approve(asked, by="piet")
    assert "assign" not in world.live(rollout)
    assert AuditEntry.objects.filter(action="resumption.refused", actor="anna").exists()


def test_an_open_rollback_keeps_it_stopped_although_the_clock_went_back(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    hold = stop.hold(rollout, step="1.1", by="anna", reason="Odd labels.")
    virtual_clock.set(virtual_clock.now() - timedelta(hours=1))
    stop.roll_back(rollout, step="1.1", by="anna", reason="Failures.", confirmation="1.1")
    asked = resume.ask(hold, by="olga", reason="Mended.", lines=[{"met": True}] * 9)
    with pytest.raises(NotPossible, match="is not done"):
        resume.approve(asked, by="piet")


def test_a_good_probe_does_not_lift_the_hold_that_a_person_took_over(rollout: Rollout) -> None:
    seen = stop.hold(rollout, operation="assign", by="rule:failing", reason="60 % failed.", probes=2)
    stop.hold(rollout, operation="assign", by="anna", reason="I look at it.")
    trigger_actions.release(seen, by="rule:failing", reason="Healthy.", now=clock.now())
    assert Hold.objects.get(pk=seen.pk).released_at is None


def test_what_whoever_drills_switches_off_by_hand_stays_off(rollout: Rollout) -> None:
    stop.roll_back(rollout, step="1.1", by="anna", reason="Practice.", drill=True)
    operations.set_mode(world.operation(rollout, "process"), Mode.OFF, actor="anna", reason="Odd labels.")
    world.tick(rollout)
    Rollback.objects.update(state=Rollback.State.DONE, finished_at=clock.now())
    world.tick(rollout)
    assert world.mode(rollout, "process") == Mode.OFF
