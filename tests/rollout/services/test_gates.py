"""Gates: asked, signed, decided, withdrawn, void."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services.operations import NotPossible
from rollout.domain.plan import Criterion, Plan, Source
from rollout.models import Announcement, Gate, Hold, PlanVersion, Rollout, Tick
from rollout.services import gates, plans, rollouts, stop, ticks
from tests.rollout import world
from tests.rollout.hand_plan import SIGNERS, make_plan, with_criteria

pytestmark = pytest.mark.django_db

LOOKED_AT = Criterion("looked-at", "Somebody looked at it", Source.MANUAL)
MEASURED = Criterion(
    "no-criticals", "Zero critical errors", Source.AUTOMATIC, metric="critical_errors", comparator="==", threshold=0
)


@pytest.fixture
def rollout(virtual_clock: VirtualClock) -> Rollout:
    return on_the_eve(virtual_clock, make_plan())


def on_the_eve(clock: VirtualClock, plan: Plan) -> Rollout:
    made = world.started(plan)
    clock.set(datetime(2026, 11, 8, 9, tzinfo=UTC))
    world.tick(made)
    return made


def first(rollout: Rollout, role: str = SIGNERS[0]) -> tuple[str, str]:
    return role, world.signer(rollout, role)


def test_a_gate_is_not_asked_before_its_day(virtual_clock: VirtualClock) -> None:
    made = world.started()
    with pytest.raises(NotPossible, match="due on 2026-11-08; bring it forward"):
        gates.ask(made, "sign-off", by="olga")
    assert not Gate.objects.exists()


def test_a_gate_brought_forward_opens_its_phase_the_day_after(virtual_clock: VirtualClock) -> None:
    made = world.started()
    world.go(made, "sign-off", brought_forward="Everybody is here today.")
    virtual_clock.advance(timedelta(days=1))
    world.tick(made)
    made.refresh_from_db()
    assert made.phase == "week-1"
    assert world.live(made) == {"assign", "process"}


def test_go_with_every_signature_is_written_with_reason_and_names(rollout: Rollout) -> None:
    gate = world.go(rollout, "sign-off")
    assert (gate.state, gate.decision, gate.decided_by) == (Gate.State.DECIDED, "go", "olga")
    entry = AuditEntry.objects.get(action="gate.decided")
    assert set(entry.after["signatures"]) == set(SIGNERS)
    assert entry.evidence["evidence_hash"] == gate.evidence_hash


def test_those_who_sign_are_told_of_question_and_decision(rollout: Rollout) -> None:
    gate = world.go(rollout, "sign-off")
    told = dict(Announcement.objects.filter(channel="slack").values_list("key", "body"))
    assert told[f"gate:{gate.pk}:slack"] == "The gate sign-off is asked: Proceed? devops, assignment sign."
    assert "is decided by olga: go" in told[f"gate:{gate.pk}:decided:slack"]


def test_go_without_every_signature_is_refused_and_names_who_is_missing(rollout: Rollout) -> None:
    gate = gates.ask(rollout, "sign-off", by="olga")
    role, by = first(rollout)
    gates.sign(gate, role=role, by=by)
    with pytest.raises(NotPossible, match="Still to sign: assignment"):
        gates.decide(gate, "go", by="olga", reason="Now.")
    gate.refresh_from_db()
    assert gate.state == Gate.State.ASKED


def test_the_one_who_asked_cannot_sign(rollout: Rollout) -> None:
    role, by = first(rollout)
    gate = gates.ask(rollout, "sign-off", by=by)
    with pytest.raises(NotPossible, match="cannot sign it"):
        gates.sign(gate, role=role, by=by)


def test_the_one_who_asked_cannot_sign_under_the_same_name_in_capitals(rollout: Rollout) -> None:
    role, by = first(rollout)
    gate = gates.ask(rollout, "sign-off", by=by)
    with pytest.raises(NotPossible, match="cannot sign it"):
        gates.sign(gate, role=role, by=by.upper())
    assert not gate.signatures.exists()


def test_a_gate_signed_twice_is_refused_in_one_sentence(rollout: Rollout) -> None:
    gate = gates.ask(rollout, "sign-off", by="olga")
    role, by = first(rollout)
    gates.sign(gate, role=role, by=by)
    with pytest.raises(NotPossible, match="devops has signed already"):
        gates.sign(gate, role=role, by=by)
    assert gate.signatures.count() == 1


def test_one_person_signs_for_one_role(rollout: Rollout) -> None:
    gate = gates.ask(rollout, "sign-off", by="olga")
    role, by = first(rollout)
    gates.sign(gate, role=role, by=by)
    rollout.role_holders.filter(role="assignment").update(user=rollout.role_holders.get(role=role).user)
    with pytest.raises(NotPossible, match="has signed already for another role"):
        gates.sign(gate, role="assignment", by=by)


@pytest.mark.parametrize(
    ("role", "by", "match"),
    [
        ("devops", "somebody", "does not hold the role devops"),
        ("lead", "olga", "asks devops, assignment to sign"),
        ("devops", "rule:gate", "for a person to do"),
    ],
)
def test_only_holders_of_the_plans_roles_sign(rollout: Rollout, role: str, by: str, match: str) -> None:
    gate = gates.ask(rollout, "sign-off", by="piet")
    with pytest.raises(NotPossible, match=match):
        gates.sign(gate, role=role, by=by)


def test_a_changed_plan_voids_the_gate_and_its_signatures(rollout: Rollout) -> None:
    gate = world.sign_all(gates.ask(rollout, "sign-off", by="olga"))
    text = rollout.plan.text.replace("Every two hours.", "Every two hours, as agreed.")
    changed = PlanVersion.objects.create(
        slug="by-hand",
        version=99999,
        title="x",
        text=text,
        sha256=plans.digest(text),
        status="frozen",
        created_at=rollout.created_at,
        frozen_at=rollout.created_at,
    )
    Rollout.objects.filter(pk=rollout.pk).update(plan=changed)
    with pytest.raises(NotPossible, match="is void: The plan or the frozen evidence changed"):
        gates.decide(gate, "go", by="olga", reason="Now.")
    gate.refresh_from_db()
    assert gate.state == Gate.State.VOID
    assert world.live(rollout) == set()


def test_an_answer_that_changes_voids_the_gate(virtual_clock: VirtualClock) -> None:
    made = on_the_eve(virtual_clock, with_criteria(make_plan(), "rehearsal", LOOKED_AT))
    tick(made, virtual_clock, met=True)
    gate = world.sign_all(gates.ask(made, "sign-off", by="olga"))
    tick(made, virtual_clock, met=False)
    world.tick(made)
    gate.refresh_from_db()
    assert gate.state == Gate.State.VOID


def tick(rollout: Rollout, clock: VirtualClock, *, met: bool) -> Tick:
    return Tick.objects.create(
        rollout=rollout, criterion="looked-at", met=met, note="I did.", by="anna", at=clock.now()
    )


def test_manual_criteria_ticked_before_day_one_let_the_first_gate_pass(virtual_clock: VirtualClock) -> None:
    made = on_the_eve(virtual_clock, with_criteria(make_plan(), "rehearsal", LOOKED_AT))
    ticks.answer(made, "looked-at", met=True, note="I did.", by="anna")
    assert gates.ask(made, "sign-off", by="olga").verdict == "pass"


def test_insufficient_evidence_needs_its_own_reason_and_signatures_that_know(virtual_clock: VirtualClock) -> None:
    made = on_the_eve(virtual_clock, with_criteria(make_plan(), "rehearsal", LOOKED_AT))
    plain = world.sign_all(gates.ask(made, "sign-off", by="olga"))
    with pytest.raises(NotPossible, match="ask again to proceed on insufficient evidence"):
        gates.decide(plain, "go", by="olga", reason="Now.")
    gates.withdraw(plain, by="olga", reason="Asked anew.")
    gate = gates.ask(made, "sign-off", by="olga", insufficient="The rehearsal was short.")
    role, by = first(made)
    with pytest.raises(NotPossible, match="sign that you know"):
        gates.sign(gate, role=role, by=by)
    world.sign_all(gate)
    assert gates.decide(gate, "go", by="olga", reason="We accept that.").decision == "go"


def test_a_criterion_that_is_answered_with_no_refuses_go(virtual_clock: VirtualClock) -> None:
    made = on_the_eve(virtual_clock, with_criteria(make_plan(), "rehearsal", LOOKED_AT))
    tick(made, virtual_clock, met=False)
    gate = world.sign_all(gates.ask(made, "sign-off", by="olga", insufficient="Never mind."))
    with pytest.raises(NotPossible, match="A criterion is not met"):
        gates.decide(gate, "go", by="olga", reason="Now.")


def test_automatic_criteria_that_are_not_shown_keep_the_gate_from_being_asked(virtual_clock: VirtualClock) -> None:
    made = on_the_eve(virtual_clock, with_criteria(make_plan(), "rehearsal", MEASURED))
    with pytest.raises(NotPossible, match="Not shown yet: no-criticals"):
        gates.ask(made, "sign-off", by="olga")


@pytest.mark.parametrize("decision", ["no_go", "iterate"])
def test_another_decision_opens_nothing_and_the_gate_can_be_asked_again(
    rollout: Rollout, virtual_clock: VirtualClock, decision: str
) -> None:
    gate = gates.ask(rollout, "sign-off", by="olga")
    gates.decide(gate, decision, by="olga", reason="Not yet.")
    virtual_clock.advance(timedelta(days=10))
    world.tick(rollout)
    assert world.live(rollout) == set()
    assert world.go(rollout, "sign-off").decision == "go"
    assert world.live(rollout) == {"assign", "process"}


def test_hold_stops_everything(rollout: Rollout) -> None:
    gates.decide(gates.ask(rollout, "sign-off", by="olga"), "hold", by="olga", reason="The team is away.")
    rollout.refresh_from_db()
    assert rollout.state == Rollout.State.HELD
    assert Hold.objects.get().reason == "Decided at the gate sign-off: The team is away."


def test_go_is_refused_while_everything_is_held(rollout: Rollout) -> None:
    gate = world.sign_all(gates.ask(rollout, "sign-off", by="olga"))
    stop.hold(rollout, by="anna", reason="Wait.")
    with pytest.raises(NotPossible, match="start again first"):
        gates.decide(gate, "go", by="olga", reason="Now.")


def test_a_gate_of_another_phase_and_an_unknown_gate_are_refused(rollout: Rollout) -> None:
    with pytest.raises(NotPossible, match="ends the phase week-1; in force is rehearsal"):
        gates.ask(rollout, "day-7", by="olga")
    with pytest.raises(NotPossible, match="has no gate 'day-8'"):
        gates.ask(rollout, "day-8", by="olga")


def test_a_gate_is_asked_once_at_a_time(rollout: Rollout) -> None:
    gates.ask(rollout, "sign-off", by="olga")
    with pytest.raises(NotPossible, match="is being asked already"):
        gates.ask(rollout, "sign-off", by="piet")


def test_a_decided_gate_is_not_decided_again(rollout: Rollout) -> None:
    gate = world.go(rollout, "sign-off")
    with pytest.raises(NotPossible, match="This gate is decided"):
        gates.decide(gate, "no_go", by="olga", reason="Second thoughts.")


def test_the_last_gate_finishes_the_rollout(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    for slug, days in (("sign-off", 8), ("day-7", 7), ("day-14", 7), ("day-21", 0)):
        world.go(rollout, slug)
        virtual_clock.advance(timedelta(days=days))
        world.tick(rollout)
    rollout.refresh_from_db()
    assert rollout.state == Rollout.State.FINISHED
    assert world.live(rollout) == {"assign", "process", "daily"}
    with pytest.raises(NotPossible):
        rollouts.finish(rollout, actor="olga", reason="Again.")
