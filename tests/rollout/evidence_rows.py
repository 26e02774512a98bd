"""A rollout at work with live operations, and finished runs in short; rows only, nothing is reconciled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pipeline.models import Issue, Kind, Mode, Operation, Repository, Run, RunItem, Slot
from rollout.domain.measures import Unit, Window
from rollout.domain.plan import Action, Criterion, GatePlan, Phase, Plan, Role, Source, Step, Trigger
from rollout.domain.plan_file import dump_plan
from rollout.models import PlanVersion, Rollout, StepProgress
from tests.factories import make_issue, make_operation, make_repository, make_run, number, sha

START = datetime.fromisoformat("2026-11-02T00:00:00+00:00")  # a Monday, when the phase began
HOUR = timedelta(hours=1)

ASSIGN_FAILING = Trigger(
    slug="assign-failing",
    text=">20% failure rate across 4 runs",
    number="1.1",
    action=Action.ROLL_BACK,
    metric="item_failure_rate",
    operation="assign",
    window=Window(runs=4),
    threshold=0.2,
    minimum_runs=4,
    step="1.1",
)
HALF_FAILING = Trigger(
    slug="half-failing",
    text=">50% failure rate in any workflow over 6 hours",
    number="Rollback",
    action=Action.ROLL_BACK,
    metric="item_failure_rate",
    scope="all",
    window=Window(hours=6),
    threshold=0.5,
)
CONFLICTING = Trigger(
    slug="conflicting-states",
    text="Data corruption detected (conflicting issue states)",
    number="Rollback",
    action=Action.ROLL_BACK,
    metric="conflicting_states",
    scope="all",
    unit=Unit.COUNT,
    per="run",
)
COMPLETION_LOW = replace(
    CONFLICTING,
    slug="completion-low",
    text="Copilot completion rate <50% for 3 consecutive days",
    action=Action.DECIDE,
    metric="days_below_completion",
    comparator=">=",
    threshold=3,
    automatic=False,
)
PIVOT = replace(COMPLETION_LOW, slug="strategic-pivot", text="Strategic pivot", metric="")
FOUR_RUNS = Criterion(
    "assign-runs",
    "At least 4 scheduled runs complete successfully",
    Source.AUTOMATIC,
    "scheduled_runs_completed",
    operation="assign",
    window=Window(hours=48),
    comparator=">=",
    threshold=4,
)
ANSWERED = Criterion("answered", "Guidance quality maintained", Source.MANUAL)


def make_plan(*criteria: Criterion, triggers: Sequence[Trigger] = ()) -> Plan:
    """One phase with step 1.1; plan-wide triggers are those without a step."""
    step = Step(
        "1.1", "Assign", "", criteria=criteria or (FOUR_RUNS, ANSWERED), triggers=tuple(t for t in triggers if t.step)
    )
    gate = GatePlan("day-7", 7, "Proceed?", "", ("devops",))
    phase = Phase("week-1", "Week 1", 1, 7, (step,), gate)
    wide = tuple(trigger for trigger in triggers if not trigger.step)
    roles = (Role("devops", "DevOps", "Infrastructure"),)
    return Plan("shortest", "Shortest", "1", "olga", (phase,), wide, roles=roles)


def make_rollout(plan: Plan | None = None, **values: Any) -> Rollout:
    """Running since START, step 1.1 live."""
    text = dump_plan(plan or make_plan(triggers=(ASSIGN_FAILING, HALF_FAILING, CONFLICTING, COMPLETION_LOW, PIVOT)))
    version = PlanVersion.objects.create(
        slug="shortest", version=number(), title="Shortest", text=text, sha256=sha(text), created_at=START
    )
    defaults: dict[str, Any] = {
        "repository": values.pop("repository", None) or make_repository(synced_at=START + 24 * HOUR),
        "plan": version,
        "state": Rollout.State.RUNNING,
        "phase": "week-1",
        "starts_on": START.date(),
        "phase_started_on": START.date(),
        "evidence_floor": START,
        "created_at": START,
    }
    if values.get("profile") == "guarded":
        defaults["profile_signed_by"] = "olga"
    rollout = Rollout.objects.create(**{**defaults, **values})
    StepProgress.objects.create(rollout=rollout, number="1.1", state=StepProgress.State.LIVE, live_since=START)
    return rollout


def make_live(repository: Repository, name: str = "assign", **values: Any) -> Operation:
    values.setdefault("kind", Kind(name))
    return make_operation(repository=repository, name=name, mode=Mode.LIVE, **values)


def make_runs(operation: Operation, text: str, *, start: datetime = START + HOUR, **values: Any) -> list[Run]:
    """ "10:3 x 10:0": three of ten issues failed, a crash, none failed; two hours apart, live and scheduled."""
    return [_finished(operation, word, start + 2 * place * HOUR, values) for place, word in enumerate(text.split())]


def _finished(operation: Operation, word: str, at: datetime, values: dict[str, Any]) -> Run:
    crashed = word == "x"
    judged, _, failed = (word if not crashed else "0:0").partition(":")
    defaults: dict[str, Any] = {
        "purpose": Run.Purpose.SCHEDULED,
        "mode": Mode.LIVE,
        "state": Run.State.FAILED if crashed or (judged == failed and judged != "0") else Run.State.SUCCEEDED,
        "nominal_at": at,
        "created_at": at,
        "started_at": at,
        "finished_at": at + timedelta(minutes=5),
        "error_type": "permanent" if crashed else "",
    }
    run = make_run(operation=operation, **{**defaults, **values})
    states = [RunItem.State.FAILED] * int(failed) + [RunItem.State.DONE] * (int(judged) - int(failed))
    issue = _some_issue(operation.repository)
    RunItem.objects.bulk_create(
        RunItem(
            run=run,
            position=position,
            issue=issue,
            live=run.mode == Mode.LIVE,
            state=state,
            stage="classify",
            started_at=at,
            finished_at=at + timedelta(seconds=20),
        )
        for position, state in enumerate(states)
    )
    if run.purpose == Run.Purpose.SCHEDULED:
        Slot.objects.create(operation=operation, nominal_at=at, status=Slot.Status.RAN, run=run, settled_at=at)
    return run


def _some_issue(repository: Repository) -> Issue:
    return Issue.objects.filter(repository=repository).first() or make_issue(repository=repository)
