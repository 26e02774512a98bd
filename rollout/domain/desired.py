"""What every operation ought to be: a pure function of plan, date, decisions, progress, holds, limits and what is.

Automation by itself only reduces exposure. What grows needs a step that a signed gate made live; a hold or rollback
caps it whoever made it, and nothing goes live in a phase that no gate opened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from rollout.domain import ramp
from rollout.domain.days import Opening, begun
from rollout.domain.limits import Limit, Term
from rollout.domain.plan import Plan, Setting, Step
from rollout.domain.progress import RolloutState, StepState

OFF, DRY_RUN, LIVE = "off", "dry_run", "live"
RANK = {OFF: 0, DRY_RUN: 1, LIVE: 2}


@dataclass(frozen=True, slots=True)
class PartNow:
    mode: str
    limit: int
    binding: str = ""


@dataclass(frozen=True, slots=True)
class OperationNow:
    """What stands in the database. `pinned`: a person set the cron, so the plan's is not put back."""

    name: str
    mode: str
    limit: int
    binding: str = ""
    cron: str | None = None
    parts: Mapping[str, PartNow] = field(default_factory=dict)
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class StepNow:
    number: str
    state: StepState
    ramp_day: int = 0


@dataclass(frozen=True, slots=True)
class HoldNow:
    """An open hold; operation and step empty: everything. "daily:process" holds one part of the daily operation."""

    id: int
    by: str
    reason: str
    operation: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that decides. `behind`: the clock was turned back; `drilling`: a drill turns the knobs meanwhile."""

    plan: Plan
    state: RolloutState
    today: date
    openings: Mapping[str, Opening]
    steps: Mapping[str, StepNow]
    operations: tuple[OperationNow, ...]
    holds: tuple[HoldNow, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=dict)
    behind: bool = False
    drilling: bool = False

    @property
    def frozen(self) -> bool:
        """Nothing may grow."""
        return self.behind or self.drilling


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value, the rule that sets it and the reason in a sentence."""

    value: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Desired:
    """What one operation ought to be. None: left as it is. The lease is renewed exactly where the mode is live."""

    operation: str
    mode: Wanted
    limit: Wanted | None
    cron: Wanted | None
    parts: Mapping[str, Wanted]
    part_limits: Mapping[str, Wanted]

    @property
    def lease(self) -> bool:
        return self.mode.value == LIVE


@dataclass(frozen=True, slots=True)
class Change:
    """One turn of one knob: "mode", "limit", "cron", "part:assign" or "part_limit:assign"."""

    operation: str
    knob: str
    before: str
    after: str
    rule: str
    reason: str

    @property
    def grows(self) -> bool:
        """Whether it lets more happen; reductions are carried out first."""
        if self.knob == "mode" or self.knob.startswith("part:"):
            return RANK[self.after] > RANK[self.before]
        return self.knob != "cron" and int(self.after) > int(self.before)

    @property
    def reduces(self) -> bool:
        """Whether it can only make less happen; another cron may do either."""
        return self.knob != "cron" and not self.grows


def with_limits(situation: Situation, found: Mapping[str, Limit]) -> Situation:
    return replace(situation, limits=found)


def desired(situation: Situation, now: OperationNow) -> Desired:
    """What `now` ought to be."""
    live = tuple(live_steps(situation))
    standing = tuple(live_steps(situation, (StepState.LIVE, StepState.HELD)))
    return Desired(
        now.name,
        _mode(situation, live, now),
        _limit(situation, now.name, now),
        _cron(standing, now),
        {part: _part_mode(situation, live, now, part) for part in now.parts},
        {part: wanted for part in now.parts if (wanted := _limit(situation, name_of(now.name, part), now.parts[part]))},
    )


def changes(situation: Situation) -> tuple[Change, ...]:
    """What differs from what ought to be, reductions first."""
    found = [change for now in situation.operations for change in _differences(now, desired(situation, now))]
    return tuple(sorted(found, key=lambda change: change.grows))


