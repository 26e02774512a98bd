"""A rollout's beginning and end: prepared, started on a day, finished."""

from __future__ import annotations

from datetime import UTC, date

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.models import Kind, Operation, Repository
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain import desired
from rollout.domain.plan import Plan
from rollout.domain.progress import Cause, RolloutState, StepState
from rollout.models import Hold, PlanVersion, Rollout, StepProgress, TriggerState
from rollout.services import fence, plans, promises, reconcile, record, situation, toggles


def prepare(repository: Repository, plan_version: PlanVersion, actor: str) -> Rollout:
    """A rollout of a plan on a repository, not started: nothing is governed by it yet."""
    record.need_person(actor, "Preparing a rollout")
    plans.plan_of(plan_version)
    try:
        with transaction.atomic():
            rollout = Rollout.objects.create(repository=repository, plan=plan_version, created_at=clock.now())
            audit.append(
                actor=actor,
                action="rollout.prepared",
                subject=str(rollout),
                reason=f"{plan_version} is to be carried out on {repository}.",
                after={"plan": plan_version.sha256},
            )
    except IntegrityError as error:
        standing = Rollout.objects.filter(repository=repository).exclude(state=Rollout.State.FINISHED).first()
        raise NotPossible(f"{repository} has a rollout already ({standing}); finish it first.") from error
    return rollout


def start(rollout: Rollout, *, actor: str, reason: str, starts_on: date) -> Rollout:
    """Freeze the plan and take over the operations. `starts_on` is day 1, UTC; nothing goes live before a gate."""
    record.need_person(actor, "Starting a rollout")
    record.need_reason(reason)
    rollout.refresh_from_db()
    now = clock.now()
    today = now.astimezone(UTC).date()
    plan = plans.plan_of(rollout.plan)
    _check(rollout, plan, starts_on, today)
    with transaction.atomic():
        plans.freeze(rollout.plan, actor=actor)
        first = plan.phases[0]
        record.move(
            rollout,
            RolloutState.RUNNING,
            Cause.PERSON,
            starts_on=starts_on,
            phase=first.slug,
            phase_started_on=today,
            evidence_floor=now,
            started_by=actor,
        )
        _make_rows(rollout, plan)
        promises.adopt(rollout, plan, actor=actor)
        Operation.objects.filter(repository_id=rollout.repository_id).exclude(kind=Kind.SYNC).update(
            lease_owner=Operation.LeaseOwner.ROLLOUT
        )
        audit.append(
            actor=actor,
            action="rollout.started",
            subject=str(rollout),
            reason=reason,
            before={"state": Rollout.State.PREPARED.value},
            after={
                "state": Rollout.State.RUNNING.value,
                "starts_on": starts_on.isoformat(),
                "plan": rollout.plan.sha256,
            },
        )
        record.say(rollout, actor, f"Started: day 1 is {starts_on}. {first.name} is in force. {reason}")
        Rollout.objects.filter(pk=rollout.pk).update(audit_seen=toggles.head())
    reconcile.reconcile(rollout, now)
    return rollout


def finish(rollout: Rollout, *, actor: str, reason: str, signed: bool = False) -> Rollout:
    """End a rollout; what is live stays live under the pipeline's own lease. `signed`: its last gate said go."""
    record.need_person(actor, "Finishing a rollout")
    record.need_reason(reason)
    with transaction.atomic():
        fence.cut(rollout)
        rollout.refresh_from_db()
        before = rollout.state
        cause = Cause.GATE if signed else Cause.PERSON
        record.move(rollout, RolloutState.FINISHED, cause, ended_at=clock.now())
        for row in rollout.steps.filter(state=StepProgress.State.LIVE):
            record.move_step(row, StepState.DONE, cause)
        Operation.objects.filter(repository_id=rollout.repository_id).update(lease_owner=Operation.LeaseOwner.PIPELINE)
        audit.append(
            actor=actor,
            action="rollout.finished",
            subject=str(rollout),
            reason=reason,
            before={"state": before},
            after={"state": Rollout.State.FINISHED.value},
        )
        record.say(rollout, actor, f"The rollout is over: {reason}")
    return rollout


def _check(rollout: Rollout, plan: Plan, starts_on: date, today: date) -> None:
    if rollout.state != Rollout.State.PREPARED:
        raise NotPossible(f"{rollout} is {rollout.get_state_display()}; only a prepared rollout can be started.")
    if starts_on < today:
        raise NotPossible(f"Day 1 would be {starts_on}, which is past; choose {today} or later. Nothing was changed.")
    held = Hold.objects.filter(rollout=rollout, released_at__isnull=True).first()
    if held is not None:
        raise NotPossible(f"{held} stands; start again from that first. Nothing was changed.")
    ungated = desired.live_without_gate(plan)
    if ungated:
        raise NotPossible(
            f"The plan opens with step {ungated}, which no gate comes before; add a phase with a gate before it."
        )
    missing = situation.missing(rollout.repository_id, plan)
    if missing:
        raise NotPossible(
            f"The plan turns {', '.join(missing)}, which {rollout.repository} does not have; add them on the "
            "repository's page or change the plan. Nothing was changed."
        )


def _make_rows(rollout: Rollout, plan: Plan) -> None:
    numbers = [step.number for phase in plan.phases for step in phase.steps]
    StepProgress.objects.bulk_create(
        [StepProgress(rollout=rollout, number=number) for number in numbers], ignore_conflicts=True
    )
    TriggerState.objects.bulk_create(
        [TriggerState(rollout=rollout, slug=trigger.slug) for trigger in plan.every_trigger()], ignore_conflicts=True
    )
