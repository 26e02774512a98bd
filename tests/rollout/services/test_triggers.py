"""Triggers at work: fire once, on what is theirs, and do what the plan says in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from pipeline import clock
from pipeline.models import AuditEntry, Finding, Mode, Operation, Run, RunItem
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.plan import Action, Trigger
from rollout.metrics.registry import METRICS
from rollout.models import Evaluation, Firing, Gate, Hold, ProgressEntry, Rollout, StepProgress, TriggerState
from rollout.services import firings, triggers
from tests.factories import make_finding, make_handover, make_issue, make_item
from tests.rollout.evidence_rows import (
    ASSIGN_FAILING,
    COMPLETION_LOW,
    CONFLICTING,
    HALF_FAILING,
    HOUR,
    START,
    make_live,
    make_plan,
    make_rollout,
    make_runs,
)
from tests.rollout.services import rolling_back
from tests.rollout.services.doing import Doing

NOON = START + 12 * HOUR
BAD = "10:3 10:3 10:3 10:3"


@pytest.fixture(autouse=True)
def at_noon(db: None) -> Iterator[clock.VirtualClock]:
    moving = clock.VirtualClock(NOON)
    with clock.using(moving):
        yield moving


@pytest.fixture
def doing() -> Doing:
    return Doing()


def fired(rollout: Rollout, doing: Doing, now: datetime = NOON, **values: Any) -> list[tuple[str, str, str]]:
    rollout.refresh_from_db()
    found = triggers.evaluate(rollout, now=now, actions=doing.actions(), **values)
    return [(firing.trigger, firing.subject, firing.action) for firing in found]


def working(text: str = BAD, *wanted: Trigger, **values: Any) -> tuple[Rollout, list[Run]]:
    """The last of the runs ended an hour ago."""
    rollout = make_rollout(make_plan(triggers=wanted or (ASSIGN_FAILING,)), **values)
    return rollout, make_runs(make_live(rollout.repository), text, start=NOON - (2 * len(text.split()) - 1) * HOUR)


def conflict(rollout: Rollout, at: datetime = START + HOUR) -> int:
    issue = make_issue(repository=rollout.repository)
    make_finding(repository=rollout.repository, issue=issue, check_id="state.conflict", first_seen=at)
    return issue.number


def test_breach_rolls_its_step_back_and_says_why(doing: Doing) -> None:
    rollout, _runs = working()
    assert fired(rollout, doing) == [("assign-failing", "assign", "roll_back")]
    assert doing.done == [("roll back", "1.1", "rule:assign-failing")]
    firing = Firing.objects.get()
    assert firing.sentence == (
        "“>20% failure rate across 4 runs” on assign: 30 % (12 of 40 items failed) over the last 4 runs; "
        "the line is above 20 %."
    )
    assert AuditEntry.objects.get(action="trigger.fired").evidence["evaluation"] == firing.evaluation_id


def test_healthy_operation_fires_nothing_and_is_on_record(doing: Doing) -> None:
    rollout, _runs = working("10:1 10:0 10:1 10:0")
    assert fired(rollout, doing) == []
    assert Evaluation.objects.get(rule="assign-failing").verdict == "pass"


def test_evaluating_again_changes_nothing(doing: Doing) -> None:
    rollout, runs = working("10:1 10:0 10:1 10:0")
    for _time in range(3):
        fired(rollout, doing, run=runs[-1])
    assert Evaluation.objects.filter(rule="assign-failing").count() == 1


def test_same_evidence_fires_once_even_after_the_hold_is_lifted_by_other_hands(doing: Doing) -> None:
    rollout, _runs = working("10:10", replace(HALF_FAILING, action=Action.HOLD))
    assert len(fired(rollout, doing)) == 1
    Hold.objects.all().delete()
    assert fired(rollout, doing) == []


def test_held_operation_is_not_held_again_on_new_evidence(doing: Doing) -> None:
    rollout, _runs = working("10:10", replace(HALF_FAILING, action=Action.HOLD))
    fired(rollout, doing)
    operation = Operation.objects.get(name="assign")
    make_runs(operation, "10:10", start=NOON + HOUR)
    assert fired(rollout, doing, NOON + 2 * HOUR) == []
    assert Hold.objects.count() == 1


def test_run_evaluates_only_its_own_operation(doing: Doing) -> None:
    rollout, runs = working("10:1", HALF_FAILING)
    make_runs(make_live(rollout.repository, "process"), "5:5 5:5", start=NOON - 3 * HOUR)
    assert fired(rollout, doing, run=runs[0]) == []
    assert fired(rollout, doing) == [("half-failing", "process", "roll_back")]


def test_plan_wide_trigger_judges_each_operation_by_itself(doing: Doing) -> None:
    rollout, _runs = working("10:0 10:0", HALF_FAILING)
    make_runs(make_live(rollout.repository, "process"), "5:0 5:1", start=NOON - 3 * HOUR)
    fired(rollout, doing)
    found = Evaluation.objects.filter(rule="half-failing").values_list("subject", "value")
    assert sorted(found) == [("assign", 0.0), ("process", 0.1)]


def test_one_bad_run_in_six_hours_holds_the_operation(doing: Doing) -> None:
    rollout, _runs = working("10:10", HALF_FAILING)
    assert fired(rollout, doing) == [("half-failing", "assign", "hold")]
    assert "n = 1" in Firing.objects.get().sentence
    assert doing.told == ["Held: half-failing"]


def test_conflicting_states_are_named(doing: Doing) -> None:
    rollout, _runs = working("10:0", CONFLICTING)
    number = conflict(rollout)
    assert fired(rollout, doing) == [("conflicting-states", "", "roll_back")]
    assert f"#{number}" in Firing.objects.get().sentence
    assert doing.done == [("roll back", "everything", "rule:conflicting-states")]


def test_the_whole_is_rolled_back_before_a_step_and_then_nothing_more(doing: Doing) -> None:
    rollout, _runs = working(BAD, ASSIGN_FAILING, CONFLICTING)
    conflict(rollout)
    assert fired(rollout, doing) == [("conflicting-states", "", "roll_back")]
    assert fired(rollout, doing) == []


@pytest.mark.parametrize("state", ["prepared", "rolled_back", "finished"])
def test_rollout_that_is_not_at_work_fires_nothing(doing: Doing, state: str) -> None:
    rollout, _runs = working(state=Rollout.State(state))
    assert fired(rollout, doing) == []


def test_trigger_of_a_waiting_step_watches_nothing(doing: Doing) -> None:
    rollout, _runs = working()
    StepProgress.objects.update(state=StepProgress.State.WAITING)
    assert fired(rollout, doing) == []


def test_disarmed_trigger_is_on_record_and_does_nothing(doing: Doing) -> None:
    rollout, _runs = working()
    firings.disarm(rollout, "assign-failing", by="olga", reason="The runner is being replaced.")
    assert fired(rollout, doing) == []
    assert Evaluation.objects.get(rule="assign-failing").verdict == "breach"
    firings.arm(rollout, "assign-failing", by="olga", reason="Done.")
    assert len(fired(rollout, doing)) == 1


def test_killed_between_firing_and_deed_it_fires_again(doing: Doing) -> None:
    rollout, _runs = working()
    doing.fails = True
    with pytest.raises(RuntimeError, match="killed here"):
        fired(rollout, doing)
    assert not Firing.objects.exists()
    doing.fails = False
    assert len(fired(rollout, doing)) == 1


def test_trigger_that_cannot_act_is_told_once_and_keeps_no_other_from_acting(doing: Doing) -> None:
    rollout, _runs = working(BAD, ASSIGN_FAILING, CONFLICTING)
    conflict(rollout)
    everything = doing.roll_back

    def refuses(rollout: Rollout, *, step: str, **values: Any) -> Any:
        if not step:
            raise NotPossible("The saga is being mended.")
        return everything(rollout, step=step, **values)

    doing.roll_back = refuses  # type: ignore[method-assign]
    assert fired(rollout, doing) == [("assign-failing", "assign", "roll_back")]
    fired(rollout, doing)
    told = ProgressEntry.objects.filter(sentence__contains="could not act: The saga is being mended.")
    assert told.count() == 1


# --- from when evidence counts ---


def test_dismissed_evidence_never_fires_again_and_new_evidence_does(doing: Doing) -> None:
    rollout, _runs = working("10:10", replace(HALF_FAILING, action=Action.WARN))
    fired(rollout, doing)
    firings.dismiss(Firing.objects.get(), by="olga", reason="A known outage.", now=NOON)
    assert fired(rollout, doing, NOON + HOUR) == []
    make_runs(Operation.objects.get(name="assign"), "10:10", start=NOON + 8 * HOUR)
    assert len(fired(rollout, doing, NOON + 9 * HOUR)) == 1


def test_decision_of_a_gate_starts_evidence_again(doing: Doing) -> None:
    rollout, _runs = working()
    Gate.objects.create(
        rollout=rollout, slug="day-7", state="decided", asked_by="olga", asked_at=NOON, evidence_hash="x",
        verdict="pass", decision="hold", reason="Wait.", decided_by="olga", decided_at=START + 8 * HOUR,
    )  # fmt: skip
    assert fired(rollout, doing) == []


def test_going_live_starts_evidence_again(doing: Doing, at_noon: clock.VirtualClock) -> None:
    rollout, _runs = working()
    at_noon.set(START + 8 * HOUR)
    turned(rollout, "operation.mode", {"mode": Mode.DRY_RUN}, {"mode": Mode.LIVE})
    assert fired(rollout, doing) == []


def test_limit_that_moves_below_its_height_does_not(doing: Doing, at_noon: clock.VirtualClock) -> None:
    """Quota and backlog move limits all day; that must not keep a failing operation from being judged."""
    rollout, _runs = working()
    for hour, (before, after) in ((6, (10, 4)), (8, (4, 9)), (10, (9, 10))):
        at_noon.set(START + hour * HOUR)
        turned(rollout, "operation.limit", {"limit": before}, {"limit": after})
    assert len(fired(rollout, doing)) == 1


def test_limit_that_rises_to_a_new_height_does(doing: Doing, at_noon: clock.VirtualClock) -> None:
    rollout, _runs = working()
    at_noon.set(START + 8 * HOUR)
    turned(rollout, "operation.limit", {"limit": 10}, {"limit": 15})
    assert fired(rollout, doing) == []


def turned(rollout: Rollout, action: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    operation = Operation.objects.select_related("repository").get(repository=rollout.repository, name="assign")
    audit.append(
        actor="rule:reconcile", action=action, subject=str(operation), reason="The plan.", before=before, after=after
    )


# --- decisions of people ---


def low_completion(rollout: Rollout) -> None:
    for day in range(3):
        issue = make_issue(repository=rollout.repository, state="copilot")
        make_handover(issue=issue, requested_at=START + (24 * day + 1) * HOUR)


def test_manual_trigger_lays_the_evidence_out_and_asks_once(doing: Doing) -> None:
    rollout = make_rollout()
    low_completion(rollout)
    late = START + 6 * 24 * HOUR
    assert fired(rollout, doing, late) == [("completion-low", "", "decide")]
    firing = Firing.objects.get()
    assert firing.outcome == Firing.Outcome.WAITING
    assert "2026-11-02: 0 of 1" in firing.sentence
    assert fired(rollout, doing, late + HOUR) == []
    assert doing.done == []


def test_what_people_decide_is_measured_by_the_hour_and_never_by_a_run(doing: Doing) -> None:
    rollout, runs = working("10:0", COMPLETION_LOW)
    TriggerState.objects.create(rollout=rollout, slug="completion-low")
    low_completion(rollout)
    late = START + 6 * 24 * HOUR
    assert fired(rollout, doing, late, run=runs[0]) == []
    assert len(fired(rollout, doing, late)) == 1
    Firing.objects.all().delete()
    Evaluation.objects.all().delete()
    assert fired(rollout, doing, late + 0.9 * HOUR) == []
    assert len(fired(rollout, doing, late + HOUR)) == 1


def test_decision_can_be_raised_by_hand_once() -> None:
    rollout = make_rollout()
    raised = firings.raise_by_hand(rollout, "strategic-pivot", by="sam", reason="Priorities changed.", now=NOON)
    assert raised.sentence == "“Strategic pivot”, raised by sam: Priorities changed."
    with pytest.raises(NotPossible, match="waits already"):
        firings.raise_by_hand(rollout, "strategic-pivot", by="sam", reason="Still.", now=NOON)


def test_settled_decision_uses_its_evidence_up() -> None:
    rollout = make_rollout()
    raised = firings.raise_by_hand(rollout, "strategic-pivot", by="sam", reason="Priorities changed.", now=NOON)
    firings.settle(raised, by="olga", reason="Held everything.", now=NOON)
    assert TriggerState.objects.get(slug="strategic-pivot").floor == NOON
    with pytest.raises(NotPossible, match="does not wait"):
        firings.settle(raised, by="olga", reason="Again.", now=NOON)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda r: firings.clear(r, "assign-failing", by="rule:x", reason="Because.", now=NOON), "for a person"),
        (lambda r: firings.clear(r, "assign-failing", by="olga", reason=" ", now=NOON), "needs a reason"),
        (lambda r: firings.disarm(r, "unheard-of", by="olga", reason="Because."), "no trigger 'unheard-of'"),
    ],
)
def test_refusals_change_nothing(call: Any, told: str) -> None:
    rollout = make_rollout()
    with pytest.raises(NotPossible, match=told):
        call(rollout)
    assert not TriggerState.objects.filter(floor__isnull=False).exists()
    assert not AuditEntry.objects.exists()


# --- what cannot be measured, and what never came ---


def test_what_cannot_be_measured_for_an_hour_is_held(doing: Doing) -> None:
    rollout, _runs = working("10:0", replace(CONFLICTING, metric="happiness"))
    assert fired(rollout, doing) == []
    assert fired(rollout, doing, NOON + 0.5 * HOUR) == []
    assert fired(rollout, doing, NOON + HOUR) == [("conflicting-states", "", "hold")]


def test_runs_that_never_came_are_warned_of_once(doing: Doing) -> None:
    rollout = make_rollout()
    make_live(rollout.repository, "assign", cron="0 */2 * * *", slots_since=START)
    found = fired(rollout, doing, START + 3 * HOUR)
    assert found == [("missing-runs", "", "warn")]
    assert "assign at 2026-11-02 02:00" in Firing.objects.get().sentence
    assert fired(rollout, doing, START + 5 * HOUR) == []


# --- guarded: hold, probe, then roll back ---


def ended(run: Run, failed: int, judged: int = 20) -> None:
    for number in range(judged):
        make_item(run=run, state=RunItem.State.FAILED if number < failed else RunItem.State.PLANNED)
    Run.objects.filter(pk=run.pk).update(state=Run.State.SUCCEEDED, started_at=NOON, finished_at=NOON)


def probe(rollout: Rollout, doing: Doing, slot: int, failed: int) -> list[tuple[str, str, str]]:
    now = NOON + (2 * slot + 0.1) * HOUR
    fired(rollout, doing, now)
    ended(Run.objects.filter(mode=Mode.DRY_RUN).latest("pk"), failed)
    return fired(rollout, doing, now + 0.2 * HOUR)


def test_guarded_holds_and_then_rolls_back_after_two_bad_probes(doing: Doing) -> None:
    rollout, _runs = working("10:3 10:3 x x", profile="guarded")
    assert fired(rollout, doing) == [("assign-failing", "assign", "hold_and_probe")]
    assert probe(rollout, doing, 1, failed=3) == []
    assert probe(rollout, doing, 2, failed=9) == [("assign-failing", "assign", "roll_back")]
    assert [what for what, _on, _by in doing.done] == ["hold", "probe", "probe", "roll back"]
    assert "2 probes in a row were bad (3 of 20 failed; 9 of 20 failed)" in Firing.objects.latest("pk").sentence
    assert fired(rollout, doing, NOON + 9 * HOUR) == []


def test_guarded_goes_on_after_a_good_probe_and_not_on_old_evidence(doing: Doing) -> None:
    rollout, _runs = working("10:3 10:3 x x", profile="guarded")
    fired(rollout, doing)
    probe(rollout, doing, 1, failed=1)
    assert doing.done[-1] == ("release", "assign", "rule:assign-failing")
    assert fired(rollout, doing, NOON + 4 * HOUR) == []


def test_third_hold_within_36_runs_rolls_back(doing: Doing) -> None:
    rollout, _runs = working("10:0 x x", profile="guarded")
    operation = Operation.objects.get(name="assign")
    for round_ in range(2):
        now = NOON + 10 * round_ * HOUR
        assert fired(rollout, doing, now)[-1][2] == "hold_and_probe"
        hold = Hold.objects.latest("pk")
        doing.release(hold, by=hold.by, reason="Passed.", now=now + HOUR)
        make_runs(operation, "x x", start=now + 2 * HOUR)
    assert fired(rollout, doing, NOON + 20 * HOUR) == [("assign-failing", "assign", "roll_back")]


def test_persons_hold_is_never_probed_or_lifted(doing: Doing) -> None:
    rollout, _runs = working("10:0", profile="guarded")
    Hold.objects.create(rollout=rollout, operation="assign", by="olga", reason="Stop.", at=START, probes=2)
    fired(rollout, doing)
    assert doing.done == []


def test_step_that_is_held_is_not_held_again_by_new_evidence() -> None:
    trigger = replace(CONFLICTING, action=Action.HOLD, scope="step", step="1.1")
    rollout = make_rollout(make_plan(triggers=(trigger,)))
    make_live(rollout.repository)
    conflict(rollout)
    assert [firing.action for firing in triggers.evaluate(rollout, now=NOON)] == ["hold"]
    conflict(rollout)
    assert triggers.evaluate(rollout, now=NOON + HOUR) == []


def test_what_cannot_be_measured_is_held_anew_after_people_started_again(doing: Doing) -> None:
    rollout = make_rollout(make_plan(triggers=(replace(CONFLICTING, action=Action.HOLD, metric="gone"),)))
    held = [("conflicting-states", "", "hold")]
    assert [fired(rollout, doing, NOON + hours * HOUR) for hours in (0, 1)] == [[], held]
    Hold.objects.update(released_at=NOON + 2 * HOUR, released_by="olga")
    TriggerState.objects.update(floor=NOON + 2 * HOUR)
    assert [fired(rollout, doing, NOON + hours * HOUR) for hours in (2.1, 3.2)] == [[], held]


# --- the price ---


def test_look_at_every_operation_of_the_shipped_plan_takes_few_queries(
    doing: Doing, django_assert_max_num_queries: Any
) -> None:
    rollout = rolling_back.make_rollout()
    fired(rollout, doing)
    with django_assert_max_num_queries(22):
        assert triggers.evaluate(rollout, now=NOON, actions=doing.actions()) == []


# --- the board ---


def test_board_shows_value_line_distance_and_last_firing(doing: Doing) -> None:
    rollout, _runs = working("10:1 10:1 10:1 10:1", ASSIGN_FAILING)
    row = next(row for row in triggers.board(rollout, NOON) if row.slug == "assign-failing")
    assert (row.value, row.n, row.threshold) == (0.1, 40, 0.2)
    assert row.distance == pytest.approx(0.1)
    assert (row.shown, row.line, row.window, row.per) == ("10 %", "above 20 %", "over the last 4 runs", "item")
    assert (row.armed, row.in_force, row.verdict, row.last_fired_at) == (True, True, "pass", None)


def test_board_writes_nothing_and_lists_what_people_raise(doing: Doing) -> None:
    rollout = make_rollout()
    make_runs(make_live(rollout.repository), BAD)
    rows = triggers.board(rollout, NOON)
    assert {row.slug for row in rows} >= {"assign-failing", "half-failing", "strategic-pivot", "missing-runs"}
    assert not Evaluation.objects.exists()
    assert next(row for row in rows if row.slug == "assign-failing").distance == pytest.approx(-0.1)


def test_board_names_the_last_firing(doing: Doing) -> None:
    rollout, _runs = working()
    fired(rollout, doing)
    row = next(row for row in triggers.board(rollout, NOON) if row.slug == "assign-failing")
    assert (row.last_fired_at, row.last_firing) == (NOON, Firing.objects.get())


def test_what_holds_now_is_the_newest_evaluation_also_where_it_held_before(doing: Doing) -> None:
    rollout, _runs = working("10:0", replace(CONFLICTING, action=Action.WARN))
    type(rollout.repository).objects.update(synced_at=NOON)
    fired(rollout, doing)
    conflict(rollout)
    fired(rollout, doing)
    Finding.objects.update(resolved_at=NOON)
    fired(rollout, doing)
    fired(rollout, doing)
    kept = Evaluation.objects.filter(rule="conflicting-states").order_by("pk")
    assert list(kept.values_list("verdict", flat=True)) == ["pass", "breach", "pass"]
    assert Firing.objects.count() == 1


def test_what_can_be_measured_again_in_between_is_not_held_at_its_next_hiccup(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout, _runs = working("10:0", replace(CONFLICTING, action=Action.HOLD))
    for hours, is_down, expected in (
        (0, True, []),
        (0.5, False, []),
        (3, True, []),
        (4, True, [("conflicting-states", "", "hold")]),
    ):
        with monkeypatch.context() as patched:
            if is_down:
                patched.delitem(METRICS, "conflicting_states")
            assert fired(rollout, doing, NOON + hours * HOUR) == expected
