"""Preparing, starting and finishing a rollout."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Mode, Operation
from pipeline.services import operations
from pipeline.services.operations import NotPossible
from rollout.models import PlanVersion, Rollout, StepProgress
from rollout.services import rollouts
from tests.rollout import world
from tests.rollout.hand_plan import make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]


def test_starting_freezes_the_plan_takes_the_lease_and_lets_nothing_write() -> None:
    rollout = world.started()
    assert rollout.state == Rollout.State.RUNNING
    assert rollout.phase == "rehearsal"
    assert PlanVersion.objects.get(pk=rollout.plan_id).status == "frozen"
    assert set(rollout.steps.values_list("state", flat=True)) == {StepProgress.State.WAITING}
    assert rollout.triggers.count() == 1
    owners = dict(Operation.objects.filter(repository=rollout.repository).values_list("name", "lease_owner"))
    assert owners.pop("sync") == "pipeline"
    assert set(owners.values()) == {"rollout"}
    assert world.live(rollout) == set()


def test_an_operation_that_was_live_before_its_gate_is_switched_to_dry_run() -> None:
    rollout = world.make_rollout()
    operations.set_mode(world.operation(rollout, "assign"), Mode.LIVE, actor="olga", reason="Too early.")
    rollouts.start(rollout, actor="olga", reason="Begin.", starts_on=world.DAY_1)
    assert world.mode(rollout, "assign") == Mode.DRY_RUN
    assert AuditEntry.objects.filter(action="operation.mode", actor="rule:before 1.1").exists()


def test_a_second_rollout_on_the_same_repository_is_refused() -> None:
    rollout = world.make_rollout()
    with pytest.raises(NotPossible, match="has a rollout already"):
        rollouts.prepare(rollout.repository, rollout.plan, "olga")


def test_a_day_in_the_past_is_refused_and_nothing_changed(virtual_clock: VirtualClock) -> None:
    rollout = world.make_rollout()
    yesterday = virtual_clock.now().date() - timedelta(days=1)
    with pytest.raises(NotPossible, match="which is past"):
        rollouts.start(rollout, actor="olga", reason="Begin.", starts_on=yesterday)
    rollout.refresh_from_db()
    assert rollout.state == Rollout.State.PREPARED
    assert not rollout.steps.exists()


def test_a_plan_that_turns_a_missing_operation_is_refused_by_name() -> None:
    rollout = world.make_rollout()
    world.operation(rollout, "process").delete()
    with pytest.raises(NotPossible, match=r"The plan turns process, which .* does not have"):
        rollouts.start(rollout, actor="olga", reason="Begin.", starts_on=world.DAY_1)
    assert rollout.plan.status == PlanVersion.Status.DRAFT


def test_a_plan_whose_first_phase_would_go_live_is_refused() -> None:
    plan = make_plan()
    rollout = world.make_rollout(make_plan(phases=plan.phases[1:]))
    with pytest.raises(NotPossible, match=r"step 1\.1, which no gate comes before"):
        rollouts.start(rollout, actor="olga", reason="Begin.", starts_on=world.DAY_1)


@pytest.mark.parametrize("actor", ["", "rule:reconcile"])
def test_only_a_person_starts_a_rollout(actor: str) -> None:
    with pytest.raises(NotPossible, match="for a person to do"):
        rollouts.start(world.make_rollout(), actor=actor, reason="Begin.", starts_on=world.DAY_1)


def test_starting_twice_is_refused() -> None:
    rollout = world.started()
    with pytest.raises(NotPossible, match="only a prepared rollout can be started"):
        rollouts.start(rollout, actor="olga", reason="Again.", starts_on=world.DAY_1)


def test_what_is_live_stays_live_under_the_pipelines_lease_after_the_end(virtual_clock: VirtualClock) -> None:
    rollout = world.started()
    world.go(rollout, "sign-off", brought_forward="All are here today.")
    virtual_clock.advance(timedelta(days=1))
    world.tick(rollout)
    assert world.live(rollout) == {"assign", "process"}
    rollouts.finish(rollout, actor="olga", reason="Enough was seen.")
    assert world.live(rollout) == {"assign", "process"}
    assert world.operation(rollout, "assign").lease_owner == "pipeline"
    assert world.step(rollout, "1.1").state == StepProgress.State.DONE
    assert world.step(rollout, "2.1").state == StepProgress.State.WAITING
