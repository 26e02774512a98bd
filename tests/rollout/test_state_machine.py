"""The rollout's own state machine under random events: people, rules, days, and a clock that jumps.

After every event the control loop runs twice. What is checked is said of the rows, without asking the code under test:
nothing is live without a gate that the right people signed, a person's stop stands until two people lift it, and the
second reconcile changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pipeline import clock
from pipeline.models import Mode
from pipeline.services import audit, operations
from pipeline.services.operations import NotPossible
from rollout.domain.plan import Criterion
from rollout.domain.verdicts import Verdict
from rollout.models import Evaluation, Gate, Hold, Override, Rollback, Rollout
from rollout.services import evaluation, gates, overrides, resume, saga, stop
from tests.rollout import world
from tests.rollout.hand_plan import SIGNERS, make_plan

PLAN = make_plan()
OPERATIONS = ("assign", "process", "daily")
# Small scopes more often than large ones, or everything would be stopped most of the time.
SCOPES = st.sampled_from([{"operation": name} for name in OPERATIONS] * 3 + [{"step": "1.1"}, {"step": "1.3"}, {}])
PEOPLE = st.sampled_from(["anna", "olga"])
# What each step turns live, said again here by hand.
TURNS = {"1.1": "assign", "1.2": "process", "1.3.2": "daily"}
OPENED_BY = {"1.1": "sign-off", "1.2": "sign-off", "1.3.2": "day-7"}
STOPS = {"1.1": {"assign"}, "1.3": {"daily"}}

search = os.environ.get("HYPOTHESIS_PROFILE") == "search"
SETTINGS = settings(
    max_examples=100 if search else 8,
    stateful_step_count=60 if search else 30,
    phases=(Phase.generate, Phase.shrink) if search else (Phase.generate,),  # shrinking outlasts a test's time limit
    deadline=None,
    derandomize=not search,
    suppress_health_check=list(HealthCheck),
)


class RolloutMachine(RuleBasedStateMachine):
    """`stopped` holds the scopes that a person stopped and that nobody lifted, by the hold's id."""

    verdict = Verdict.PASS

    def __init__(self) -> None:
        super().__init__()
        self.around = transaction.atomic()
        self.around.__enter__()
        self.clock = clock.VirtualClock(datetime(2026, 11, 7, 9, tzinfo=UTC))
        self.using = clock.using(self.clock)
        self.using.__enter__()
        type(self).verdict = Verdict.PASS
        self.rollout = world.started(PLAN)
        self.stopped: dict[int, dict[str, str]] = {}
        self.refusals: list[str] = []

    @initialize(weeks=st.sampled_from([1, 1, 2, 0]))
    def some_weeks_went_well(self, weeks: int) -> None:
        """Chance alone would seldom come so far."""
        for slug, days in (("sign-off", 2), ("day-7", 7))[:weeks]:
            world.go(self.fresh(), slug, brought_forward="All are here.")
            self.clock.advance(timedelta(days=days))
            world.tick(self.rollout)
        assert len(world.live(self.rollout)) == (0, 2, 3)[weeks]

    def teardown(self) -> None:
        assert audit.verify().fault == ""
        assert all(sentence.endswith(".") for sentence in self.refusals), self.refusals
        self.using.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)

    def fresh(self) -> Rollout:
        return Rollout.objects.select_related("repository", "plan").get(pk=self.rollout.pk)

    def tried(self, call: Callable[[], Any]) -> Any:
        """What is refused changes nothing, and is told in a sentence."""
        try:
            return call()
        except NotPossible as refusal:
            self.refusals.append(str(refusal))
            return None

    def asked(self) -> Gate | None:
        return Gate.objects.filter(rollout=self.rollout, state=Gate.State.ASKED).first()

    @rule(by=PEOPLE, early=st.booleans(), insufficient=st.booleans())
    def ask(self, by: str, early: bool, insufficient: bool) -> None:
        phase = PLAN.phase(self.fresh().phase)
        assert phase is not None
        self.tried(
            lambda: gates.ask(
                self.fresh(),
                phase.gate.slug,
                by=by,
                brought_forward="All are here." if early else "",
                insufficient="It is little." if insufficient else "",
            )
        )

    @rule(role=st.sampled_from(SIGNERS), mine=st.booleans(), knowing=st.booleans())
    def sign(self, role: str, mine: bool, knowing: bool) -> None:
        gate = self.asked()
        if gate is not None:
            by = world.signer(self.rollout, role) if mine else "olga"
            self.tried(lambda: gates.sign(gate, role=role, by=by, on_insufficient=knowing))

    @rule(decision=st.sampled_from(["go", "go", "go", "no_go", "iterate", "hold"]), by=PEOPLE)
    def decide(self, decision: str, by: str) -> None:
        gate = self.asked()
        if gate is None:
            return
        decided = self.tried(lambda: gates.decide(gate, decision, by=by, reason="So."))
        if decided is not None and decision == "hold":
            self.stopped[Hold.objects.latest("pk").pk] = {}

    @rule()
    def everybody_goes(self) -> None:
        phase = PLAN.phase(self.fresh().phase)
        assert phase is not None
        self.tried(lambda: world.go(self.fresh(), phase.gate.slug, brought_forward="All are here."))

    @rule(scope=SCOPES, by=PEOPLE)
    def hold(self, scope: dict[str, Any], by: str) -> None:
        held = self.tried(lambda: stop.hold(self.fresh(), by=by, reason="Odd labels.", **scope))
        if held is not None:
            self.stopped[held.pk] = scope

    @rule(scope=SCOPES, action=st.sampled_from(["hold", "roll_back"]))
    def trigger_fires(self, scope: dict[str, Any], action: str) -> None:
        by, reason = "rule:failing", "60 % of the items failed."
        if action == "hold" or "operation" in scope:
            self.tried(lambda: stop.hold(self.fresh(), by=by, reason=reason, **scope))
        else:
            self.tried(lambda: stop.roll_back(self.fresh(), by=by, reason=reason, **scope))

    @rule(step=st.sampled_from(["1.1", "1.3", "1.1", "1.3", ""]), typed=st.booleans())
    def roll_back(self, step: str, typed: bool) -> None:
        word = stop.scope_name(self.fresh(), step) if typed else "yes"
        made = self.tried(
            lambda: stop.roll_back(self.fresh(), step=step, by="anna", reason="Broken.", confirmation=word)
        )
        assert typed or made is None
        if made is not None:
            held = Hold.objects.get(rollout=self.rollout, operation="", step=step, released_at__isnull=True)
            self.stopped[held.pk] = {"step": step} if step else {}

    @rule(met=st.booleans(), alone=st.booleans(), over=st.booleans())
    def ask_to_resume(self, met: bool, alone: bool, over: bool) -> None:
        """Complete or not: the checklist, the second person, the rollback."""
        if over:
            Rollback.objects.filter(rollout=self.rollout).update(state=Rollback.State.DONE)
        held = Hold.objects.filter(rollout=self.rollout, released_at__isnull=True).first()
        if held is None:
            return
        lines = [{"met": met} for _line in resume.checklist(held)]
        asked = self.tried(lambda: resume.ask(held, by="olga", reason="Mended.", lines=lines))
        if asked is None:
            return
        if self.tried(lambda: resume.approve(asked, by="olga" if alone else "piet")) is None:
            resume.refuse(asked, by="piet", reason="Not so.")
            return
        assert met
        assert not alone
        self.stopped.pop(held.pk, None)

    @rule()
    def all_start_again(self) -> None:
        """As it should be done, of everything that is stopped."""
        Rollback.objects.filter(rollout=self.rollout).update(state=Rollback.State.DONE)
        for _hold in Hold.objects.filter(rollout=self.rollout, released_at__isnull=True):
            self.tried(lambda: world.start_again(self.fresh()))
        self.stopped.clear()

    @rule(name=st.sampled_from(OPERATIONS), limit=st.integers(0, 50), hours=st.integers(1, 40))
    def override(self, name: str, limit: int, hours: int) -> None:
        until = self.clock.now() + timedelta(hours=hours)
        self.tried(
            lambda: overrides.set_limit(
                self.fresh(), name, limit=limit, owner="anna", reason="Slowly.", expires_at=until
            )
        )

    @rule(name=st.sampled_from(OPERATIONS), mode=st.sampled_from(Mode.values))
    def toggle(self, name: str, mode: str) -> None:
        """A person turns the operation itself, past the rollout."""
        row = world.operation(self.rollout, name)
        lowers = desired_rank(mode) < desired_rank(row.mode)
        operations.set_mode(row, mode, actor="anna", reason="By hand.")
        world.tick(self.rollout)
        at_work = self.fresh().state != Rollout.State.FINISHED
        if lowers and at_work:
            held = Hold.objects.get(rollout=self.rollout, operation=name, step="", released_at__isnull=True)
            self.stopped[held.pk] = {"operation": name}

    @rule(hours=st.sampled_from([1, 7, 24, 24, 24, 72]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule(hours=st.sampled_from([1, 30]))
    def clock_jumps_back(self, hours: int) -> None:
        self.clock.advance(-timedelta(hours=hours))

    @rule(verdict=st.sampled_from(Verdict))
    def evidence_changes(self, verdict: Verdict) -> None:
        type(self).verdict = verdict

    @invariant()
    def a_second_reconcile_changes_nothing(self) -> None:
        world.tick(self.rollout)
        assert world.tick(self.rollout) == []

    @invariant()
    def nothing_is_live_without_a_signed_gate(self) -> None:
        if self.fresh().state == Rollout.State.FINISHED:
            return  # from then on it is the pipeline's own
        for name in world.live(self.rollout):
            numbers = [number for number, turned in TURNS.items() if turned == name]
            assert any(self.is_signed(number) for number in numbers), f"{name} is live without a gate"

    def is_signed(self, number: str) -> bool:
        step = world.step(self.rollout, number)
        decided = Gate.objects.filter(rollout=self.rollout, slug=OPENED_BY[number], decision="go")
        return step.state == "live" and any(
            {line.role for line in gate.signatures.all()} == set(SIGNERS)
            and gate.asked_by not in {line.by for line in gate.signatures.all()}
            and all(line.evidence_hash == gate.evidence_hash for line in gate.signatures.all())
            for gate in decided
        )

    @invariant()
    def what_a_person_stopped_stays_stopped(self) -> None:
        if self.fresh().state == Rollout.State.FINISHED:
            return
        for scope in self.stopped.values():
            names = {scope["operation"]} if "operation" in scope else STOPS.get(scope.get("step", ""), set(OPERATIONS))
            assert not names & world.live(self.rollout)

    @invariant()
    def no_limit_is_above_plan_or_override(self) -> None:
        row = world.operation(self.rollout, "assign")
        assert row.limit <= 20
        now = self.clock.now()
        for found in Override.objects.filter(
            rollout=self.rollout, operation="assign", ended_at__isnull=True, expires_at__gt=now
        ):
            assert row.limit <= found.limit or self.fresh().state == Rollout.State.FINISHED

    @invariant()
    def live_work_has_a_lease_and_nothing_else_has(self) -> None:
        for row in self.rollout.repository.operations.exclude(kind="sync"):
            assert (row.mode == Mode.LIVE) is (row.live_until is not None)
            if row.live_until is not None and self.fresh().state != Rollout.State.FINISHED:
                assert row.live_until <= self.clock.now() + operations.LEASE


def desired_rank(mode: str) -> int:
    return ("off", "dry_run", "live").index(mode)


@pytest.mark.django_db
def test_whatever_people_rules_and_clocks_do_the_rollout_stays_within_its_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def evaluate(rollout: Rollout, criterion: Criterion, *, now: datetime, **_: Any) -> Evaluation:
        return Evaluation(
            rollout=rollout, rule=criterion.slug, verdict=RolloutMachine.verdict.value, n=9, floor=now, at=now
        )

    def start(rollout: Rollout, **given: Any) -> Rollback:
        values = {name: given[name] for name in ("step", "by", "reason")}
        return Rollback.objects.create(rollout=rollout, started_at=clock.now(), **values)

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    monkeypatch.setattr(saga, "start", start)
    run_state_machine_as_test(RolloutMachine, settings=SETTINGS)
