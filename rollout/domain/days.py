"""Days of a plan as dates: day 1 is the first of week 1, day −1 the day before it, and there is no day 0.

A phase begins on its day, or later when its gate was decided late, or earlier when a person brought the gate forward.
The plan's distances are kept then: a gate is due as many days into its phase as the plan says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rollout.domain.plan import GatePlan, Phase, Plan, Step

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision of a gate, in the order in which they were made."""

    gate: str
    decision: str
    on: date
    brought_forward: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """From when a phase may do what its steps say. `gate` is the signed gate that opened it; empty: nobody did."""

    on: date
    gate: str = ""


def date_of(starts_on: date, day: int) -> date:
    """The date of a day of the plan."""
    return starts_on + timedelta(days=_offset(day))


def day_of(starts_on: date, on: date) -> int:
    """The day of the plan that a date is."""
    distance = (on - starts_on).days
    return distance + 1 if distance >= 0 else distance


def days_between(first: int, last: int) -> int:
    """How many days lie between two days of the plan."""
    return _offset(last) - _offset(first)


def openings(plan: Plan, starts_on: date, decisions: Sequence[Decided]) -> dict[str, Opening]:
    """Every phase that is open or has a date to open on. Only the first needs no gate, and so may not go live."""
    found: dict[str, Opening] = {}
    if plan.phases:
        found[plan.phases[0].slug] = Opening(date_of(starts_on, plan.phases[0].first_day))
    for phase in plan.phases:
        went = next((d for d in decisions if d.gate == phase.gate.slug and d.decision == "go"), None)
        opened = plan.phase(phase.gate.opens)
        if went is None or opened is None:
            break
        planned = start_of(phase, found[phase.slug], decisions)
        planned += timedelta(days=days_between(phase.first_day, opened.first_day))
        # A full first day: what is brought forward begins the day after its decision.
        begins = went.on + ONE_DAY if went.brought_forward else max(went.on, planned)
        found[opened.slug] = Opening(begins, phase.gate.slug)
    return found


def start_of(phase: Phase, opening: Opening, decisions: Sequence[Decided]) -> date:
    """The first day of a phase; "iterate" starts it again on the day after the decision."""
    again = [decided.on for decided in decisions if decided.gate == phase.gate.slug and decided.decision == "iterate"]
    return again[-1] + ONE_DAY if again else opening.on


def in_force(plan: Plan, opened: Mapping[str, Opening], today: date) -> Phase | None:
    """The last phase whose opening has come; before the first one's day it is the first."""
    begun = [phase for phase in plan.phases if phase.slug in opened and opened[phase.slug].on <= today]
    return begun[-1] if begun else next(iter(plan.phases), None)


def gate_due(plan: Plan, gate: GatePlan, starts_on: date, decisions: Sequence[Decided]) -> date:
    """The first date on which a gate may be asked without bringing it forward."""
    phase = next(phase for phase in plan.phases if phase.gate.slug == gate.slug)
    opening = openings(plan, starts_on, decisions).get(phase.slug)
    if opening is None:  # not open yet: as the plan says
        return date_of(starts_on, gate.day)
    into = timedelta(days=days_between(phase.first_day, gate.day))
    return start_of(phase, opening, decisions) + into


def begun(step: Step, opening: Opening | None, today: date) -> bool:
    """Whether a step's first day within its phase has come."""
    return opening is not None and today >= opening.on + timedelta(days=step.first_day - 1)


def _offset(day: int) -> int:
    return day - 1 if day > 0 else day
