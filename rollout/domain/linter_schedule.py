"""Schedules: clashes within minutes, stages out of step, a timetable that says something else than the steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rollout.domain.linter_findings import Finding, Severity
from rollout.domain.linter_timeline import Case, InForce, durations, numbers_of, seconds_per_item
from rollout.domain.plan_vocabulary import STAGES
from rollout.domain.timetable import Clash, clashes, crons, gap_after


def clashing(case: Case) -> Iterator[Finding]:
    """Starts within minutes, or during the other's run, of operations that share a concurrency group."""
    plan, time, given = case.plan, case.time, case.given
    seconds = seconds_per_item(plan)
    seen: set[tuple[str, str, str, str]] = set()
    for at in time:
        schedule = at.live_crons()
        groups = {name: given.group(name) for name in schedule}
        for clash in clashes(schedule, groups, lasts=durations(at, seconds)):
            key = (clash.first, clash.second, clash.first_at, clash.second_at)
            if key not in seen:
                seen.add(key)
                yield _clash(at, clash)


def _clash(at: InForce, clash: Clash) -> Finding:
    lines = [f"{clash.first_at} + {clash.minutes} min = {clash.second_at}"]
    if clash.overlap:
        lines.append(f"a full run of {clash.first} takes {clash.minutes + clash.overlap} min")
    return Finding(
        rule="clash",
        severity=Severity.CONTRADICTION,
        where=(*numbers_of(at.phase, clash.first), *numbers_of(at.phase, clash.second)) or (at.phase.slug,),
        sentence=clash.sentence,
        arithmetic=tuple(lines),
        suggestion=f"Move {clash.second} by at least {clash.overlap or 10} minutes, or give it hours of its own.",
        figures={"minutes": clash.minutes, "overlap": clash.overlap},
    )


def margins(case: Case) -> Iterator[Finding]:
    """A stage that starts while the stage it takes from is still at work."""
    plan, time = case.plan, case.time
    seconds = seconds_per_item(plan)
    for at in time:
        schedule, lasts = at.live_crons(), durations(at, seconds)
        for first, second in pairwise(STAGES):
            if first not in schedule or second not in schedule or first not in lasts:
                continue
            gap = gap_after(schedule[first], schedule[second])
            if gap <= lasts[first]:
                minutes, needed = gap.total_seconds() / 60, lasts[first].total_seconds() / 60
                limit = at.operations[first].limit or 0
                yield Finding(
                    rule="margin",
                    severity=Severity.RISK,
                    where=(*numbers_of(at.phase, first), *numbers_of(at.phase, second)),
                    sentence=(
                        f"{second} starts {minutes:g} minutes after {first} in {at.phase.name}, and a full run of "
                        f"{first} takes {needed:g}: what it finishes last is not there yet."
                    ),
                    arithmetic=(
                        f"{first}: {limit} × {seconds[first]:g} s = {needed:g} min",
                        f"'{schedule[first]}' to '{schedule[second]}': {minutes:g} min",
                    ),
                    suggestion=f"Start {second} at least {needed * 2:g} minutes after {first}.",
                    figures={"gap": minutes, "needed": needed},
                )


def timetable(case: Case) -> Iterator[Finding]:
    """The coordinated timetable against what the steps set."""
    plan, time = case.plan, case.time
    if not plan.timetable:
        return
    wanted = crons(plan.timetable)
    applied = [at for at in time if all(_cron(at, name) == cron for name, cron in wanted.items())]
    if not applied:
        yield _not_applied(wanted, time)
        return
    for entry in plan.timetable:
        standing = applied[0].operations[entry.operation]
        if entry.mode and standing.mode and entry.mode != standing.mode:
            parts = [name for name, part in applied[0].parts.items() if part.mode == "live"]
            yield Finding(
                rule="timetable_mode",
                severity=Severity.CONTRADICTION,
                where=numbers_of(applied[0].phase, entry.operation, part=True),
                sentence=(
                    f"The timetable has {entry.operation} at {entry.at} as {_spoken(entry.mode)} in "
                    f"{applied[0].phase.name}, where the steps make it {_spoken(standing.mode)}"
                    + (f" (its {', '.join(parts)} part)." if parts and entry.operation == "daily" else ".")
                ),
                arithmetic=(
                    f"timetable: {entry.at} {entry.operation}, “{entry.note}”",
                    f"steps of {applied[0].phase.slug}: {entry.operation} {_spoken(standing.mode)}",
                ),
                suggestion=f"Strike {_spoken(entry.mode)} from the line at {entry.at}, or move the step that sets it.",
                figures={"day": applied[0].phase.first_day},
            )


def _cron(at: InForce, operation: str) -> str | None:
    return at.operations[operation].cron if operation in at.operations else None


def _spoken(mode: str) -> str:
    return mode.replace("_", " ")


def _not_applied(wanted: dict[str, str], time: Sequence[InForce]) -> Finding:
    set_by = time[-1].operations if time else {}
    lines = []
    for name, cron in wanted.items():
        standing = set_by.get(name)
        lines.append(f"{name}: timetable '{cron}', steps '{(standing.cron if standing else None) or 'nothing'}'")
    return Finding(
        rule="timetable_crons",
        severity=Severity.CONTRADICTION,
        where=(),
        sentence="No phase has the schedule of the timetable: the steps set other crons, or none.",
        arithmetic=tuple(lines),
        suggestion="Set the timetable's crons in one step, or correct the timetable.",
        figures={"operations": len(wanted)},
    )
