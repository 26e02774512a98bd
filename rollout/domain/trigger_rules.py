"""Decides a trigger from a reading: BREACH or not, and what is then to be done. Pure; the plan's words are the default.

`literal` takes a trigger as the plan says it. `guarded` is the shipped opt-in (ROLLOUT.md, E): the same numbers, but a
breach holds first and is probed, a crash is a channel of its own, and what a probe cannot see waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rollout.domain import criteria, wording
from rollout.domain.failures import Counting
from rollout.domain.measures import Reading
from rollout.domain.plan import Action, Crash, NoData, Trigger
from rollout.domain.probes import Ladder
from rollout.domain.verdicts import Verdict

RATES = {"item_failure_rate": "item", "run_failure_rate": "run"}
LITERAL, GUARDED = "literal", "guarded"
LEAST_IN_HOURS = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A trigger with the knobs of a profile; zero switches a knob off."""

    trigger: Trigger
    crash_in_a_row: int = 0
    crash_many: int = 0  # in the last CRASH_OF runs
    flap_holds: int = 0  # so many holds …
    flap_runs: int = 0  # … within so many runs roll back
    early: float = 0.0  # a lower Wilson bound at this confidence may fire before the window is full
    ladder: Ladder | None = None

    @property
    def counting(self) -> Counting:
        return Counting(self.per, self.trigger.crash)

    @property
    def per(self) -> str:
        """`run_failure_rate` counts runs and `item_failure_rate` items, unless the trigger names the other unit."""
        return "run" if self.trigger.metric == "run_failure_rate" or self.trigger.per == "run" else "item"

    @property
    def is_rate(self) -> bool:
        return self.trigger.metric in RATES


@dataclass(frozen=True, slots=True)
class Decision:
    """`action` None: nothing is to be done. `label` says what is special about this one ("n = 1")."""

    verdict: Verdict
    reason: str
    action: Action | None = None
    label: str = ""


def literal(trigger: Trigger) -> Rule:
    """As the plan says it. A window of hours may hold one run, which is 0 or 100 %: it takes two to roll back."""
    if trigger.metric in RATES and trigger.window.hours is not None:
        return Rule(replace(trigger, minimum_runs=max(trigger.minimum_runs, LEAST_IN_HOURS)))
    return Rule(trigger)


def guarded(trigger: Trigger) -> Rule:
    """The guarded form of a failure rate that rolls back; every other trigger stays as it is."""
    if trigger.metric not in RATES or trigger.action is not Action.ROLL_BACK:
        return literal(trigger)
    trigger = literal(trigger).trigger
    return Rule(
        replace(trigger, action=Action.HOLD_AND_PROBE, crash=Crash.ERROR_CHANNEL),
        crash_in_a_row=2,
        crash_many=3,
        flap_holds=3,
        flap_runs=36,
        early=0.95 if trigger.window.runs is not None else 0.0,
        ladder=Ladder(),
    )


def under(profile: str, triggers: Iterable[Trigger]) -> tuple[Rule, ...]:
    """The rules of a profile, from the plan's triggers."""
    if profile not in {LITERAL, GUARDED}:
        raise ValueError(f"There is no profile {profile!r}; choose literal or guarded.")
    return tuple(guarded(trigger) if profile == GUARDED else literal(trigger) for trigger in triggers)


def decide(rule: Rule, reading: Reading, holds: int = 0) -> Decision:
    """The decision on one reading. `holds`: how often this rule held this operation within the last `flap_runs`."""
    if reading.error:
        return Decision(Verdict.ERROR, f"It could not be measured: {reading.error}")
    crashes = _crashes(rule, reading)
    if crashes:
        return _act(rule, reading, holds, crashes, "crashes")
    if reading.value is None or reading.n <= 0:
        return _without_data(rule)
    if rule.is_rate:
        return _on_rate(rule, reading, reading.value, holds)
    shown = _shown(rule, reading, reading.value)
    if not criteria.holds(reading.value, rule.trigger.comparator, rule.trigger.threshold):
        return Decision(Verdict.PASS, f"{shown}.")
    if reading.n < rule.trigger.minimum_items:
        return Decision(Verdict.INCONCLUSIVE, f"{shown}: n = {reading.n}, it takes {rule.trigger.minimum_items}.")
    return _act(rule, reading, holds, shown, "")


