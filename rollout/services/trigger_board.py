"""The trigger board: every trigger with its value, its line, how far it is from it, and what it did last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.domain import wording
from rollout.domain.plan import Plan
from rollout.domain.trigger_rules import Rule
from rollout.models import Firing, Rollout, TriggerState
from rollout.services.trigger_evidence import Judged, judge, rules_of, states_of


@dataclass(frozen=True, slots=True)
class BoardRow:
    """`distance`: how much is left to the line, below 0 when it is past; None where there is no value.

    `shown` and `line` are value and threshold in words.
    """

    slug: str
    subject: str
    text: str
    number: str
    step: str
    action: str
    automatic: bool
    per: str
    unit: str
    window: str
    comparator: str
    threshold: float
    value: float | None
    n: int
    distance: float | None
    shown: str
    line: str
    verdict: str
    reason: str
    in_force: bool
    armed: bool
    disarmed_reason: str
    floor: datetime | None
    last_fired_at: datetime | None
    last_firing: Firing | None


def board(rollout: Rollout, now: datetime, plan: Plan | None = None) -> list[BoardRow]:
    """One row per trigger and operation, the plan's order; nothing is written."""
    rules = rules_of(rollout, plan)
    states = states_of(rollout)
    last: dict[tuple[str, str], Firing] = {}
    for firing in Firing.objects.filter(rollout=rollout, at__isnull=False).order_by("id"):
        last[(firing.trigger, firing.subject)] = firing
    rows = [_row(one, states, last) for one in judge(rollout, rules, now, states)]
    shown = {row.slug for row in rows}
    return rows + [_by_hand(rule, states, last) for rule in rules if rule.trigger.slug not in shown]


def _row(one: Judged, states: dict[str, TriggerState], last: dict[tuple[str, str], Firing]) -> BoardRow:
    trigger, value = one.rule.trigger, one.reading.value
    return _filled(
        one.rule,
        one.subject,
        states,
        last,
        value=value,
        n=one.reading.n,
        distance=None if value is None else distance(value, trigger.comparator, trigger.threshold),
        verdict=one.decision.verdict.value,
        reason=one.decision.reason,
        in_force=one.in_force,
        floor=one.floor,
    )


def _by_hand(rule: Rule, states: dict[str, TriggerState], last: dict[tuple[str, str], Firing]) -> BoardRow:
    """A trigger that nothing measures: people raise it."""
    reason = "Nothing measures this; a person raises it."
    return _filled(rule, "", states, last, value=None, n=0, distance=None, verdict="", reason=reason,
                   in_force=True, floor=None)  # fmt: skip


def distance(value: float, comparator: str, threshold: float) -> float:
    """What is left to the line, whichever side it is on."""
    return threshold - value if comparator in {">", ">="} else value - threshold


def _filled(
    rule: Rule,
    subject: str,
    states: dict[str, TriggerState],
    last: dict[tuple[str, str], Firing],
    *,
    value: float | None,
    n: int,
    distance: float | None,
    verdict: str,
    reason: str,
    in_force: bool,
    floor: datetime | None,
) -> BoardRow:
    trigger, state = rule.trigger, states.get(rule.trigger.slug)
    firing = last.get((trigger.slug, subject))
    return BoardRow(
        slug=trigger.slug,
        subject=subject,
        text=trigger.text,
        number=trigger.number,
        step=trigger.step,
        action=trigger.action.value,
        automatic=trigger.automatic,
        per=rule.per if rule.is_rate else "",
        unit=trigger.unit.value,
        window=wording.window(trigger.window),
        comparator=trigger.comparator,
        threshold=trigger.threshold,
        value=value,
        n=n,
        distance=distance,
        shown=wording.value(value, trigger.unit),
        line=wording.target(trigger.comparator, trigger.threshold, trigger.unit),
        verdict=verdict,
        reason=reason,
        in_force=in_force,
        armed=state.armed if state else True,
        disarmed_reason=state.disarmed_reason if state else "",
        floor=floor,
        last_fired_at=firing.at if firing else None,
        last_firing=firing,
    )
