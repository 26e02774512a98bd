"""What is in force in each phase of a plan, as its settings and ramps add up, and the volumes that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from rollout.domain.linter_findings import Given
from rollout.domain.plan import Phase, Plan, Setting
from rollout.domain.timetable import runs_per_day


@dataclass(frozen=True, slots=True)
class Standing:
    """An operation, or a part of the daily one. None: the plan does not say."""

    mode: str | None = None
    limit: int | None = None
    cron: str | None = None

    def turned(self, setting: Setting) -> Standing:
        return Standing(
            setting.mode if setting.mode is not None else self.mode,
            setting.limit if setting.limit is not None else self.limit,
            setting.cron if setting.cron is not None else self.cron,
        )


@dataclass(frozen=True, slots=True)
class InForce:
    """A phase's last day: by then every step of it has begun and every ramp is at its top."""

    phase: Phase
    operations: Mapping[str, Standing] = field(default_factory=dict)
    parts: Mapping[str, Standing] = field(default_factory=dict)

    def live_crons(self) -> dict[str, str]:
        """Operation → cron, of all that run in this phase, dry runs too: they take the same time and places."""
        found = self.operations.items()
        return {name: at.cron for name, at in found if at.cron is not None and at.mode in ("live", "dry_run")}

    def is_live(self, operation: str) -> bool:
        """By itself or as a live part of a live daily run."""
        alone = self.operations.get(operation, Standing()).mode == "live"
        return alone or self.part_is_live(operation)

    def part_is_live(self, part: str) -> bool:
        daily = self.operations.get("daily", Standing())
        return daily.mode == "live" and self.parts.get(part, Standing()).mode == "live"

    def volume(self, operation: str) -> Volume | None:
        """None where the plan does not say enough to reckon one."""
        own = self.operations.get(operation, Standing())
        runs = runs_per_day(own.cron) if own.mode == "live" and own.cron is not None else 0.0
        if runs and own.limit is None:
            return None
        daily, part = self.operations.get("daily", Standing()), self.parts.get(operation, Standing())
        with_part = self.part_is_live(operation) and daily.cron is not None
        if with_part and part.limit is None:
            return None
        if not runs and not with_part:
            return None
        return Volume(
            operation,
            runs,
            own.limit or 0 if runs else 0,
            runs_per_day(daily.cron) if with_part and daily.cron else 0.0,
            part.limit or 0 if with_part else 0,
        )


@dataclass(frozen=True, slots=True)
class Volume:
    """The most issues that an operation can take on in a day, by its own runs and by the daily one's part."""

    operation: str
    runs: float
    limit: int
    daily_runs: float
    daily_limit: int

    @property
    def per_day(self) -> float:
        return self.runs * self.limit + self.daily_runs * self.daily_limit

    @property
    def line(self) -> str:
        text = f"{self.operation}: {self.runs:g} runs × {self.limit}"
        if self.daily_limit:
            text += f" + daily {self.daily_runs:g} × {self.daily_limit}"
        return f"{text} = {self.per_day:g} issues a day"


def timeline(plan: Plan) -> tuple[InForce, ...]:
    """One per phase, in order."""
    operations: dict[str, Standing] = {}
    parts: dict[str, Standing] = {}
    found = []
    for phase in plan.phases:
        for step in sorted(phase.steps, key=lambda step: step.first_day):
            for setting in step.settings:
                names, name = (parts, setting.part) if setting.part else (operations, setting.operation)
                names[name] = names.get(name, Standing()).turned(setting)
            for ramp in step.ramps:
                top = ramp.steps[-1].limit if ramp.steps else None
                known = operations.get(ramp.operation, Standing())
                operations[ramp.operation] = replace(known, limit=top if top is not None else known.limit)
        found.append(InForce(phase, dict(operations), dict(parts)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Case:
    """What every rule looks at."""

    plan: Plan
    time: tuple[InForce, ...]
    given: Given


def seconds_per_item(plan: Plan) -> dict[str, float]:
    """Operation → the time that one issue may take by the plan's own criteria, the strictest of them."""
    found: dict[str, float] = {}
    for criterion in plan.every_criterion():
        if criterion.metric == "seconds_per_item" and criterion.comparator in ("<", "<="):
            known = found.get(criterion.operation, criterion.threshold)
            found[criterion.operation] = min(known, criterion.threshold)
    return found


def durations(at: InForce, seconds: Mapping[str, float]) -> dict[str, timedelta]:
    """Operation → how long a full run takes, where limit and time per issue are known."""
    found = {
        name: timedelta(seconds=standing.limit * seconds[name])
        for name, standing in at.operations.items()
        if standing.limit is not None and name in seconds and name != "daily"
    }
    parts = [
        standing.limit * seconds[name] for name, standing in at.parts.items() if standing.limit and name in seconds
    ]
    if parts:
        found["daily"] = timedelta(seconds=sum(parts))
    return found


def numbers_of(phase: Phase, operation: str, *, part: bool = False) -> tuple[str, ...]:
    """The steps of a phase that turn something of an operation, for citing."""
    return tuple(
        step.number
        for step in phase.steps
        if any(setting.operation == operation and (part or not setting.part) for setting in step.settings)
        or any(ramp.operation == operation for ramp in step.ramps)
    )


def first_live(plan: Plan, operation: str) -> int | None:
    """The day of the plan on which an operation first works live; None if it never does."""
    operations: dict[str, Standing] = {}
    parts: dict[str, Standing] = {}
    for phase in plan.phases:
        for step in sorted(phase.steps, key=lambda step: step.first_day):
            for setting in step.settings:
                names, name = (parts, setting.part) if setting.part else (operations, setting.operation)
                names[name] = names.get(name, Standing()).turned(setting)
            if InForce(phase, operations, parts).is_live(operation):
                return phase.first_day + step.first_day - 1
    return None


def mentioned(plan: Plan, operation: str) -> bool:
    """Whether the plan turns an operation, or a part of that name, at all."""
    steps = [step for phase in plan.phases for step in phase.steps]
    return any(operation in (setting.operation, setting.part) for step in steps for setting in step.settings)
