"""Judges a reading against a criterion: one of five verdicts, and why in one sentence. Zero rows is never PASS."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.domain import wording
from rollout.domain.measures import Reading, Unit
from rollout.domain.plan import Criterion, NoData
from rollout.domain.verdicts import Verdict

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
STALE_AFTER = timedelta(days=7)  # a window of runs whose newest is older says nothing about now


@dataclass(frozen=True, slots=True)
class Judgement:
    """`verdict` None: left out of the fold, because the criterion says so of missing data."""

    verdict: Verdict | None
    reason: str


def holds(value: float, comparator: str, threshold: float) -> bool:
    """`value comparator threshold`; ">" is strict. A share k/n equals its decimal threshold exactly when it should."""
    return COMPARE[comparator](value, threshold)


def judge(criterion: Criterion, reading: Reading, *, floor: datetime, now: datetime) -> Judgement:
    """In this order: could it be measured, is there anything, is it new, is it enough, does it hold."""
    if reading.error:
        return Judgement(Verdict.ERROR, f"It could not be measured: {reading.error}")
    if reading.value is None or reading.n <= 0:
        return _without_data(criterion.no_data, reading)
    old = _stale(reading, floor, now)
    if old:
        return Judgement(Verdict.STALE, old)
    return _compared(criterion, reading, reading.value)


def _without_data(policy: NoData, reading: Reading) -> Judgement:
    waiting = reading.parts.get("pending", 0)
    told = f"; {wording.counted(int(waiting), 'case')} too young to judge" if waiting else ""
    if policy is NoData.BREACH:
        return Judgement(Verdict.BREACH, f"There is no data{told}, which this rule counts as a breach.")
    if policy is NoData.IGNORE:
        return Judgement(None, f"There is no data{told}; this rule is left out until there is.")
    return Judgement(Verdict.INCONCLUSIVE, f"There is no data yet{told}.")


def _stale(reading: Reading, floor: datetime, now: datetime) -> str:
    if reading.newest is None:
        return ""
    if reading.newest < floor:
        return f"Nothing is newer than {wording.moment(floor)}, from when evidence counts."
    if now - reading.newest > STALE_AFTER:
        return f"The newest evidence is of {wording.moment(reading.newest)}, more than {STALE_AFTER.days} days ago."
    return ""


def _compared(criterion: Criterion, reading: Reading, value: float) -> Judgement:
    met = holds(value, criterion.comparator, criterion.threshold)
    shown = _shown(criterion, reading, value)
    if _is_counting_up(criterion) and not met:
        return Judgement(Verdict.INCONCLUSIVE, f"{shown}: not there yet.")
    if not met and _is_decided(criterion, value):
        return Judgement(Verdict.BREACH, f"{shown}.")
    if reading.n < criterion.minimum_sample:
        return Judgement(Verdict.INCONCLUSIVE, f"{shown}: n = {reading.n}, it takes {criterion.minimum_sample}.")
    if not met:
        return Judgement(Verdict.BREACH, f"{shown}.")
    short = _short_of_bound(criterion, reading)
    if short:
        return Judgement(Verdict.INCONCLUSIVE, f"{shown}: {short}")
    return Judgement(Verdict.PASS, f"{shown}.")


def _is_counting_up(criterion: Criterion) -> bool:
    """ "At least 4 runs" is not breached by having 2 so far."""
    return criterion.unit is Unit.COUNT and criterion.comparator in {">", ">="} and criterion.threshold > 0


def _is_decided(criterion: Criterion, value: float) -> bool:
    """A count that passed its bound stays past it: no larger sample would mend that."""
    return criterion.unit is Unit.COUNT and criterion.comparator in {"<", "<=", "=="} and value > criterion.threshold


def _short_of_bound(criterion: Criterion, reading: Reading) -> str:
    """A figure estimated from a sample must clear its target with its whole interval, or a person signs for it."""
    if not reading.parts.get("sampled"):
        return ""
    upward = criterion.comparator in {">", ">="}
    bound = reading.parts.get("low" if upward else "high")
    if bound is None:
        return f"n = {reading.n} is too few for an interval."
    if holds(float(bound), criterion.comparator, criterion.threshold):
        return ""
    side = "down" if upward else "up"
    return f"the 95 % interval reaches {side} to {wording.value(float(bound), criterion.unit)}, n = {reading.n}."


def _shown(criterion: Criterion, reading: Reading, value: float) -> str:
    target = wording.target(criterion.comparator, criterion.threshold, criterion.unit)
    shown = wording.value(value, criterion.unit)
    sized = f", n = {reading.n}" if criterion.unit is not Unit.COUNT else ""
    named = f" ({reading.parts['named']})" if reading.parts.get("named") else ""
    return f"{shown}{named} {wording.window(criterion.window)}{sized}; asked for: {target}"