def _without_data(rule: Rule) -> Decision:
    if rule.trigger.no_data is NoData.BREACH:
        return Decision(Verdict.BREACH, "There is no data, which this trigger counts as a breach.", rule.trigger.action)
    return Decision(Verdict.INCONCLUSIVE, "There is no data yet.")


def _on_rate(rule: Rule, reading: Reading, value: float, holds: int) -> Decision:
    trigger, runs = rule.trigger, int(reading.parts["runs"])
    shown = _shown(rule, reading, value)
    breach = criteria.holds(value, trigger.comparator, trigger.threshold)
    if trigger.window.runs is not None and runs < trigger.window.runs:
        if breach and _is_certain(rule, reading):
            return _act(rule, reading, holds, shown, "early, because the bound is already past the threshold")
        return Decision(Verdict.INCONCLUSIVE, f"{shown}: {runs} of {trigger.window.runs} runs so far.")
    if not breach:
        return Decision(Verdict.PASS, f"{shown}.")
    if runs < trigger.minimum_runs:
        # One bad run in the window is 100 %: live work stops, and a person looks before anything is undone.
        weaker = Action.HOLD if _weight(trigger.action) > _weight(Action.HOLD) else trigger.action
        return Decision(Verdict.BREACH, f"{shown}: n = {runs}.", weaker, f"n = {runs}")
    items = int(reading.parts["of" if rule.per == "item" else "items"])
    if items < trigger.minimum_items:
        return Decision(Verdict.INCONCLUSIVE, f"{shown}: {items} items, it takes {trigger.minimum_items}.")
    return _act(rule, reading, holds, shown, "")


def _act(rule: Rule, reading: Reading, holds: int, shown: str, label: str) -> Decision:
    """The action of a breach; a rule that probes first gives way to rollback when it flaps."""
    action, reason = rule.trigger.action, f"{shown}."
    if action is Action.HOLD_AND_PROBE:
        if rule.flap_holds and holds + 1 >= rule.flap_holds:
            label = f"hold {holds + 1} within {rule.flap_runs} runs"
            return Decision(Verdict.BREACH, f"{shown}; {label}.", Action.ROLL_BACK, label)
        if _is_write_led(reading):
            label = "failures while writing, which a dry run cannot show"
            return Decision(Verdict.BREACH, f"{shown}; {label}.", Action.HOLD, label)
    if label:
        reason = f"{shown} ({label})."
    return Decision(Verdict.BREACH, reason, action, label)


def _crashes(rule: Rule, reading: Reading) -> str:
    """What the crash channel says; empty when it is silent or not in use."""
    if rule.trigger.crash is not Crash.ERROR_CHANNEL or not rule.is_rate:
        return ""
    streak, recent = int(reading.parts.get("crash_streak", 0)), int(reading.parts.get("crash_recent", 0))
    if rule.crash_in_a_row and streak >= rule.crash_in_a_row:
        return f"{streak} runs in a row crashed"
    if rule.crash_many and recent >= rule.crash_many:
        return f"{recent} of the last 12 runs crashed"
    return ""


def _is_certain(rule: Rule, reading: Reading) -> bool:
    low = reading.parts.get("low")
    return bool(rule.early) and low is not None and float(low) > rule.trigger.threshold


def _is_write_led(reading: Reading) -> bool:
    failed, written = int(reading.parts.get("failed_items", 0)), int(reading.parts.get("write_failed", 0))
    return failed > 0 and 2 * written > failed


def _shown(rule: Rule, reading: Reading, value: float) -> str:
    trigger, parts = rule.trigger, reading.parts
    named = parts.get("named", "")
    if rule.is_rate:
        named = f"{parts['failed']} of {wording.counted(int(parts['of']), rule.per)} failed"
    line = wording.target(trigger.comparator, trigger.threshold, trigger.unit)
    shown = wording.value(value, trigger.unit) + (f" ({named})" if named else "")
    return f"{shown} {wording.window(trigger.window)}; the line is {line}"


def _weight(action: Action) -> int:
    return (Action.WARN, Action.DECIDE, Action.HOLD, Action.HOLD_AND_PROBE, Action.ROLL_BACK).index(action)
