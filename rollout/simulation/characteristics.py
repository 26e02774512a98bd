"""What a rule costs and what it buys: false stops of healthy weeks, and how late and how dear a fault is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from rollout.domain.plan import Trigger
from rollout.domain.trigger_rules import RATES, Rule, under
from rollout.simulation.course import Course, Simulated
from rollout.simulation.world import FAULTS, Cadence, Health, Operation

CADENCES = {
    "assign": Cadence(2, 10),
    "process": Cadence(4, 5),
    "daily": Cadence(24, 30),
    "monitor": Cadence(2, 10),
}
PLAN_WEEKS = 4
FAULT_FROM = 30  # slots of healthy work first
LOOKED_FOR = 48  # hours after the fault began


@dataclass(frozen=True, slots=True)
class Healthy:
    """Shares of the simulated weeks; `kept`: of stretches of four weeks, those without a rollback."""

    stopped: float
    rolled_back: float
    kept: float
    holds: float


@dataclass(frozen=True, slots=True)
class Found:
    """Delays in runs, mean of those that came to it; `missed`: share not stopped within 48 hours."""

    fault: str
    stop: float | None
    rollback: float | None
    missed: float
    not_rolled_back: float
    harmed: float


@dataclass(frozen=True, slots=True)
class Characteristics:
    slug: str
    operation: str
    profile: str
    healthy: Healthy
    found: tuple[Found, ...]


def of_triggers(
    triggers: Iterable[Trigger], *, weeks: int, seed: str, operations: Sequence[str] = ("assign", "process", "daily")
) -> Iterator[Characteristics]:
    """Every failure rate among the triggers, literal and guarded; one that is on each operation once for each."""
    for trigger in triggers:
        if trigger.metric not in RATES:
            continue
        for name in [trigger.operation] if trigger.operation else operations:
            for profile in ("literal", "guarded"):
                yield of_rule(under(profile, [trigger])[0], name, profile, weeks=weeks, seed=seed)


def of_rule(rule: Rule, name: str, profile: str, *, weeks: int, seed: str) -> Characteristics:
    cadence = CADENCES[name]
    return Characteristics(
        slug=rule.trigger.slug,
        operation=name,
        profile=profile,
        healthy=healthy(rule, cadence, weeks, seed),
        found=tuple(found(rule, cadence, fault, weeks, seed) for fault in FAULTS),
    )


def healthy(rule: Rule, cadence: Cadence, weeks: int, seed: str) -> Healthy:
    """Weeks are drawn in stretches of four, and the first of each also counts as a week by itself."""
    stretches = max(1, weeks // PLAN_WEEKS)
    single = [_course(rule, cadence, f"{seed} healthy {n}", cadence.per_week) for n in range(weeks)]
    plans = [_course(rule, cadence, f"{seed} plan {n}", PLAN_WEEKS * cadence.per_week) for n in range(stretches)]
    return Healthy(
        stopped=_share(course.stopped is not None for course in single),
        rolled_back=_share(course.rolled_back is not None for course in single),
        kept=_share(course.rolled_back is None for course in plans),
        holds=fmean(len(course.holds) for course in plans),
    )


def found(rule: Rule, cadence: Cadence, fault: Health, weeks: int, seed: str) -> Found:
    """The fault begins at slot FAULT_FROM; stretches that a false stop cut short before are drawn again."""
    slots = FAULT_FROM + LOOKED_FOR // cadence.hours
    courses: list[Course] = []
    for number in range(3 * weeks):
        course = _course(rule, cadence, f"{seed} {fault.name} {number}", slots, fault)
        if course.stopped is None or course.stopped >= FAULT_FROM:
            courses.append(course)
        if len(courses) == weeks:
            break
    stops = [course.stopped - FAULT_FROM + 1 for course in courses if course.stopped is not None]
    ends = [course.rolled_back - FAULT_FROM + 1 for course in courses if course.rolled_back is not None]
    return Found(
        fault=fault.name,
        stop=fmean(stops) if stops else None,
        rollback=fmean(ends) if ends else None,
        missed=1 - len(stops) / len(courses) if courses else 1.0,
        not_rolled_back=1 - len(ends) / len(courses) if courses else 1.0,
        harmed=fmean(course.harmed for course in courses) if courses else 0.0,
    )


def _course(rule: Rule, cadence: Cadence, seed: str, slots: int, fault: Health | None = None) -> Course:
    operation = Operation(cadence, seed, sick=fault, sick_from=FAULT_FROM)
    return Simulated(rule, operation, harm_from=FAULT_FROM if fault else 0).go(slots)


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found) if found else 0.0
