"""A rollout of the hand-written plan on a repository with the shipped operations, for tests of the services."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

from django.contrib.auth.models import User

from pipeline import clock
from pipeline.models import Mode, Operation, Repository
from pipeline.services import operations
from rollout.domain.desired import Change
from rollout.domain.plan import Plan
from rollout.domain.plan_file import dump_plan
from rollout.models import Gate, PlanVersion, RoleHolder, Rollout, StepProgress
from rollout.services import gates, plans, reconcile, resume, rollouts
from tests.factories import make_repository, number
from tests.recorded import recorded
from tests.rollout.hand_plan import SIGNERS, make_plan

LEAD = "olga"  # asks and decides; holds no role
SECOND = "piet"  # the second person
DAY_1 = date(2026, 11, 9)  # a Monday; the virtual clock stands a week before


@cache
def text_of_default() -> str:
    return dump_plan(make_plan())


def make_version(plan: Plan | None = None) -> PlanVersion:
    text = dump_plan(plan) if plan else text_of_default()
    plan = plan or make_plan()
    return PlanVersion.objects.create(
        slug=plan.slug,
        version=number(),
        title=plan.title,
        text=text,
        sha256=plans.digest(text),
        created_at=clock.now(),
    )


def make_repository_with_operations() -> Repository:
    repository = make_repository()
    operations.ship_operations(repository, actor="olga", reason="For a test.")
    return repository


@recorded
def make_rollout(plan: Plan | None = None) -> Rollout:
    """Prepared, with somebody for every role."""
    rollout = rollouts.prepare(make_repository_with_operations(), make_version(plan), LEAD)
    for role in SIGNERS:
        user = User.objects.create(username=f"{role}-{number()}")
        RoleHolder.objects.create(rollout=rollout, role=role, user=user)
    return rollout


@recorded
def started(plan: Plan | None = None, *, starts_on: date = DAY_1) -> Rollout:
    return rollouts.start(make_rollout(plan), actor=LEAD, reason="The rehearsal went well.", starts_on=starts_on)


@recorded
def in_week_1() -> Rollout:
    """On the morning of day 1, its gate brought forward."""
    made = started()
    go(made, "sign-off", brought_forward="All are here.")
    move_to(datetime.combine(DAY_1, time(0, 1), UTC))
    tick(made)
    return made


def move_to(moment: datetime) -> None:
    """By a virtual clock, which moves by sleeping."""
    clock.sleep((moment - clock.now()).total_seconds())


def signer(rollout: Rollout, role: str) -> str:
    return RoleHolder.objects.get(rollout=rollout, role=role).user.username


def sign_all(gate: Gate) -> Gate:
    for role in SIGNERS:
        gates.sign(gate, role=role, by=signer(gate.rollout, role), on_insufficient=bool(gate.insufficient))
    return gate


def go(rollout: Rollout, slug: str, **values: Any) -> Gate:
    """Ask, sign and decide a gate with go."""
    gate = sign_all(gates.ask(rollout, slug, by=LEAD, **values))
    return gates.decide(gate, "go", by=LEAD, reason="Everything is met.")


def start_again(rollout: Rollout) -> None:
    """Two people resume the newest hold."""
    hold = rollout.holds.filter(released_at__isnull=True).latest("pk")
    lines = [{"met": True, "note": "Looked at."} for _line in resume.checklist(hold)]
    asked = resume.ask(hold, by=LEAD, reason="The cause is mended.", lines=lines)
    resume.approve(asked, by=SECOND)


def operation(rollout: Rollout, name: str) -> Operation:
    return Operation.objects.select_related("repository", "periodic_task").get(repository=rollout.repository, name=name)


def mode(rollout: Rollout, name: str) -> str:
    return operation(rollout, name).mode


def live(rollout: Rollout) -> set[str]:
    """The governed operations that are live now."""
    rows = Operation.objects.filter(repository=rollout.repository, mode=Mode.LIVE).exclude(kind="sync")
    return set(rows.values_list("name", flat=True))


def step(rollout: Rollout, number_: str) -> StepProgress:
    return StepProgress.objects.get(rollout=rollout, number=number_)


def tick(rollout: Rollout) -> list[Change]:
    """Reconcile as beat does; a fresh row each time."""
    return reconcile.reconcile(Rollout.objects.get(pk=rollout.pk), clock.now())
