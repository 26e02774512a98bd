"""What a plan must hold to be usable at all: one sentence per fault. Whether figures agree is the linter's matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pipeline.domain import cron
from rollout.domain import plan_promises
from rollout.domain import plan_vocabulary as words
from rollout.domain.measures import Unit, Window
from rollout.domain.plan import Criterion, GatePlan, Phase, Plan, Ramp, Setting, Source, Step, TimetableEntry, Trigger
from rollout.domain.plan_faults import Fault, Known, known, unknown

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_WEIGHTS_MAY_MISS = 0.0005


def faults(plan: Plan, *, metrics: Known, operations: Known) -> Iterator[Fault]:
    """Every fault, in no particular order."""
    yield from _phases(plan)
    yield from _gates(plan)
    yield from _slugs(plan)
    yield from _steps(plan, operations)
    for criterion in plan.every_criterion():
        yield from _criterion(criterion, metrics, operations)
    for trigger in plan.every_trigger():
        yield from _trigger(trigger, metrics, operations)
    yield from _timetable(plan, operations)
    yield from _people(plan)
    yield from _quality(plan, metrics)
    if metrics is not None:  # a plan that is stored was checked when it was stored, by the rules of then
        yield from plan_promises.faults(plan)


def _phases(plan: Plan) -> Iterator[Fault]:
    if not plan.phases:
        yield Fault(plan, "phases", "The plan has no phases; add at least one.")
    for phase in plan.phases:
        for field in ("first_day", "last_day"):
            if getattr(phase, field) == 0:
                yield Fault(phase, field, "There is no day 0: day 1 follows day -1; write one of these.")
        if phase.last_day < phase.first_day:
            span = f"day {phase.first_day} to day {phase.last_day}"
            yield Fault(phase, "last_day", f"The phase {phase.slug!r} ends before it begins ({span}); turn them round.")
    for before, after in pairwise(plan.phases):
        if after.first_day <= before.last_day:
            yield Fault(
                after,
                "first_day",
                f"The phase {after.slug!r} begins on day {after.first_day}, but {before.slug!r} lasts until day "
                f"{before.last_day}; phases must follow one another without sharing a day.",
            )


def _gates(plan: Plan) -> Iterator[Fault]:
    roles = [role.slug for role in plan.roles]
    for place, phase in enumerate(plan.phases):
        gate = phase.gate
        if not phase.first_day <= gate.day <= phase.last_day:
            span = f"day {phase.first_day} to {phase.last_day}"
            yield Fault(gate, "day", f"The gate {gate.slug!r} is on day {gate.day}, outside of its phase ({span}).")
        yield from _opens(plan, place, gate)
        if not gate.signers:
            yield Fault(gate, "signers", f"The gate {gate.slug!r} names no signers; name at least one role.")
        for role in gate.signers:
            if role not in roles:
                yield Fault(gate, "signers", unknown("role", role, roles))
        for decision in gate.decisions:
            if decision not in words.DECISIONS:
                yield Fault(gate, "decisions", unknown("decision", decision, words.DECISIONS))
        if "go" not in gate.decisions:
            yield Fault(gate, "decisions", f"The gate {gate.slug!r} cannot be decided with go; add it.")


def _opens(plan: Plan, place: int, gate: GatePlan) -> Iterator[Fault]:
    following = plan.phases[place + 1].slug if place + 1 < len(plan.phases) else ""
    if gate.opens != following:
        wanted = repr(following) if following else "nothing (an empty text), because it is the last"
        yield Fault(gate, "opens", f"The gate {gate.slug!r} opens {gate.opens!r}; after its phase comes {wanted}.")


def _slugs(plan: Plan) -> Iterator[Fault]:
    # Criteria and triggers share one name space: an evaluation is kept under the slug of its rule.
    yield from _twice([*plan.every_criterion(), *plan.every_trigger()], "slug", "criteria and triggers")
    yield from _twice(plan.phases, "slug", "phases")
    yield from _twice([phase.gate for phase in plan.phases], "slug", "gates")
    yield from _twice([step for phase in plan.phases for step in phase.steps], "number", "steps")
    for name in ("roles", "messages", "slas", "rubric"):
        yield from _twice(getattr(plan, name), "slug", name)


def _twice(records: Iterable[object], field: str, where: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for record in records:
        value = getattr(record, field)
        if value in seen:
            yield Fault(record, field, f"The {field} {value!r} stands twice among the {where}; give each its own.")
        seen.add(value)


def _steps(plan: Plan, operations: Known) -> Iterator[Fault]:
    for phase in plan.phases:
        for step in phase.steps:
            days = _days(phase)
            if not 1 <= step.first_day <= max(days, 1):
                sentence = f"Step {step.number} begins on day {step.first_day} of a phase of {days} days."
                yield Fault(step, "first_day", sentence)
            for setting in step.settings:
                yield from _setting(setting, operations)
            yield from _ramps(step, days, operations)


def _days(phase: Phase) -> int:
    crossing = phase.first_day < 0 < phase.last_day  # there is no day 0
    return phase.last_day - phase.first_day + (0 if crossing else 1)


def _setting(setting: Setting, operations: Known) -> Iterator[Fault]:
    yield from known(setting, "operation", setting.operation, operations)
    if setting.part:
        yield from known(setting, "part", setting.part, words.PARTS, "part of the daily operation")
        if setting.operation != "daily":
            yield Fault(setting, "part", f"Only the operation 'daily' has parts, not {setting.operation!r}.")
        if setting.cron is not None:
            yield Fault(setting, "cron", "A part has no cron of its own; set it on the daily operation.")
    if setting.mode is None and setting.limit is None and setting.cron is None:
        yield Fault(setting, "", "This setting changes nothing; give it a mode, a limit or a cron.")
    if setting.mode is not None:
        yield from known(setting, "mode", setting.mode, words.MODES)
    if setting.cron is not None:
        yield from _cron(setting, setting.cron)


def _cron(setting: Setting, expression: str) -> Iterator[Fault]:
    try:
        cron.check(expression)
    except cron.BadCron as error:
        yield Fault(setting, "cron", str(error))


def _ramps(step: Step, days: int, operations: Known) -> Iterator[Fault]:
    for ramp in step.ramps:
        yield from known(ramp, "operation", ramp.operation, operations)
        if not ramp.steps:
            yield Fault(ramp, "steps", f"The ramp of {ramp.operation!r} has no steps; add one or remove the ramp.")
        yield from _ramp_days(ramp, days)


def _ramp_days(ramp: Ramp, days: int) -> Iterator[Fault]:
    for item in ramp.steps:
        if not 1 <= item.first_day <= item.last_day:
            span = f"day {item.first_day} to {item.last_day}"
            yield Fault(item, "last_day", f"The days of this ramp step are out of order ({span}); days count from 1.")
        elif item.last_day > days:
            sentence = f"This ramp step lasts until day {item.last_day}, but the phase has {days} days."
            yield Fault(item, "last_day", sentence)
    for before, after in pairwise(ramp.steps):
        if after.first_day != before.last_day + 1:
            yield Fault(
                after,
                "first_day",
                f"This ramp step begins on day {after.first_day}; the one before ends on day {before.last_day}, so it "
                f"must begin on day {before.last_day + 1}.",
            )


def _criterion(criterion: Criterion, metrics: Known, operations: Known) -> Iterator[Fault]:
    if criterion.metric:
        yield from _measured(criterion, criterion.metric, criterion.unit, metrics)
    elif criterion.source is not Source.MANUAL:
        yield Fault(criterion, "metric", f"The criterion {criterion.slug!r} is measured; name its metric.")
    yield from _compared(criterion, criterion.comparator, criterion.unit, criterion.threshold)
    yield from _window(criterion.window)
    if criterion.operation:
        yield from known(criterion, "operation", criterion.operation, operations)


def _trigger(trigger: Trigger, metrics: Known, operations: Known) -> Iterator[Fault]:
    if trigger.metric:
        yield from _measured(trigger, trigger.metric, trigger.unit, metrics)
    elif trigger.automatic:
        yield Fault(trigger, "metric", f"The trigger {trigger.slug!r} fires by itself; name its metric.")
    yield from _compared(trigger, trigger.comparator, trigger.unit, trigger.threshold)
    yield from _window(trigger.window)
    yield from known(trigger, "scope", trigger.scope, words.SCOPES)
    yield from known(trigger, "per", trigger.per, words.COUNTED)
    if trigger.operation:
        yield from known(trigger, "operation", trigger.operation, operations)
    if trigger.scope == "step" and not trigger.step:
        yield Fault(trigger, "scope", f"The trigger {trigger.slug!r} belongs to no step; its scope must be another.")


def _measured(rule: Criterion | Trigger, metric: str, unit: Unit, metrics: Known) -> Iterator[Fault]:
    yield from known(rule, "metric", metric, metrics)
    expected = words.METRICS.get(metric)
    if expected is not None and unit is not expected:
        sentence = f"The metric {metric!r} has the unit {expected.value}, not {unit.value}; correct the unit."
        yield Fault(rule, "unit", sentence)


def _compared(rule: Criterion | Trigger, comparator: str, unit: Unit, threshold: float) -> Iterator[Fault]:
    yield from known(rule, "comparator", comparator, words.COMPARATORS)
    if unit is Unit.SHARE and not 0 <= threshold <= 1:
        yield Fault(rule, "threshold", f"A share is from 0 to 1, and this is {threshold:g}; write 0.8 for 80 %.")


def _window(window: Window) -> Iterator[Fault]:
    if window.runs is not None and window.hours is not None:
        yield Fault(window, "", "A window counts runs or hours, never both; remove one.")


def _timetable(plan: Plan, operations: Known) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for entry in plan.timetable:
        yield from known(entry, "operation", entry.operation, operations)
        if entry.mode:
            yield from known(entry, "mode", entry.mode, words.MODES)
        if not _TIME.fullmatch(entry.at):
            yield Fault(entry, "at", f"{entry.at!r} is not a time of day; write for example '06:30' (UTC).")
        if (entry.at, entry.operation) in seen:
            yield Fault(entry, "at", f"{entry.operation!r} stands twice at {entry.at}; remove one.")
        seen.add((entry.at, entry.operation))
    yield from _one_minute(plan.timetable)


def _one_minute(entries: tuple[TimetableEntry, ...]) -> Iterator[Fault]:
    """One cron entry has one set of minutes for all of its hours."""
    minutes: dict[str, str] = {}
    for entry in entries:
        first = minutes.setdefault(entry.operation, entry.at[3:])
        if entry.at[3:] != first and _TIME.fullmatch(entry.at):
            yield Fault(
                entry,
                "at",
                f"{entry.operation!r} stands at {entry.at} and elsewhere at minute {first}; one schedule needs one "
                "minute for all of its hours.",
            )


def _people(plan: Plan) -> Iterator[Fault]:
    roles = [role.slug for role in plan.roles]
    for escalation in plan.escalations:
        yield from known(escalation, "action", escalation.action, words.ESCALATION_ACTIONS)
        if escalation.role:
            yield from known(escalation, "role", escalation.role, roles)
    for before, after in pairwise(plan.escalations):
        if after.day <= before.day:
            sentence = f"The escalation of day {after.day} follows that of day {before.day}; order them by day."
            yield Fault(after, "day", sentence)


def _quality(plan: Plan, metrics: Known) -> Iterator[Fault]:
    for sla in plan.slas:
        yield from known(sla, "metric", sla.metric, metrics)
        yield from known(sla, "comparator", sla.comparator, words.COMPARATORS)
    total = sum(line.weight for line in plan.rubric)
    if plan.rubric and abs(total - 1) > _WEIGHTS_MAY_MISS:
        shares = " + ".join(f"{line.weight:.0%}" for line in plan.rubric)
        yield Fault(plan, "rubric", f"The weights of the rubric sum to {total:.0%}, not 100 % ({shares}).")
