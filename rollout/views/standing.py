"""Where a rollout stands: day, phases, next gate, what is live, what needs a person. For pages, status and API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from pipeline.models import Mode, Operation
from pipeline.views import display
from pipeline.views.alerts import Alert
from rollout.domain import days
from rollout.domain.plan import GatePlan, Phase, Plan, Step
from rollout.domain.progress import PhaseState
from rollout.models import (
    ExternalSchedule,
    Firing,
    Gate,
    Hold,
    Incident,
    RoleHolder,
    Rollback,
    Rollout,
    SecurityAlert,
    StepProgress,
    Survey,
)
from rollout.services import plans, situation

STALE_RECONCILE = timedelta(minutes=5)
ON_CALL = "on-call"
WORDS = {PhaseState.AHEAD: "ahead", PhaseState.IN_FORCE: "in force", PhaseState.PASSED: "passed"}


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step of the plan and its row; before the start there is none. `watched_until`: its monitoring window."""

    step: Step
    progress: StepProgress | None
    watched_until: datetime | None


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """A phase on the time line; without a start date there are no dates yet."""

    phase: Phase
    state: PhaseState
    begins: date | None
    ends: date | None
    gate_due: date | None
    gate: Gate | None
    steps: tuple[StepLine, ...]

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def decision(self) -> str:
        if self.gate is None:
            return "not asked yet"
        return self.gate.get_decision_display() if self.gate.decision else self.gate.get_state_display()


@dataclass(frozen=True, slots=True)
class Standing:
    """`day` counts from the start (day −1 is before); None without a start date."""

    rollout: Rollout
    plan: Plan
    now: datetime
    day: int | None
    phases: tuple[PhaseLine, ...]
    phase: Phase | None
    next_gate: GatePlan | None
    next_gate_on: date | None
    live: tuple[Operation, ...]
    holds: tuple[Hold, ...]
    on_call: tuple[str, ...]
    alerts: tuple[Alert, ...]

    @property
    def week(self) -> int | None:
        return (self.day + 6) // 7 if self.day is not None and self.day > 0 else None

    @property
    def next_gate_when(self) -> str:
        """How far its day is, as people say it; empty without a day."""
        return _distance((self.next_gate_on - self.now.date()).days) if self.next_gate_on else ""

    @property
    def url(self) -> str:
        return display.page_of(self.rollout)

    @property
    def gates_url(self) -> str:
        return page(self.rollout, "gates")


def _distance(days_ahead: int) -> str:
    if days_ahead < 0:
        return f"its day was {'yesterday' if days_ahead == -1 else f'{-days_ahead} days ago'}"
    return {0: "today", 1: "tomorrow"}.get(days_ahead, f"in {days_ahead} days")


def of(rollout: Rollout, now: datetime) -> Standing:
    plan = plans.plan_of(rollout.plan)
    gates = list(rollout.gates.order_by("-pk"))
    decisions = decided(gates)
    phases = tuple(_phases(rollout, plan, gates, decisions, now))
    upcoming = next((line for line in phases if line.state is not PhaseState.PASSED), None)
    finished = rollout.state == Rollout.State.FINISHED
    return Standing(
        rollout=rollout,
        plan=plan,
        now=now,
        day=days.day_of(rollout.starts_on, now.date()) if rollout.starts_on else None,
        phases=phases,
        phase=plan.phase(rollout.phase) or next((x.phase for x in phases if x.state is PhaseState.IN_FORCE), None),
        next_gate=upcoming.phase.gate if upcoming and not finished else None,
        next_gate_on=upcoming.gate_due if upcoming and not finished else None,
        live=tuple(row for row in situation.managed(rollout) if row.mode == Mode.LIVE),
        holds=tuple(rollout.holds.filter(released_at__isnull=True)),
        on_call=on_call(rollout),
        alerts=tuple(alerts(rollout, now)),
    )


def decided(gates: Sequence[Gate]) -> tuple[days.Decided, ...]:
    """Decisions in the order in which they were made."""
    rows = sorted((row for row in gates if row.decided_at is not None and row.decision), key=lambda row: row.pk)
    return tuple(
        days.Decided(row.slug, row.decision, row.decided_at.date(), bool(row.brought_forward))
        for row in rows
        if row.decided_at is not None
    )


def on_call(rollout: Rollout) -> tuple[str, ...]:
    rows = RoleHolder.objects.filter(rollout=rollout, role=ON_CALL).select_related("user")
    return tuple(f"{row.user.get_username()} (backup)" if row.backup else row.user.get_username() for row in rows)


