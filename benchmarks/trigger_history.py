"""The rollout that the trigger benchmark runs on; imported once Django is set up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection

from pipeline.models import Kind, Mode, Operation, Repository, Run, RunItem
from pipeline.services import operations
from rollout.domain.measures import Reading, Scope, Window
from rollout.metrics.registry import METRICS
from rollout.models import Evaluation, PlanVersion, Rollout, StepProgress, TriggerState
from rollout.services import plans, triggers
from rollout.services.trigger_actions import Actions

SLUGS = tuple(sorted(METRICS))


def prepare(begin: datetime) -> Rollout:
    """The shipped plan at work on an empty repository, every step live."""
    call_command("migrate", verbosity=0)
    repository = Repository.objects.create(full_name="acme/watch", synced_at=begin + timedelta(days=14))
    operations.ship_operations(repository, actor="olga", reason="For a benchmark.")
    Operation.objects.filter(repository=repository).update(mode=Mode.LIVE, slots_since=begin + timedelta(days=14))
    text = plans.shipped_text()
    version = PlanVersion.objects.create(
        slug="shipped", version=1, title="Shipped", text=text, sha256=plans.digest(text), created_at=begin
    )
    rollout = Rollout.objects.create(
        repository=repository,
        plan=version,
        state=Rollout.State.RUNNING,
        phase="week-2",
        starts_on=begin.date(),
        phase_started_on=begin.date(),
        evidence_floor=begin,
        created_at=begin,
    )
    slugs = [trigger.slug for trigger in plans.plan_of(version).every_trigger()]
    TriggerState.objects.bulk_create(TriggerState(rollout=rollout, slug=slug) for slug in slugs)
    for phase in plans.plan_of(version).phases:
        for step in phase.steps:
            StepProgress.objects.create(rollout=rollout, number=step.number, state=StepProgress.State.LIVE)
    return rollout


def operations_of(rollout: Rollout) -> dict[str, int]:
    rows = Operation.objects.filter(repository=rollout.repository).exclude(kind=Kind.SYNC)
    return dict(rows.values_list("name", "pk"))


def settle_identities() -> None:
    """Rows came in past the ORM; the identity columns follow."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Run, RunItem, Evaluation]):
            cursor.execute(statement)


def newest_runs(rollout: Rollout, now: datetime) -> list[Run]:
    rows = Run.objects.filter(repository=rollout.repository, operation__name="assign", finished_at__lte=now)
    return list(rows.select_related("operation").order_by("-nominal_at")[:5])


def evaluate(rollout: Rollout, now: datetime, run: Run | None = None) -> int:
    return len(triggers.evaluate(rollout, now=now, run=run, actions=NOTHING))


def after_new_run(rollout: Rollout, now: datetime, number: int) -> int:
    """A run of the assignment that ended just now; only its evaluation is what is asked for."""
    del number
    operation = Operation.objects.get(repository=rollout.repository, name="assign")
    run = Run.objects.create(
        operation=operation, repository=rollout.repository, kind=operation.kind, purpose=Run.Purpose.SCHEDULED,
        mode=Mode.LIVE, state=Run.State.SUCCEEDED, nominal_at=now, limit=10, created_at=now, started_at=now,
        finished_at=now, selected=True,
    )  # fmt: skip
    RunItem.objects.bulk_create(
        RunItem(run=run, position=place, live=True, state=RunItem.State.DONE) for place in range(10)
    )
    return evaluate(rollout, now, run)


def board(rollout: Rollout, now: datetime) -> int:
    return len(triggers.board(rollout, now))


def read(rollout: Rollout, slug: str, now: datetime, _number: int = 0) -> Reading:
    found = METRICS[slug].read(Scope(rollout.repository_id), Window(hours=168), now - timedelta(days=14), now)
    if found.error:
        raise RuntimeError(found.error)
    return found


def _nothing(*_arguments: Any, **_named: Any) -> Any:
    raise RuntimeError("Nothing may be stopped in a healthy history.")


def _told(*_arguments: Any, **_named: Any) -> None:
    """The history has no slots, so the watchdog warns of missing runs; once."""


NOTHING = Actions(_nothing, _nothing, _told, _nothing, _nothing)
