"""A whole rollback and a drill against the sandbox over real HTTP, ended by the checker of what must always hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from pytest_django.fixtures import Settings

from pipeline import clock
from pipeline.models import Kind, Mode, Operation
from rollout.models import PlanVersion, Rollback, Rollout
from rollout.services import announcements, external_schedules, plans, saga, triage
from tests.scenarios.world import ALWAYS_FINISHES, QUICK_COPILOT, World, world

STEP = timedelta(minutes=1)


@pytest.fixture
def sandboxed(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[World]:
    with world(monkeypatch, is_demonstration=True) as made:
        chat = f"{made.sandbox.url}/sink/chat"
        settings.CONTROLPLANE = replace(settings.CONTROLPLANE, slack_webhook_url=chat)
        yield made


def governed(made: World) -> Rollout:
    now, text = clock.now(), plans.shipped_text()
    plan = PlanVersion.objects.create(
        slug="unified-pipeline", version=1, title="Unified pipeline", text=text, sha256=plans.digest(text),
        status="frozen", created_at=now, frozen_at=now,
    )  # fmt: skip
    rollout = Rollout.objects.create(
        repository=made.repository, plan=plan, state="running", starts_on=now.date(), started_by="olga", created_at=now
    )
    rollout.steps.create(number="1.1", state="live", live_since=now)
    return rollout


def worked(made: World) -> None:
    """Two issues reach Copilot, which never begins; one waits in assigned."""
    made.sandbox.configure({"copilot": {**QUICK_COPILOT, "shares": {**ALWAYS_FINISHES, "lost": 1, "finish": 0}}})
    made.feed.publish(3)
    made.run(Kind.MONITOR)
    made.run(Kind.ASSIGN)
    made.run(Kind.PROCESS, limit=2)


def carried_on(made: World, rollback: Rollback, most: int = 30) -> Rollback:
    for _minute in range(most):
        made.tick()
        made.drain()
        announcements.deliver_due(clock.now())
        if saga.advance(rollback, clock.now()).state != Rollback.State.RUNNING:
            break
        made.advance(STEP)
    return rollback


def workflow_states(made: World) -> list[str]:
    return [workflow.state for workflow in made.sandbox.world.named("demo/field-notes").workflows]


def test_everything_is_rolled_back_and_triaged_and_all_invariants_hold(sandboxed: World) -> None:
    rollout = governed(sandboxed)
    worked(sandboxed)
    sandboxed.live(Kind.ASSIGN)
    rollback = carried_on(sandboxed, saga.start(rollout, step="", by="olga", reason="Labels went wrong <!channel>."))
    assert rollback.state == "done", list(rollback.steps.values_list("name", "state", "detail"))
    assert not Operation.objects.exclude(kind=Kind.SYNC).exclude(mode=Mode.OFF).exists()
    assert workflow_states(sandboxed) == ["disabled_manually"]
    (told,) = requests.get(f"{sandboxed.sandbox.url}/sink/chat", timeout=5).json()["messages"]
    assert "<!channel>" not in told["text"]
    for choice, state in (("triage", "assigned"), ("reassign", "copilot")):
        rows = rollback.triage.filter(state=state).values_list("pk", flat=True)
        triage.choose(rollback, rows, choice, by="olga")
    triage.apply(rollback, by="olga", reason="After the rollback.")
    sandboxed.drain()
    assert sandboxed.states() == ["assigned", "assigned", "discovery"]
    sandboxed.settle()
    sandboxed.verify()


def test_runs_are_undone_newest_first_and_all_invariants_hold(sandboxed: World) -> None:
    rollout = governed(sandboxed)
    worked(sandboxed)
    rollback = saga.start(rollout, step="", by="olga", reason="Undo it.", revert=True)
    carried_on(sandboxed, rollback)
    assert rollback.steps.get(name="effects_reverted").state == "done"
    assert sandboxed.states() == ["discovery"] * 3
    assert "closed" in {remote.state for remote in sandboxed.remotes()}  # those without comments; the others stay open
    sandboxed.settle()
    sandboxed.verify()


def test_drill_ends_as_it_began_and_says_how_long_it_took(sandboxed: World) -> None:
    rollout = governed(sandboxed)
    before = dict(Operation.objects.values_list("name", "mode"))
    carried_on(sandboxed, saga.start(rollout, step="", by="olga", reason="Practice.", drill=True))
    found = saga.last_drill(rollout)
    assert found is not None
    assert found[0].state == "done"
    assert found[1] < timedelta(minutes=5)
    assert dict(Operation.objects.values_list("name", "mode")) == before
    sandboxed.verify()


def test_workflow_is_archived_by_a_pull_request_in_the_sandbox(sandboxed: World) -> None:
    rows = external_schedules.detect(sandboxed.repository)
    assert [row.operation for row in rows] == ["monitor"]
    external_schedules.archive(sandboxed.repository, rows, by="olga", reason="It runs here now.")
    sandboxed.drain()
    (pull,) = [issue.pull for issue in sandboxed.sandbox.world.named("demo/field-notes").issues.values() if issue.pull]
    assert pull.head.startswith("archive-workflows-")
    sandboxed.verify()
