"""Triggers: those that one bad run sets off, that fire together with another, or that undo what a criterion allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rollout.domain.linter_findings import Finding, Given, Severity, percent
from rollout.domain.linter_timeline import Case, InForce
from rollout.domain.plan import Crash, Trigger
from rollout.domain.timetable import counts_at_fires, runs_per_day

RATES = ("item_failure_rate", "run_failure_rate")


def coarse(case: Case) -> Iterator[Finding]:
    """Rates over so few runs that a single crashed one is above the threshold."""
    plan, time, given = case.plan, case.time, case.given
    for trigger in plan.every_trigger():
        if trigger.metric not in RATES or not trigger.automatic or trigger.comparator not in (">", ">="):
            continue
        counted = trigger.per == "run" or trigger.metric == "run_failure_rate" or trigger.crash is Crash.IMPUTE_ALL
        held = [row for row in _held(trigger, time) if counted and row.at_risk]
        if held:
            yield _coarse(trigger, held, given)


@dataclass(frozen=True, slots=True)
class _Held:
    """An operation's window at its thinnest: `fewest` runs, and how many runs of a week are judged with so few that
    one crash is above the threshold.
    """

    operation: str
    cron: str
    fewest: int
    at_risk: float


def _held(trigger: Trigger, time: Sequence[InForce]) -> list[_Held]:
    """Each operation that the trigger watches, in the phase where its window is thinnest."""
    found: dict[str, _Held] = {}
    for at in time:
        for operation in at.operations:
            cron = _live_cron(at, operation)
            if cron is None or trigger.operation not in ("", operation):
                continue
            counts = [max(count, trigger.minimum_runs) for count in _counts(trigger, cron)]
            alone = sum(_above(1 / count, trigger) for count in counts)
            held = _Held(operation, cron, min(counts, default=1), alone)
            known = found.get(operation)
            if known is None or held.fewest < known.fewest:
                found[operation] = held
    return list(found.values())


def _counts(trigger: Trigger, cron: str) -> list[int]:
    """The runs in the window at each run of a week."""
    span = trigger.window.span()
    if trigger.window.runs is not None:
        return [trigger.window.runs] * round(runs_per_day(cron) * 7)
    return list(counts_at_fires(cron, span)) if span is not None else []


def _above(share: float, trigger: Trigger) -> bool:
    return share > trigger.threshold or (trigger.comparator == ">=" and share == trigger.threshold)


def _coarse(trigger: Trigger, held: list[_Held], given: Given) -> Finding:
    fewest = min(row.fewest for row in held)
    window = f"{trigger.window.hours:g} hours" if trigger.window.hours else f"{fewest} runs"
    risks = [1 - (1 - given.crash_rate) ** row.at_risk for row in held]
    lines = []
    for row, risk in zip(held, risks, strict=True):
        share = f"1 crashed of {row.fewest} = {percent(1 / row.fewest)} > {percent(trigger.threshold)}"
        lines.append(f"{row.operation} ('{row.cron}'): {share}")
        lines.append(
            f"{row.at_risk:g} runs a week are judged so; at {percent(given.crash_rate)} crashed runs one of them "
            f"crashes within a week with {percent(risk)}"
        )
    needed = math.ceil(1 / trigger.threshold) + (trigger.comparator == ">=") if trigger.threshold else 0
    return Finding(
        rule="coarse_trigger",
        severity=Severity.RISK,
        where=(trigger.step or trigger.number,),
        sentence=(
            f"{trigger.slug} (>{percent(trigger.threshold)} over {window}) cannot show its threshold: one crashed run "
            f"of {fewest} is {percent(1 / fewest)}, so a single crash is enough."
        ),
        arithmetic=tuple(lines),
        suggestion=(
            f"Judge at least {needed} runs, or count a crash apart from failed items and hold first (the profile "
            "“guarded”)."
        ),
        figures={
            "runs": fewest,
            "share": 1 / fewest,
            "threshold": trigger.threshold,
            "risk_a_week": max(risks),
            "needed_runs": needed,
        },
    )


def fights(case: Case) -> Iterator[Finding]:
    """Pairs on the same evidence that want different things."""
    plan, time = case.plan, case.time
    automatic = [trigger for trigger in plan.every_trigger() if trigger.automatic]
    together: dict[str, list[tuple[Trigger, Trigger, str, int, int]]] = {}
    for first, second in combinations(automatic, 2):
        if first.metric != second.metric or not _meet(first, second) or _wants(first) == _wants(second):
            continue
        if _same_condition(first, second):
            yield _opposed(first, second)
            continue
        for narrow, wide in ((first, second), (second, first)):
            row = _always_together(narrow, wide, time)
            if row is not None:
                together.setdefault(wide.slug, []).append((narrow, wide, *row))
                break
    for pairs in together.values():
        yield _shadowed(pairs)


def _meet(first: Trigger, second: Trigger) -> bool:
    return first.operation == second.operation or "" in (first.operation, second.operation)


def _wants(trigger: Trigger) -> tuple[str, str]:
    return (trigger.action.value, trigger.scope)


def _same_condition(first: Trigger, second: Trigger) -> bool:
    facts = ("comparator", "threshold", "window", "per")
    return all(getattr(first, name) == getattr(second, name) for name in facts)


def _opposed(first: Trigger, second: Trigger) -> Finding:
    return Finding(
        rule="opposed_triggers",
        severity=Severity.CONTRADICTION,
        where=tuple(dict.fromkeys((first.step or first.number, second.step or second.number))),
        sentence=(
            f"{first.slug} and {second.slug} fire on the very same condition; one wants to {_said(first)}, the other "
            f"to {_said(second)}."
        ),
        arithmetic=(f"both: {first.metric} {first.comparator} {first.threshold:g}",),
        suggestion="Keep one of them, or give the milder one a lower threshold.",
        figures={"threshold": first.threshold},
    )


def _always_together(narrow: Trigger, wide: Trigger, time: Sequence[InForce]) -> tuple[str, int, int] | None:
    """(operation, runs of the narrow, fewest runs of the wide) where the wide one can never be the first to fire.

    If m runs of equal size fail above W, then of the k ≥ m runs that the narrow one looks at at least W × m ÷ k failed.
    """
    runs = narrow.window.runs
    both_rise = narrow.comparator in (">", ">=") and wide.comparator in (">", ">=")
    crons = [cron for at in time if (cron := _live_cron(at, narrow.operation)) is not None]
    if runs is None or not both_rise or not crons:
        return None
    span = wide.window.span()
    fewest = min(wide.window.runs or (min(counts_at_fires(cron, span), default=1) if span else 0) for cron in crons)
    implied = wide.threshold * fewest / runs
    return (narrow.operation, runs, fewest) if fewest <= runs and implied > narrow.threshold else None


def _live_cron(at: InForce, operation: str) -> str | None:
    standing = at.operations.get(operation)
    return standing.cron if standing is not None and standing.mode == "live" else None


def _shadowed(pairs: list[tuple[Trigger, Trigger, str, int, int]]) -> Finding:
    wide = pairs[0][1]
    names = " and ".join(pair[0].slug for pair in pairs)
    lines = [
        f"{operation}: {fewest} runs above {percent(wide.threshold)} are at least {percent(wide.threshold)} × "
        f"{fewest} ÷ {runs} = {percent(wide.threshold * fewest / runs)} of {narrow.slug}'s {runs} runs, above its "
        f"{percent(narrow.threshold)}"
        for narrow, _, operation, runs, fewest in pairs
    ]
    return Finding(
        rule="shadowed_trigger",
        severity=Severity.CONTRADICTION,
        where=tuple(dict.fromkeys([*(pair[0].step for pair in pairs), wide.step or wide.number])),
        sentence=(
            f"{wide.slug} never fires without {names}: once {pairs[0][3]} runs exist, both fire on the same run, one "
            f"wanting to {_said(pairs[0][0])}, the other to {_said(wide)}."
        ),
        arithmetic=tuple(lines),
        suggestion=(
            f"Say which one goes first, or keep {wide.slug} for the operations that have no trigger of their own."
        ),
        figures={
            "wide": wide.threshold,
            "narrow": pairs[0][0].threshold,
            "implied": pairs[0][1].threshold * pairs[0][4] / pairs[0][3],
        },
    )


def _said(trigger: Trigger) -> str:
    what = {"roll_back": "roll back", "hold_and_probe": "hold and probe", "decide": "ask a person"}
    on = {"step": f"step {trigger.step}", "all": "everything", "operation": trigger.operation or "the operation"}
    return f"{what.get(trigger.action.value, trigger.action.value)} {on.get(trigger.scope, '')}".strip()


def against_criteria(case: Case) -> Iterator[Finding]:
    """A trigger that acts on values with which a criterion is content."""
    plan = case.plan
    for trigger in plan.every_trigger():
        for rule in plan.every_criterion():
            same = rule.metric == trigger.metric and rule.metric and rule.operation == trigger.operation
            up = rule.comparator in ("<", "<=") and trigger.comparator in (">", ">=")
            down = rule.comparator in (">", ">=") and trigger.comparator in ("<", "<=")
            if same and ((up and rule.threshold > trigger.threshold) or (down and rule.threshold < trigger.threshold)):
                yield Finding(
                    rule="trigger_against_criterion",
                    severity=Severity.CONTRADICTION,
                    where=(trigger.step or trigger.number,),
                    sentence=(
                        f"{rule.slug} is content with {rule.metric} {rule.comparator} {rule.threshold:g}, but "
                        f"{trigger.slug} acts at {trigger.comparator} {trigger.threshold:g}."
                    ),
                    arithmetic=(f"between {trigger.threshold:g} and {rule.threshold:g} both hold at once",),
                    suggestion=f"Let {trigger.slug} act beyond {rule.threshold:g}.",
                    figures={"criterion": rule.threshold, "trigger": trigger.threshold},
                )
