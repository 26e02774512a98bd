"""Time: summed budgets against time lines, windows against the runs they count, cohorts against their age."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

from rollout.domain.linter_findings import Finding, Severity, number
from rollout.domain.linter_timeline import Case, InForce, first_live, seconds_per_item
from rollout.domain.plan import Criterion, Phase, Plan, Step, Trigger
from rollout.domain.plan_vocabulary import MATURES_AFTER_DAYS
from rollout.domain.timetable import fewest_in, most_in


def budgets(case: Case) -> Iterator[Finding]:
    """The parts of a run at their limits and times per issue, against how long the run may take."""
    plan, time = case.plan, case.time
    seconds = seconds_per_item(plan)
    allowed = [rule for rule in plan.every_criterion() if rule.metric == "run_duration" and rule.operation]
    for rule in allowed:
        for at in reversed(time):
            work = _work(at, rule.operation, seconds)
            total = sum(limit * each for _, limit, each in work)
            if total > rule.threshold and rule.comparator in ("<", "<="):
                yield _budget(plan, rule, work)
                break


def _work(at: InForce, operation: str, seconds: dict[str, float]) -> list[tuple[str, int, float]]:
    """(what, issues, seconds each) of a full run."""
    if operation == "daily":
        parts = [(name, part.limit, seconds[name]) for name, part in at.parts.items() if name in seconds and part.limit]
        return [(name, limit, each) for name, limit, each in parts if limit]
    limit = at.operations[operation].limit if operation in at.operations else None
    return [(operation, limit, seconds[operation])] if limit and operation in seconds else []


def _budget(plan: Plan, rule: Criterion, work: list[tuple[str, int, float]]) -> Finding:
    total = sum(limit * each for _, limit, each in work)
    lines = [f"{name}: {limit} issues × {each:g} s = {limit * each / 60:g} min" for name, limit, each in work]
    lines.append(f"together {total / 60:g} min > {rule.threshold / 60:g} min ({rule.slug})")
    sentence = (
        f"A full run of {rule.operation} takes {total / 60:g} minutes at the times that the plan allows per issue; "
        f"{rule.slug} allows {rule.threshold / 60:g}"
    )
    figures = {"budget": total, "allowed": rule.threshold}
    line = _line(plan, rule.operation)
    if line and total >= line.threshold * (1 - 1e-9):
        over = total - line.threshold
        lines.append(f"{line.slug} acts above {line.threshold / 60:g} min: {over / 60:g} min beyond it")
        sentence += f", and {line.slug} acts above {line.threshold / 60:g}, which any further minute reaches"
        figures["line"] = line.threshold
    name, limit, each = work[-1]
    rest = rule.threshold - (total - limit * each)
    fits = max(math.floor(rest / each), 0)
    return Finding(
        rule="budget",
        severity=Severity.CONTRADICTION,
        where=tuple(step.number for phase in plan.phases for step in phase.steps if rule in step.criteria),
        sentence=sentence + ".",
        arithmetic=tuple(lines),
        suggestion=(
            f"Lower {name} to {fits} issues in this run, or allow {math.ceil(total / 60 * 1.2)} minutes and act above "
            f"{math.ceil(total / 60 * 2)}."
        ),
        figures=figures,
    )


def _line(plan: Plan, operation: str) -> Trigger | None:
    """The trigger that acts when a run of the operation takes too long."""
    rules = [rule for rule in plan.every_trigger() if rule.metric == "run_duration" and rule.operation == operation]
    return min(rules, key=lambda rule: rule.threshold, default=None)


def overlaps(case: Case) -> Iterator[Finding]:
    """A full run that is still going when the next one of the same operation is due."""
    plan, time = case.plan, case.time
    seconds = seconds_per_item(plan)
    for at in time:
        for operation, cron in at.live_crons().items():
            total = sum(limit * each for _, limit, each in _work(at, operation, seconds))
            if total and most_in(cron, timedelta(seconds=total)) > 1:
                yield _overlap(at, operation, cron, total)


def _overlap(at: InForce, operation: str, cron: str, total: float) -> Finding:
    return Finding(
        rule="overlap",
        severity=Severity.CONTRADICTION,
        where=tuple(step.number for step in at.phase.steps),
        sentence=(
            f"A full run of {operation} takes {total / 60:g} minutes in {at.phase.name}, longer than the gap of its "
            f"own schedule ('{cron}'), so every other run would be skipped."
        ),
        arithmetic=(f"{total / 60:g} min of work; '{cron}' fires again within that time",),
        suggestion=f"Run {operation} less often, or lower its limit.",
        figures={"seconds": total},
    )


def windows(case: Case) -> Iterator[Finding]:
    """Windows that hold fewer runs than a rule counts in them."""
    time = case.time
    for at in time:
        rules: list[tuple[str, Criterion | Trigger]] = []
        rules += [(at.phase.gate.slug, rule) for rule in at.phase.gate.criteria]
        for step in at.phase.steps:
            rules += [(step.number, rule) for rule in step.criteria]
            rules += [(step.number, rule) for rule in step.triggers]
            yield from _longer_than_watched(step)
        for where, rule in rules:
            yield from _window(at, where, rule)


def _window(at: InForce, where: str, rule: Criterion | Trigger) -> Iterator[Finding]:
    """How many runs the window surely holds (for what must be reached) or may hold (for what must be enough)."""
    operation = at.operations.get(rule.operation)
    span = rule.window.span()
    if operation is None or operation.cron is None or span is None:
        return
    if isinstance(rule, Trigger):
        held, needed = most_in(operation.cron, span), rule.minimum_runs
    elif rule.metric == "scheduled_runs_completed" and rule.comparator in (">", ">="):
        held = fewest_in(operation.cron, span)
        needed = math.floor(rule.threshold) + 1 if rule.comparator == ">" else math.ceil(rule.threshold)
    else:
        return
    if held < needed:
        yield _too_short(where, rule, operation.cron, held, needed)


def _too_short(where: str, rule: Criterion | Trigger, cron: str, held: int, needed: int) -> Finding:
    hours = rule.window.hours or 0
    return Finding(
        rule="window",
        severity=Severity.CONTRADICTION,
        where=(where,),
        sentence=(
            f"{rule.slug} counts {needed} runs in {hours:g} hours, but '{cron}' fires only {held} times in that window."
        ),
        arithmetic=(f"'{cron}' in {hours:g} h: {held} runs; needed: {needed}",),
        suggestion=f"Widen the window to {number(_widened(cron, needed, hours))} hours, or count {held} runs.",
        figures={"held": held, "needed": needed, "hours": hours},
    )


def _widened(cron: str, needed: int, hours: float) -> float:
    """The next whole number of hours that surely holds as many runs."""
    tried = math.ceil(hours)
    while tried < 24 * 60 and fewest_in(cron, timedelta(hours=tried)) < needed:
        tried += 1
    return tried


def _longer_than_watched(step: Step) -> Iterator[Finding]:
    watched = step.monitoring.total_seconds() / 3600
    for rule in step.criteria:
        if watched and rule.window.hours is not None and rule.window.hours > watched:
            yield Finding(
                rule="monitoring",
                severity=Severity.CONTRADICTION,
                where=(step.number,),
                sentence=(
                    f"{rule.slug} looks back {rule.window.hours:g} hours, but step {step.number} is watched for "
                    f"{watched:g}: its first evidence is complete when nobody watches any more."
                ),
                arithmetic=(f"{rule.window.hours:g} h > {watched:g} h",),
                suggestion=f"Watch the step for {rule.window.hours:g} hours, or look back {watched:g}.",
                figures={"window": rule.window.hours, "monitoring": watched},
            )


def cohorts(case: Case) -> Iterator[Finding]:
    """Completion that is judged before a single hand-over can be old enough for it."""
    plan = case.plan
    live = first_live(plan, "process")
    if live is None:
        return
    for phase in plan.phases:
        for rule, day, where in judged(phase):
            age = MATURES_AFTER_DAYS.get(rule.metric)
            if age is not None and day - live < age:
                yield _too_young(rule, where, day, live, age)


def judged(phase: Phase) -> Iterator[tuple[Criterion, int, str]]:
    """Every criterion with the day on which it is judged: ramps when they begin, the rest at the gate."""
    for step in phase.steps:
        for ramp in step.ramps:
            for rule in ramp.prerequisites:
                yield rule, phase.first_day + step.first_day - 1, step.number
        for rule in step.criteria:
            yield rule, phase.gate.day, step.number
    for rule in phase.gate.criteria:
        yield rule, phase.gate.day, phase.gate.slug


def _too_young(rule: Criterion, where: str, day: int, live: int, age: int) -> Finding:
    return Finding(
        rule="cohort",
        severity=Severity.CONTRADICTION,
        where=(where,),
        sentence=(
            f"{rule.slug} is judged on day {day}, but the first hand-overs of day {live} are {age} days old only "
            f"on day {live + age}."
        ),
        arithmetic=(f"day {day} − day {live} = {day - live} days < {age} days",),
        suggestion=f"Judge it on day {live + age} or later.",
        figures={"day": day, "live": live, "age": age},
    )
