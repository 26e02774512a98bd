"""Reads for every trigger what it decides on, with few queries, and decides. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.models import Operation
from rollout.domain import failures, trigger_rules, windows
from rollout.domain.measures import Reading, Row, Scope, Unit, Window
from rollout.domain.plan import Action, Plan, Trigger
from rollout.domain.trigger_rules import Decision, Rule
from rollout.domain.windows import RunFact
from rollout.metrics import run_rows
from rollout.metrics.registry import METRICS
from rollout.models import Firing, Rollout, StepProgress, TriggerState
from rollout.services import evidence_floors, plans, situation

IN_FORCE = (StepProgress.State.LIVE, StepProgress.State.HELD, StepProgress.State.DONE)
HELD = (Action.HOLD, Action.HOLD_AND_PROBE)

# Not of the plan: the watchdog for runs that never came.
MISSING_RUNS = Trigger(
    slug="missing-runs",
    text="A scheduled run that never came",
    number="",
    action=Action.WARN,
    metric="missing_runs",
    scope="all",
    unit=Unit.COUNT,
    window=Window(hours=24),
    comparator=">",
    threshold=0,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule on one operation ("" for the whole repository), decided."""

    rule: Rule
    subject: str
    reading: Reading
    decision: Decision
    floor: datetime
    holds: int
    in_force: bool


@dataclass(frozen=True, slots=True)
class _Grounds:
    """What all rules share: floors, runs, states."""

    rollout: Rollout
    now: datetime
    floor: datetime
    floors: dict[str, datetime]
    runs: dict[str, list[RunFact]]
    states: dict[str, TriggerState]
    steps: dict[str, str]
    held: dict[tuple[str, str], list[datetime]]

    def floor_of(self, slug: str, subject: str) -> datetime:
        state = self.states.get(slug)
        cleared = state.floor if state is not None and state.floor is not None else self.floor
        return max(self.floors.get(subject, self.floor), cleared)


def rules_of(rollout: Rollout, plan: Plan | None = None) -> tuple[Rule, ...]:
    """The plan's triggers in the rollout's profile, and the watchdog."""
    known = plan or plans.plan_of(rollout.plan)
    return (*trigger_rules.under(rollout.profile, known.every_trigger()), trigger_rules.literal(MISSING_RUNS))


def states_of(rollout: Rollout) -> dict[str, TriggerState]:
    """By trigger."""
    return {row.slug: row for row in TriggerState.objects.filter(rollout=rollout)}


def judge(
    rollout: Rollout,
    rules: Sequence[Rule],
    now: datetime,
    states: dict[str, TriggerState],
    *,
    operations: Iterable[str] | None = None,
) -> list[Judged]:
    """Every rule that can be measured; `operations` restricts failure rates to these."""
    rows = situation.watched(rollout)
    asked = [row for row in rows if operations is None or row.name in set(operations)]
    flaps = any(rule.flap_runs for rule in rules)
    grounds = _grounds(rollout, rows, asked, now, states, flaps=flaps)
    found: list[Judged] = []
    for rule in rules:
        if rule.is_rate:
            names = [row.name for row in asked if rule.trigger.operation in {"", row.name}]
            found += [_on_runs(grounds, rule, name) for name in names]
        elif rule.trigger.metric:
            found.append(_on_metric(grounds, rule))
    return found


def _grounds(
    rollout: Rollout,
    rows: Sequence[Operation],
    asked: Sequence[Operation],
    now: datetime,
    states: dict[str, TriggerState],
    *,
    flaps: bool,
) -> _Grounds:
    floor = evidence_floors.of_phase(rollout)
    floors = evidence_floors.of_operations(rollout, rows, floor)
    runs = run_rows.latest(asked, floor)  # from before an operation's own floor only holds are counted
    return _Grounds(
        rollout=rollout,
        now=now,
        floor=floor,
        floors=floors,
        runs={row.name: runs.get(row.pk, []) for row in asked},
        states=states,
        steps=dict(StepProgress.objects.filter(rollout=rollout).values_list("number", "state")),
        held=_held(rollout, floor) if flaps else {},
    )


def _held(rollout: Rollout, since: datetime) -> dict[tuple[str, str], list[datetime]]:
    """When each rule held each operation since the phase began."""
    found: dict[tuple[str, str], list[datetime]] = {}
    rows = Firing.objects.filter(rollout=rollout, action__in=HELD, at__gte=since)
    for slug, subject, at in rows.values_list("trigger", "subject", "at"):
        found.setdefault((slug, subject), []).append(at)
    return found


def _on_runs(grounds: _Grounds, rule: Rule, name: str) -> Judged:
    floor = grounds.floor_of(rule.trigger.slug, name)
    runs = grounds.runs[name]
    reading = failures.reading(runs, rule.counting, rule.trigger.window, floor, grounds.now)
    recent = windows.chosen(runs, Window(runs=failures.CRASH_OF), floor, grounds.now)
    seen = {row.id for row in reading.rows} | {run.id for run in recent}
    kept = [run for run in windows.chosen_all(runs) if run.id in seen]
    reading = replace(
        reading,
        rows=tuple(Row(failures.RUN, run.id) for run in kept),
        parts={**reading.parts, "facts": [run_rows.to_json(run) for run in kept]},
    )
    holds = _holds(grounds, rule, name)
    decision = trigger_rules.decide(rule, reading, holds)
    return Judged(rule, name, reading, decision, floor, holds, _is_in_force(grounds, rule))


def _holds(grounds: _Grounds, rule: Rule, name: str) -> int:
    """Holds of this rule within its last `flap_runs` runs, those before the last release included."""
    if not rule.flap_runs:
        return 0
    held = grounds.held.get((rule.trigger.slug, name), [])
    runs = windows.chosen_all(grounds.runs[name])[-rule.flap_runs :]
    return sum(1 for at in held if not runs or at >= runs[0].finished_at)


def _on_metric(grounds: _Grounds, rule: Rule) -> Judged:
    trigger = rule.trigger
    floor = grounds.floor_of(trigger.slug, trigger.operation)
    scope = Scope(grounds.rollout.repository_id, trigger.operation)
    metric = METRICS.get(trigger.metric)
    reading = (
        Reading(value=None, n=0, error=f"There is no metric {trigger.metric!r}.")
        if metric is None
        else metric.read(scope, trigger.window, floor, grounds.now)
    )
    if reading.error:  # it has no rows that tell one time from another; starting again makes it another
        reading = replace(reading, start=floor)
    decision = trigger_rules.decide(rule, reading)
    return Judged(rule, trigger.operation, reading, decision, floor, 0, _is_in_force(grounds, rule))


def _is_in_force(grounds: _Grounds, rule: Rule) -> bool:
    """A step's trigger watches while the step is live, held or done."""
    return not rule.trigger.step or grounds.steps.get(rule.trigger.step) in IN_FORCE
