"""Volumes: what the schedules can carry against what the plan claims, one stage against the next, quotas."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from rollout.domain.linter_findings import Finding, Given, Severity, number, percent
from rollout.domain.linter_timeline import Case, InForce, Volume, numbers_of, seconds_per_item
from rollout.domain.plan import Criterion, Plan
from rollout.domain.plan_vocabulary import STAGES, STATED_VOLUME
from rollout.domain.timetable import most_in


def stated_volume(plan: Plan, operation: str, phase: str) -> float | None:
    return plan.stated.get(f"{STATED_VOLUME}.{operation}.{phase}")


def capacity(case: Case) -> Iterator[Finding]:
    """What each schedule can carry in a day against the figure that the plan states for it."""
    plan, time, given = case.plan, case.time, case.given
    before: InForce | None = None
    for at in time:
        for operation in at.operations:
            stated = stated_volume(plan, operation, at.phase.slug)
            volume = at.volume(operation)
            if stated and volume and abs(volume.per_day - stated) > given.about * stated:
                earlier = before.volume(operation) if before else None
                yield _capacity(at, volume, stated, earlier)
        before = at


def _capacity(at: InForce, volume: Volume, stated: float, earlier: Volume | None) -> Finding:
    cron = at.operations[volume.operation].cron
    lines = [f"'{cron}' fires {volume.runs:g} times a day", volume.line, f"stated: {stated:g} issues a day"]
    if earlier:
        lines.append(f"the phase before: {earlier.line}")
        kept = earlier.runs * volume.limit
        lines.append(f"on the schedule before: {earlier.runs:g} runs × {volume.limit} = {kept:g} issues a day")
    share = volume.per_day / stated
    needed = math.ceil((stated - volume.daily_runs * volume.daily_limit) / volume.runs) if volume.runs else 0
    return Finding(
        rule="capacity",
        severity=Severity.CONTRADICTION,
        where=numbers_of(at.phase, volume.operation),
        sentence=(
            f"{at.phase.name} states {stated:g} issues a day for {volume.operation}, but its schedule and limit allow "
            f"{number(volume.per_day)}, {percent(share)} of it."
        ),
        arithmetic=tuple(lines),
        suggestion=_more(volume, stated, needed, earlier),
        figures={"stated": stated, "possible": volume.per_day, "runs_per_day": volume.runs, "limit": volume.limit},
    )


def _more(volume: Volume, stated: float, needed: int, earlier: Volume | None) -> str:
    words = [f"State {number(volume.per_day)} issues a day"]
    if volume.runs:
        words.append(f"set the limit to {needed} per run")
    if earlier and earlier.runs != volume.runs and volume.limit:
        words.append(f"run {stated / volume.limit:g} times a day (it was {earlier.runs:g})")
    return ", or ".join(words) + "."


def inflow(case: Case) -> Iterator[Finding]:
    """A stage that hands on more than the next one can take: a backlog that must grow."""
    plan, time, given = case.plan, case.time, case.given
    for first, second in pairwise(STAGES):
        grown = [(at, a, b) for at in time if (a := at.volume(first)) and (b := at.volume(second))]
        growing = [(at, a, b) for at, a, b in grown if a.per_day > b.per_day * (1 + given.about)]
        if growing:
            yield _inflow(plan, first, second, growing)


def _inflow(plan: Plan, first: str, second: str, growing: list[tuple[InForce, Volume, Volume]]) -> Finding:
    lines = []
    total = 0.0
    for at, a, b in growing:
        surplus, days = a.per_day - b.per_day, at.phase.last_day - at.phase.first_day + 1
        total += surplus * days
        lines.append(f"{at.phase.slug}: {a.line}; {b.line}: +{surplus:g} a day, +{surplus * days:g} in {days} days")
        claimed = stated_volume(plan, first, at.phase.slug), stated_volume(plan, second, at.phase.slug)
        if claimed[0] and claimed[1] and (claimed[0], claimed[1]) != (a.per_day, b.per_day):
            lines.append(f"as stated there: {claimed[0]:g} − {claimed[1]:g} = +{claimed[0] - claimed[1]:g} a day")
    worst = max(growing, key=lambda row: row[1].per_day - row[2].per_day)
    runs = worst[2].runs or worst[2].daily_runs
    needed = math.ceil((worst[1].per_day - worst[2].per_day) / runs) + (worst[2].limit or worst[2].daily_limit)
    against = [rule.slug for rule in plan.every_criterion() if rule.metric == "backlog_growth"]
    return Finding(
        rule="inflow",
        severity=Severity.CONTRADICTION,
        where=tuple(dict.fromkeys(n for at, _, _ in growing for n in numbers_of(at.phase, second))),
        sentence=(
            f"{first} hands on more than {second} can take: up to {number(worst[1].per_day)} against "
            f"{number(worst[2].per_day)} issues a day in {worst[0].phase.name}, {number(total)} issues in all"
            + (f", although {', '.join(against)} allows no growth." if against else ".")
        ),
        arithmetic=tuple(lines),
        suggestion=(
            f"Raise {second} to {needed} issues per run at {runs:g} runs a day, or lower {first} to what "
            f"{second} takes ({number(worst[2].per_day)} a day)."
        ),
        figures={
            "first": worst[1].per_day,
            "second": worst[2].per_day,
            "growth_per_day": worst[1].per_day - worst[2].per_day,
            "total": total,
        },
    )


def quota(case: Case) -> Iterator[Finding]:
    """A daily quota that may be used up to a share before a ramp, and is too small for what comes after it."""
    plan, time = case.plan, case.time
    if not time:
        return
    for place, phase in enumerate(plan.phases):
        for step in phase.steps:
            for rule in (rule for ramp in step.ramps for rule in ramp.prerequisites):
                if place and rule.metric == "ai_quota_used" and rule.comparator in ("<", "<="):
                    yield from _quota(plan, time[place - 1], time[place:], rule, step.number)


def _quota(plan: Plan, before: InForce, after: Sequence[InForce], rule: Criterion, where: str) -> Iterator[Finding]:
    first = _planned(plan, before, before)
    if not first:
        return
    peak = max((_planned(plan, after[0], at), at.phase.slug) for at in after)
    growth = peak[0] / first
    reached = growth * rule.threshold
    if reached <= 1:
        return
    yield Finding(
        rule="quota",
        severity=Severity.CONTRADICTION,
        where=(where,),
        sentence=(
            f"{rule.slug} lets the limits grow while {percent(rule.threshold)} of the daily AI quota is used; by "
            f"{peak[1]} the same work would use {percent(reached)} of it."
        ),
        arithmetic=(
            f"planned before: {first:g} issues a day through assign and process",
            f"planned by {peak[1]}: {peak[0]:g} issues a day",
            f"{peak[0]:g} ÷ {first:g} × {percent(rule.threshold)} = {percent(reached)}",
        ),
        suggestion=f"Ask for less than {percent(math.floor(100 / growth) / 100)}, or raise the quota before the ramp.",
        figures={"growth": growth, "threshold": rule.threshold, "reached": reached},
    )


def _planned(plan: Plan, stated_in: InForce, at: InForce) -> float:
    """Issues a day that reach a model: as stated, where the plan states it, plus the parts of the daily run."""
    total = 0.0
    for operation in ("assign", "process"):
        volume = at.volume(operation)
        if volume is None:
            continue
        stated = stated_volume(plan, operation, stated_in.phase.slug)
        own = stated if stated is not None else volume.runs * volume.limit
        total += own + volume.daily_runs * volume.daily_limit
    return total


def writing(case: Case) -> Iterator[Finding]:
    """Writes a minute and an hour against what GitHub takes."""
    plan, time, given = case.plan, case.time, case.given
    seconds = seconds_per_item(plan)
    for at in time:
        per_hour, lines = 0.0, []
        for operation, writes in given.writes_per_item.items():
            volume = at.volume(operation)
            if volume is None:
                continue
            runs = _runs_an_hour(at.operations[operation].cron) if volume.runs and operation in at.operations else 0
            count = (runs * volume.limit + volume.daily_limit) * writes
            per_hour += count
            lines.append(f"{operation}: ({runs} × {volume.limit} + {volume.daily_limit}) × {writes} writes = {count:g}")
            if operation in seconds and writes * 60 / seconds[operation] > given.writes_per_minute:
                yield _too_fast(at, operation, writes, seconds[operation], given)
        if per_hour > given.writes_per_hour:
            yield _too_many(at, per_hour, lines, given)


def _runs_an_hour(cron: str | None) -> int:
    return most_in(cron, timedelta(hours=1)) if cron else 0


def _too_fast(at: InForce, operation: str, writes: int, seconds: float, given: Given) -> Finding:
    rate = writes * 60 / seconds
    return Finding(
        rule="writes_per_minute",
        severity=Severity.CONTRADICTION,
        where=numbers_of(at.phase, operation),
        sentence=(
            f"{operation} at {seconds:g} s per issue writes {number(rate)} times a minute; GitHub takes "
            f"{given.writes_per_minute}."
        ),
        arithmetic=(f"{writes} writes × 60 s ÷ {seconds:g} s = {number(rate)} a minute",),
        suggestion=f"Plan at least {math.ceil(writes * 60 / given.writes_per_minute)} s per issue.",
        figures={"per_minute": rate, "allowed": given.writes_per_minute},
    )


def _too_many(at: InForce, per_hour: float, lines: list[str], given: Given) -> Finding:
    return Finding(
        rule="writes_per_hour",
        severity=Severity.CONTRADICTION,
        where=tuple(step.number for step in at.phase.steps),
        sentence=(
            f"{at.phase.name} may write {number(per_hour)} times within an hour; GitHub takes {given.writes_per_hour}."
        ),
        arithmetic=(*lines, f"together {number(per_hour)} > {given.writes_per_hour}"),
        suggestion="Lower the limits, or move the runs into different hours.",
        figures={"per_hour": per_hour, "allowed": given.writes_per_hour},
    )