def _phases(
    rollout: Rollout, plan: Plan, gates: Sequence[Gate], decisions: Sequence[days.Decided], now: datetime
) -> Iterator[PhaseLine]:
    rows = {row.number: row for row in rollout.steps.all()}
    newest: dict[str, Gate] = {}
    for gate in gates:
        newest.setdefault(gate.slug, gate)
    start = rollout.starts_on
    opened: Mapping[str, days.Opening] = days.openings(plan, start, decisions) if start else {}
    current = days.in_force(plan, opened, now.date()) if start else None
    seen = current is None
    passed = {row.gate for row in decisions if row.decision == "go"}
    for phase in plan.phases:
        seen = seen or phase is current
        state = PhaseState.PASSED
        if phase.gate.slug not in passed or not start:
            state = PhaseState.IN_FORCE if phase is current else PhaseState.AHEAD if seen else PhaseState.PASSED
        begins = (
            opened[phase.slug].on if phase.slug in opened else days.date_of(start, phase.first_day) if start else None
        )
        yield PhaseLine(
            phase=phase,
            state=state,
            begins=begins,
            ends=begins + timedelta(days=days.days_between(phase.first_day, phase.last_day)) if begins else None,
            gate_due=days.gate_due(plan, phase.gate, start, decisions) if start else None,
            gate=newest.get(phase.gate.slug),
            steps=tuple(_step(step, rows.get(step.number)) for step in phase.steps),
        )


def _step(step: Step, row: StepProgress | None) -> StepLine:
    watched = row.live_since + step.monitoring if row and row.live_since and step.monitoring else None
    return StepLine(step, row, watched)


def alerts(rollout: Rollout, now: datetime) -> Iterator[Alert]:
    """What needs a person, each with the page to act on."""
    for rollback in rollout.rollbacks.exclude(state=Rollback.State.DONE):
        drill = "Drill: " if rollback.is_drill else ""
        yield Alert(
            f"{drill}{str(rollback).capitalize()} {rollback.get_state_display()}: {rollback.reason}",
            display.page_of(rollback),
        )
    if rollout.state == Rollout.State.ROLLED_BACK:
        yield Alert("The rollout was rolled back. Starting again needs two people.", page(rollout, "holds"))
    for firing in rollout.firings.filter(outcome=Firing.Outcome.WAITING)[:5]:
        yield Alert(f"{firing.trigger} waits for your decision: {firing.sentence}", page(rollout, "triggers"))
    for hold in rollout.holds.filter(released_at__isnull=True):
        yield Alert(f"{str(hold).capitalize()}: {hold.reason}", page(rollout, "holds"))
    for alert in SecurityAlert.objects.filter(repository=rollout.repository_id, cleared_at__isnull=True)[:5]:
        yield Alert(f"Security alert: {alert.summary}", display.page_of(alert))
    for incident in Incident.objects.filter(rollout=rollout, postmortem_held_at__isnull=True, closed_at__isnull=True):
        if incident.postmortem_due_at < now:
            due = display.relative(incident.postmortem_due_at, now)
            yield Alert(f"The post-mortem of “{incident}” was due {due}.", display.page_of(incident))
    yield from _asked(rollout, now)
    yield from _automation(rollout, now)


def _asked(rollout: Rollout, now: datetime) -> Iterator[Alert]:
    for survey in Survey.objects.filter(rollout=rollout, closed_at__isnull=True, closes_at__gt=now):
        ends = display.relative(survey.closes_at, now)
        yield Alert(f"The stakeholder survey is open and closes {ends}: {survey.question}", page(rollout, "survey"))


def _automation(rollout: Rollout, now: datetime) -> Iterator[Alert]:
    running = rollout.state in (Rollout.State.RUNNING, Rollout.State.HELD)
    if running and (rollout.reconciled_at is None or now - rollout.reconciled_at > STALE_RECONCILE):
        last = display.relative(rollout.reconciled_at, now) if rollout.reconciled_at else "never"
        text = f"Reconcile last ran {last}; live work stops by itself. Is the tick running?"
        yield Alert(text, reverse("admin:pipeline_heartbeat_changelist"))
    doubles = ExternalSchedule.objects.filter(repository=rollout.repository_id, gone_at__isnull=True)
    live = Operation.objects.filter(repository=rollout.repository_id, mode=Mode.LIVE).values("name")
    # Before our own is live it is no double; the finding of validation tells of it until then.
    for row in doubles.filter(Q(operation="") | Q(operation__in=live)).exclude(state__startswith="disabled")[:5]:
        yield Alert(
            f"{row} on GitHub is still scheduled: {row.operation or 'the same job'} runs twice.", display.page_of(row)
        )


def page(rollout: Rollout, name: str, *further: str) -> str:
    """The address of one of a rollout's pages."""
    return reverse(f"admin:rollout_rollout_{name}", args=[rollout.pk, *further])
