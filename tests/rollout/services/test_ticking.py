"""What happens every minute and after every run."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Heartbeat, Run
from pipeline.services import audit, bell, execution, operations, telemetry
from rollout import tasks
from rollout.models import Announcement, Hold, Rollback, Rollout
from rollout.services import external_schedules, reconcile, saga, ticking, triggers
from tests import guards
from tests.factories import make_operation, make_run
from tests.rollout import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was called, in order, with the rollout or the run."""
    calls: list[tuple[str, Any]] = []
    monkeypatch.setattr(triggers, "evaluate", lambda row, *, now, run=None: calls.append(("triggers", run)))
    monkeypatch.setattr(reconcile, "reconcile", lambda row, now=None, **_: calls.append(("reconcile", row.pk)))
    return calls


def test_triggers_come_before_the_control_loop(virtual_clock: VirtualClock, called: list[tuple[str, Any]]) -> None:
    rollout = world.started()
    called.clear()
    tasks.reconcile_all()
    assert called == [("triggers", None), ("reconcile", rollout.pk)]
    assert Heartbeat.objects.get(name="rollout").beaten_at == virtual_clock.now()


def test_a_run_that_ended_is_looked_at_for_its_own_repository(
    virtual_clock: VirtualClock, called: list[tuple[str, Any]]
) -> None:
    rollout, _other = world.started(), world.started()
    run = make_run(operation=world.operation(rollout, "assign"), state=Run.State.SUCCEEDED)
    called.clear()
    tasks.run_finished(run.pk)
    tasks.run_finished(0)
    assert called == [("triggers", run), ("reconcile", rollout.pk)]


def test_a_fault_in_one_rollout_does_not_stop_another(
    virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = world.started(), world.started()
    looked_at: list[int] = []

    def evaluate(row: Rollout, **_: Any) -> None:
        if row.pk == broken.pk:
            raise ValueError("A fault of ours.")
        looked_at.append(row.pk)

    monkeypatch.setattr(triggers, "evaluate", evaluate)
    ticking.tick()
    assert looked_at == [sound.pk]
    assert "a rollout could not be looked after" in caplog.text


def test_the_head_of_the_audit_log_leaves_the_database_once_a_day(virtual_clock: VirtualClock) -> None:
    world.started()
    assert ticking.export_head(virtual_clock.now())
    assert not ticking.export_head(virtual_clock.now() + timedelta(hours=3))
    assert ticking.export_head(virtual_clock.now() + timedelta(days=1))
    lines = telemetry.file_for(virtual_clock.now()).read_text().splitlines()
    heads = [line for line in map(json.loads, lines) if line["event"] == "audit.head"]
    assert heads[-1]["fault"] == ""
    assert len(heads[-1]["head"]) == 64


def test_a_head_that_could_not_be_written_is_tried_again(
    virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.started()
    with monkeypatch.context() as full:
        full.setattr(telemetry, "emit", lambda event, **fields: False)
        with pytest.raises(OSError, match="could not be written"):
            ticking.export_head(virtual_clock.now())
    assert ticking.export_head(virtual_clock.now() + timedelta(minutes=1))


def test_a_tail_that_was_cut_is_told_with_the_next_head(virtual_clock: VirtualClock) -> None:
    world.started()
    ticking.export_head(virtual_clock.now())
    with guards.taken_away():
        AuditEntry.objects.order_by("-sequence")[0].delete()
    assert audit.verify().fault == ""
    ticking.export_head(virtual_clock.now() + timedelta(days=1))
    told = Announcement.objects.get(key__startswith="audit:", channel="email")
    assert "its tail was cut" in told.body


def test_the_head_leaves_daily_although_the_clock_was_ahead_for_a_while(virtual_clock: VirtualClock) -> None:
    world.started()
    assert ticking.export_head(virtual_clock.now() + timedelta(days=30))
    assert [ticking.export_head(virtual_clock.now()) for _again in range(2)] == [True, False]


def test_rollbacks_under_way_are_carried_on(virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = world.started()
    row = Rollback.objects.create(rollout=rollout, by="anna", reason="So.", started_at=virtual_clock.now())
    advanced: list[int] = []
    monkeypatch.setattr(saga, "advance", lambda found, now: advanced.append(found.pk))
    monkeypatch.setattr(external_schedules, "detect", lambda repository: [])
    tasks.carry_on()
    assert advanced == [row.pk]


def test_schedules_on_github_are_looked_for_once_an_hour(
    virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.started()
    looked: list[object] = []
    monkeypatch.setattr(external_schedules, "detect", looked.append)
    for minutes in (0, 20, 70):
        ticking.carry_on(virtual_clock.now() + timedelta(minutes=minutes))
    assert len(looked) == 2


def test_a_closed_run_rings_whoever_decides(virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(bell, "ring", lambda task, *ids, times=1: rung.append((task, *ids)))
    run = make_run(state=Run.State.WORKING)
    execution.fail(run, "It broke.", "permanent")
    assert (settings.PIPELINE_RUN_FINISHED_TASKS[0], run.pk) in rung
    assert settings.PIPELINE_RUN_FINISHED_TASKS == ("rollout.tasks.run_finished",)


def test_a_knob_that_a_person_turns_rings_whoever_decides_and_a_rules_does_not(
    virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_operation(cron="0 * * * *", mode="dry_run", limit=10)
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(bell, "ring", lambda task, *ids, times=1: rung.append((task, *ids)))
    operations.set_mode(row, "off", actor="rule:hold 1", reason="Held.")
    assert rung == []
    operations.set_mode(row, "dry_run", actor="olga", reason="Mended.")
    operations.set_limit(row, 3, actor="olga", reason="Slowly.")
    operations.set_cron(row, "5 * * * *", actor="olga", reason="Later.")
    operations.crons_edited({row.pk: "0 * * * *"}, actor="olga", reason="Later, in beat's own screens.")
    assert rung == [("rollout.tasks.knob_turned", row.repository_id)] * 4


def test_a_knob_turned_by_hand_is_reconciled_without_waiting_for_the_minute(virtual_clock: VirtualClock) -> None:
    rollout = world.in_week_1()
    operations.set_mode(world.operation(rollout, "assign"), "off", actor="anna", reason="Odd labels.")
    operations.set_limit(world.operation(rollout, "process"), 50, actor="anna", reason="More.")
    tasks.knob_turned(rollout.repository_id)
    assert Hold.objects.get(operation="assign", released_at=None).by == "anna"
    assert world.operation(rollout, "process").limit == 5
    tasks.knob_turned(0)
