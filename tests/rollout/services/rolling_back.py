"""A rollout in its second week, with what a rollback finds: live operations, runs, issues between two states."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model

from pipeline import clock
from pipeline.models import Issue, Mode, Operation, Run
from pipeline.services import execution, operations
from rollout.models import PlanVersion, RoleHolder, Rollback, Rollout, StepProgress
from rollout.notifier import channels
from rollout.notifier.null import Null
from rollout.services import announcements, plans, saga
from tests.factories import make_effect, make_issue, make_item, make_repository, make_run, number
from tests.fake_github import FakeGitHub
from tests.recorded import recorded

LIVE = ("monitor", "assign", "process")
TICK = timedelta(minutes=1)
LONG = timedelta(minutes=3)


@recorded
def make_rollout(*, demonstration: bool = False, **values: Any) -> Rollout:
    """Running since a week on the shipped plan; steps 1.1 and 1.2 are live, and so are their operations."""
    repository = make_repository(is_demonstration=demonstration)
    operations.ship_operations(repository, actor="olga", reason="It begins.")
    for name in LIVE:
        row = Operation.objects.get(repository=repository, name=name)
        operations.set_mode(row, Mode.LIVE, actor="rule:plan", reason="The gate was signed.")
    now, text = clock.now(), plans.shipped_text()
    plan = PlanVersion.objects.create(
        slug="unified-pipeline", version=number(), title="Unified pipeline", text=text,
        sha256=plans.digest(text), status="frozen", created_at=now, frozen_at=now,
    )  # fmt: skip
    started = now - timedelta(days=7)
    rollout = Rollout.objects.create(
        repository=repository, plan=plan, state="running", starts_on=started.date(), started_by="olga",
        created_at=started, **values,
    )  # fmt: skip
    for step in ("1.1", "1.2"):
        StepProgress.objects.create(rollout=rollout, number=step, state="live", live_since=started)
    return rollout


def make_lead(rollout: Rollout, name: str = "lena", email: str = "lena@example.com") -> None:
    user = get_user_model().objects.create_user(name, email=email)
    RoleHolder.objects.create(rollout=rollout, role="rollout-lead", user=user)


def operation(rollout: Rollout, name: str) -> Operation:
    return Operation.objects.get(repository=rollout.repository, name=name)


def modes(rollout: Rollout) -> dict[str, str]:
    rows = Operation.objects.filter(repository=rollout.repository)
    return dict(rows.values_list("name", "mode"))


def waiting(rollout: Rollout, github: FakeGitHub, state: str, **values: Any) -> Issue:
    """An issue between two states, here and on GitHub."""
    issue = make_issue(repository=rollout.repository, state=state, **values)
    github.mirror(issue)
    return issue


def live_run(rollout: Rollout, name: str, *issues: Issue, **values: Any) -> Run:
    """A finished scheduled run that added a label to each issue."""
    row = operation(rollout, name)
    run = make_run(**{"operation": row, "mode": "live", "purpose": "scheduled", "state": "succeeded", **values})
    for issue in issues:
        item = make_item(run=run, issue=issue, state="done", finished_at=clock.now())
        make_effect(item=item, state="applied", settled_at=clock.now(), before={"labels": []})
    return run


def rolled_back(rollout: Rollout, step: str = "", **values: Any) -> Rollback:
    return saga.start(rollout, **{"step": step, "by": "olga", "reason": "Too many failures.", **values})


def workers() -> None:
    """Carry out every run that is open, as workers would."""
    for run in Run.objects.filter(state__in=Run.ACTIVE).order_by("pk"):
        execution.execute(run.pk)
        execution.work_on(run.pk)


def minutes(time: clock.VirtualClock, rollback: Rollback, count: int, each: timedelta = TICK) -> Rollback:
    """So many ticks of normal life: the saga, the outbox, the workers."""
    post = Null()
    with channels.using(lambda _: post):
        for _minute in range(count):
            saga.advance(rollback, clock.now())
            announcements.deliver_due(clock.now())
            workers()
            time.advance(each)
    rollback.refresh_from_db()
    return rollback


def to_its_end(time: clock.VirtualClock, rollback: Rollback, most: int = 12) -> Rollback:
    """Long ticks until nothing happens by itself any more."""
    for _tick in range(most):
        if minutes(time, rollback, 1, LONG).state != Rollback.State.RUNNING:
            break
    return rollback


def states(rollback: Rollback) -> dict[str, str]:
    return dict(rollback.steps.values_list("name", "state"))
