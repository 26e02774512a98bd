"""A rollout plan as values; `plans/unified_pipeline.yaml` is the shipped one. Days count from 1; day −1 is before.

Every text and number comes from the plan document; `number` cites it ("2.1").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from rollout.domain.measures import Unit, Window


class Source(StrEnum):
    """Where a criterion's verdict comes from."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"  # a person ticks it, with a note and a link
    BOTH = "both"


class NoData(StrEnum):
    """What an empty window means; HOLD is the default."""

    HOLD = "hold"  # INCONCLUSIVE
    BREACH = "breach"
    IGNORE = "ignore"  # left out of the fold


class Action(StrEnum):
    WARN = "warn"
    HOLD = "hold"
    HOLD_AND_PROBE = "hold_and_probe"
    ROLL_BACK = "roll_back"
    DECIDE = "decide"  # raises a decision for a person, with the evidence laid out


class Crash(StrEnum):
    """How a run that crashed counts in a rate of items."""

    IMPUTE_ALL = "impute_all"  # every planned item counts as failed: the literal reading
    ERROR_CHANNEL = "error_channel"  # judged apart: `crash_limit` in a row, or `crash_many` of `crash_of`


@dataclass(frozen=True, slots=True)
class Criterion:
    """One checkbox of the plan. `comparator` is one of > >= < <= ==; it holds when value comparator threshold."""

    slug: str
    text: str
    source: Source
    metric: str = ""
    operation: str = ""
    workflow: str = ""
    unit: Unit = Unit.COUNT
    window: Window = field(default_factory=Window)
    comparator: str = ">="
    threshold: float = 0.0
    minimum_sample: int = 1
    no_data: NoData = NoData.HOLD


@dataclass(frozen=True, slots=True)
class Trigger:
    """A criterion turned round: BREACH when value comparator threshold, then `action` on `scope`.

    `operation` empty means every operation by itself. `minimum_runs` and `minimum_items` guard small samples.
    """

    slug: str
    text: str
    number: str
    action: Action
    metric: str
    scope: str = "step"  # "step" rolls back the step, "all" everything, "operation" holds the operation
    operation: str = ""
    unit: Unit = Unit.SHARE
    per: str = "item"  # what a rate counts: "item" or "run"
    window: Window = field(default_factory=Window)
    comparator: str = ">"
    threshold: float = 0.0
    minimum_runs: int = 0
    minimum_items: int = 0
    crash: Crash = Crash.IMPUTE_ALL
    no_data: NoData = NoData.IGNORE
    automatic: bool = True
    step: str = ""


@dataclass(frozen=True, slots=True)
class RampStep:
    """Days of the phase, both inclusive, and the limit in issues per run."""

    first_day: int
    last_day: int
    limit: int


@dataclass(frozen=True, slots=True)
class Ramp:
    """A limit by day. `prerequisites` gate the first step up; a BREACH of one freezes the ramp where it is."""

    operation: str
    steps: tuple[RampStep, ...]
    prerequisites: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a step turns: an operation's mode, limit or cron, or a part of the daily operation. None: untouched."""

    operation: str
    part: str = ""
    mode: str | None = None
    limit: int | None = None
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A numbered part of a phase. `settings` hold from `first_day` of the phase on, once the phase's gate is passed."""

    number: str
    name: str
    text: str
    first_day: int = 1
    settings: tuple[Setting, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    ramps: tuple[Ramp, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    monitoring: timedelta = timedelta(0)
    on_call: bool = False


@dataclass(frozen=True, slots=True)
class GatePlan:
    """A go/no-go. `day` counts from the start of week 1 (−1, 7, 14 …); `opens` is the phase that a "go" starts."""

    slug: str
    day: int
    question: str
    opens: str
    signers: tuple[str, ...]
    decisions: tuple[str, ...] = ("go", "no_go", "iterate", "hold")
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class Phase:
    """`first_day`…`last_day` count from the start of week 1; `gate` is asked at its end."""

    slug: str
    name: str
    first_day: int
    last_day: int
    steps: tuple[Step, ...]
    gate: GatePlan


@dataclass(frozen=True, slots=True)
class TimetableEntry:
    """One line of the coordinated timetable (2.3), UTC; `mode` empty: as the operation is."""

    at: str  # "06:30"
    operation: str
    note: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    slug: str
    name: str
    responsibility: str
    primary: str = ""
    backup: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A template with {placeholders}."""

    slug: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Sla:
    slug: str
    text: str
    metric: str
    comparator: str
    threshold: float
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """Days after the due time, and what happens then."""

    day: int
    text: str
    action: str  # "remind" | "notify" | "review"
    role: str = ""


@dataclass(frozen=True, slots=True)
class RubricLine:
    slug: str
    text: str
    weight: float  # share, 0…1
    target: float  # share, 0…1


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole plan. `extra` keeps what only people read (backlog, agenda, deliverables), by heading."""

    slug: str
    title: str
    version: str
    owner: str
    phases: tuple[Phase, ...]
    triggers: tuple[Trigger, ...]
    timetable: tuple[TimetableEntry, ...] = ()
    roles: tuple[Role, ...] = ()
    messages: tuple[Message, ...] = ()
    slas: tuple[Sla, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    rubric: tuple[RubricLine, ...] = ()
    sampling: dict[str, Any] = field(default_factory=dict)
    stated: dict[str, float] = field(default_factory=dict)  # figures that the plan claims, for the linter
    extra: dict[str, Any] = field(default_factory=dict)

    def phase(self, slug: str) -> Phase | None:
        return next((phase for phase in self.phases if phase.slug == slug), None)

    def every_trigger(self) -> tuple[Trigger, ...]:
        """The plan-wide ones and those of each step."""
        of_steps = tuple(trigger for phase in self.phases for step in phase.steps for trigger in step.triggers)
        return (*self.triggers, *of_steps)

    def every_criterion(self) -> tuple[Criterion, ...]:
        found: list[Criterion] = []
        for phase in self.phases:
            for step in phase.steps:
                found += step.criteria
                for ramp in step.ramps:
                    found += ramp.prerequisites
            found += phase.gate.criteria
        return tuple(found)