def missing(plan: Plan, known: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Operations, and parts of them, that the plan turns and the repository does not have, in the order of the plan."""
    found: list[str] = []
    for phase in plan.phases:
        for step in phase.steps:
            for operation, part in _named(step):
                if operation not in known:
                    found.append(operation)
                elif part and part not in known[operation]:
                    found.append(f"{operation}:{part}")
    return tuple(dict.fromkeys(found))


def live_without_gate(plan: Plan) -> str:
    """The step that would go live in the first phase, which no gate opens; empty when there is none."""
    steps = plan.phases[0].steps if plan.phases else ()
    return next((step.number for step in steps for setting in step.settings if setting.mode == LIVE), "")


def live_steps(situation: Situation, states: Collection[StepState] = (StepState.LIVE,)) -> Iterator[Step]:
    """Steps that are live now, in the order of the plan: of a later and an earlier one, the later says.

    With `states` also those that are held: a hold keeps the place, so their limits and crons stay.
    """
    for phase in situation.plan.phases:
        opening = situation.openings.get(phase.slug)
        for step in phase.steps:
            now = situation.steps.get(step.number)
            if now is not None and now.state in states and _opened(opening, step, situation.today):
                yield step


def may_go_live(situation: Situation) -> Iterator[Step]:
    """Waiting steps whose gate was signed and whose day has come."""
    if situation.state is not RolloutState.RUNNING or situation.frozen:
        return
    for phase in situation.plan.phases:
        for step in phase.steps:
            now = situation.steps.get(step.number)
            waits = now is not None and now.state is StepState.WAITING
            held = any(belongs(step.number, hold.step) for hold in situation.holds if hold.step)
            stopped = any(not hold.step and not hold.operation for hold in situation.holds)
            if (
                waits
                and not held
                and not stopped
                and _opened(situation.openings.get(phase.slug), step, situation.today)
            ):
                yield step


def belongs(number: str, to: str) -> bool:
    """Whether a step is `to` or a part of it: 1.3.2 is the second week of 1.3."""
    return number == to or number.startswith(f"{to}.")


def stopped_by_rollback(step: Step) -> frozenset[str]:
    """Operations that rolling a step back switches off: those whose mode it sets. Limits and crons fall back."""
    return frozenset(setting.operation for setting in step.settings if setting.mode is not None)


def stopped_by_hold(step: Step) -> frozenset[str]:
    """Operations that do no live work while a step is held: a held ramp holds its operation too."""
    return stopped_by_rollback(step) | {found.operation for found in step.ramps}


def held_by_step(plan: Plan, step: str, rolled_back: Collection[str]) -> frozenset[str]:
    """The operations that a hold of `step` stops. Where it was rolled back, a ramp fell to what stood before it, and
    its operation goes on with that.
    """

    def stops(found: Step) -> frozenset[str]:
        return stopped_by_rollback(found) if found.number in rolled_back else stopped_by_hold(found)

    return in_scope(plan, step, stops)


def in_scope(plan: Plan, step: str, stops: Callable[[Step], frozenset[str]]) -> frozenset[str]:
    """The operations that a hold or rollback of `step`, with all that belongs to it, stops."""
    steps = [found for phase in plan.phases for found in phase.steps if belongs(found.number, step)]
    return frozenset[str]().union(*(stops(found) for found in steps))


def name_of(operation: str, part: str) -> str:
    """How limits, overrides and holds name a part of an operation: "daily:process"."""
    return f"{operation}:{part}"


def planned_limit(situation: Situation, operation: str) -> tuple[Term, str]:
    """The plan's term for today of an operation or a part, and its rule. Before its step is live, what the step will
    begin with.
    """
    found: tuple[int, str, str] | None = None
    for step in live_steps(situation, (StepState.LIVE, StepState.HELD)):
        found = _limit_of(situation, step, operation) or found
    if found is not None:
        return Term("plan", found[0], found[2]), found[1]
    for phase in situation.plan.phases:
        for step in phase.steps:
            for setting in _whole(step, operation):
                if setting.limit is not None:
                    text = f"Step {step.number} will begin with {setting.limit}."
                    return Term("plan", setting.limit, text), f"plan {step.number}"
    return Term("plan", None, "The plan sets no limit for it."), ""


def _limit_of(situation: Situation, step: Step, operation: str) -> tuple[int, str, str] | None:
    """(limit, rule, sentence) that a live step sets."""
    rule = f"plan {step.number}"
    found = None
    for setting in _whole(step, operation):
        if setting.limit is not None:
            found = (setting.limit, rule, f"Step {step.number} says {setting.limit} per run.")
    day = situation.steps[step.number].ramp_day
    for slope in step.ramps:
        limit = ramp.limit_on(slope, day) if slope.operation == operation else None
        if limit is not None:
            found = (limit, f"{rule}, ramp day {day}", f"Step {step.number} says {limit} on ramp day {day}.")
    return found


def _mode(situation: Situation, live: tuple[Step, ...], now: OperationNow) -> Wanted:
    wanted = _planned_mode(situation, live, now.name, "", now.mode)
    for cap in _caps(situation, now):
        if RANK[cap.value] < RANK[wanted.value]:
            wanted = cap
    return wanted


def _planned_mode(situation: Situation, live: tuple[Step, ...], operation: str, part: str, mode: str) -> Wanted:
    """What the live steps say; without one, what it is now, but not live where the plan has a gate for that."""
    for step in reversed(live):
        for setting in reversed(step.settings):
            if (setting.operation, setting.part) == (operation, part) and setting.mode is not None:
                return Wanted(setting.mode, f"plan {step.number}", f"Step {step.number} ({step.name}) is live.")
    governed = governing_step(situation.plan, operation, part)
    if governed is None:
        return Wanted(mode, "none", "The plan does not say.")
    reason = f"Step {governed.number} is not live, so nothing is written."
    return Wanted(_lower(mode, DRY_RUN), f"before {governed.number}", reason)


def _caps(situation: Situation, now: OperationNow) -> Iterator[Wanted]:
    """Everything that stops it, strongest first."""
    if situation.state is RolloutState.ROLLED_BACK:
        yield Wanted(OFF, "rollback", "Everything was rolled back.")
    if situation.state is RolloutState.FINISHED:
        yield Wanted(now.mode, "none", "The rollout is over.")
    for step in situation.steps.values():
        if step.state is StepState.ROLLED_BACK and now.name in in_scope(
            situation.plan, step.number, stopped_by_rollback
        ):
            yield Wanted(OFF, f"rollback {step.number}", f"Step {step.number} was rolled back.")
    for hold in situation.holds:
        if _covers(situation, hold, now.name):
            yield Wanted(_lower(now.mode, DRY_RUN), f"hold {hold.id}", f"Held by {hold.by}: {hold.reason}")
    if situation.state is RolloutState.HELD:
        yield Wanted(_lower(now.mode, DRY_RUN), "hold", "The rollout is held.")
    if situation.frozen:
        why = "The clock was turned back" if situation.behind else "A drill is under way"
        yield Wanted(now.mode, "freeze", f"{why}, so nothing grows meanwhile.")


def _covers(situation: Situation, hold: HoldNow, operation: str) -> bool:
    if hold.operation:
        return hold.operation == operation
    undone = [step.number for step in situation.steps.values() if step.state is StepState.ROLLED_BACK]
    return not hold.step or operation in held_by_step(situation.plan, hold.step, undone)


def _part_mode(situation: Situation, live: tuple[Step, ...], now: OperationNow, part: str) -> Wanted:
    mode = now.parts[part].mode
    wanted = _planned_mode(situation, live, now.name, part, mode)
    if situation.state is not RolloutState.RUNNING or situation.frozen:
        # The operation itself is capped; its parts only must not grow meanwhile.
        wanted = Wanted(_lower(wanted.value, mode), wanted.rule, wanted.reason)
    for hold in situation.holds:
        if hold.operation == f"{now.name}:{part}" and RANK[wanted.value] > RANK[_lower(mode, DRY_RUN)]:
            wanted = Wanted(_lower(mode, DRY_RUN), f"hold {hold.id}", f"Held by {hold.by}: {hold.reason}")
    return wanted


def _limit(situation: Situation, name: str, now: OperationNow | PartNow) -> Wanted | None:
    """Of an operation, or of a part by its name."""
    limit = situation.limits.get(name)
    if limit is None or limit.ceiling is None:
        return None
    _, rule = planned_limit(situation, name)
    binding = rule if limit.ceiling_binding == "plan" else limit.ceiling_binding
    term = limit.term(limit.ceiling_binding)
    if situation.frozen and limit.ceiling > now.limit:
        return None
    return Wanted(str(limit.ceiling), binding, term.text if term else "")


def _cron(standing: tuple[Step, ...], now: OperationNow) -> Wanted | None:
    if now.pinned:
        return None
    for step in reversed(standing):
        for setting in _whole(step, now.name):
            if setting.cron is not None:
                return Wanted(setting.cron, f"plan {step.number}", f"Step {step.number} says so.")
    return None


def _differences(now: OperationNow, want: Desired) -> Iterator[Change]:
    def change(knob: str, before: str, wanted: Wanted | None) -> Iterator[Change]:
        if wanted is not None and wanted.value != before:
            yield Change(now.name, knob, before, wanted.value, wanted.rule, wanted.reason)

    yield from change("mode", now.mode, want.mode)
    yield from change("cron", now.cron or "", want.cron)
    if want.limit is not None and (want.limit.value, want.limit.rule) != (str(now.limit), now.binding):
        yield Change(now.name, "limit", str(now.limit), want.limit.value, want.limit.rule, want.limit.reason)
    for part, wanted in want.parts.items():
        yield from change(f"part:{part}", now.parts[part].mode, wanted)
    for part, wanted in want.part_limits.items():
        seen = now.parts[part]
        if (wanted.value, wanted.rule) != (str(seen.limit), seen.binding):
            yield Change(now.name, f"part_limit:{part}", str(seen.limit), wanted.value, wanted.rule, wanted.reason)


def _opened(opening: Opening | None, step: Step, today: date) -> bool:
    """Only a signed gate opens a phase for live work."""
    return opening is not None and bool(opening.gate) and begun(step, opening, today)


def governing_step(plan: Plan, operation: str, part: str = "") -> Step | None:
    """The first step that sets the mode, or None where the plan leaves it to people."""
    for phase in plan.phases:
        for step in phase.steps:
            if any((s.operation, s.part) == (operation, part) and s.mode is not None for s in step.settings):
                return step
    return None


def _whole(step: Step, operation: str) -> Iterator[Setting]:
    """Settings of the operation itself, or of the part that is named."""
    name, _, part = operation.partition(":")
    return (setting for setting in step.settings if (setting.operation, setting.part) == (name, part))


def _named(step: Step) -> Iterator[tuple[str, str]]:
    yield from ((setting.operation, setting.part) for setting in step.settings)
    yield from ((slope.operation, "") for slope in step.ramps)


def _lower(mode: str, other: str) -> str:
    return mode if RANK[mode] <= RANK[other] else other
