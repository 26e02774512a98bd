"""Rules for what a plan promises to people: who signs, service levels, escalations, reviews, stated figures, messages.

What breaks them can be read, and would be misunderstood or fail on the day on which it is needed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rollout.domain import plan_vocabulary as words
from rollout.domain.measures import Unit
from rollout.domain.messages import PLACEHOLDER
from rollout.domain.plan import Criterion, Plan, Sla, Trigger
from rollout.domain.plan_faults import Fault, known, unknown
from rollout.domain.reviews.sampling import MOST
from rollout.domain.survey import BEST, WORST

SPAN = re.compile(r"copilot_completion_\d+[hd]")  # of the completion metrics, those within a time


def faults(plan: Plan) -> Iterator[Fault]:
    yield from _signers(plan)
    yield from _thresholds(plan)
    for sla in plan.slas:
        yield from _service_level(sla)
    yield from _escalations(plan)
    yield from _sampling(plan)
    yield from _stated(plan)
    yield from _messages(plan)


def _signers(plan: Plan) -> Iterator[Fault]:
    for phase in plan.phases:
        for role, times in Counter(phase.gate.signers).items():
            if times > 1:
                sentence = f"{role!r} stands {times} times among the signers of {phase.gate.slug!r} and signs once."
                yield Fault(phase.gate, "signers", f"{sentence} Name another role, or remove it.")


def _thresholds(plan: Plan) -> Iterator[Fault]:
    rules: list[Criterion | Trigger] = [*plan.every_criterion(), *plan.every_trigger()]
    for rule in rules:
        if rule.metric and rule.unit is Unit.SCORE and not WORST <= rule.threshold <= BEST:
            sentence = f"A score is from {WORST} to {BEST}, and this is {rule.threshold:g}."
            yield Fault(rule, "threshold", f"{sentence} Choose one on the scale.")
        if rule.metric and rule.unit is Unit.SECONDS and rule.threshold < 0:
            yield Fault(rule, "threshold", f"A time is not below 0, and this is {rule.threshold:g} s; write seconds.")


def _service_level(sla: Sla) -> Iterator[Fault]:
    unit = words.METRICS.get(sla.metric)
    if unit is not None and unit is not Unit.SHARE:
        sentence = f"A service level is a share, and {sla.metric!r} has the unit {unit.value}; choose another metric."
        yield Fault(sla, "metric", sentence)
    if not 0 <= sla.threshold <= 1:
        yield Fault(sla, "threshold", f"A share is from 0 to 1, and this is {sla.threshold:g}; write 0.8 for 80 %.")
    if sla.comparator == "==":
        yield Fault(sla, "comparator", "A service level is a bound, not one value; write >=, >, < or <=.")
    days = words.MATURES_AFTER_DAYS.get(sla.metric) if SPAN.fullmatch(sla.metric) else None
    if days is not None and sla.within is not None and sla.within.total_seconds() != days * 86_400:
        hours = sla.within.total_seconds() / 3600
        sentence = f"{sla.metric!r} measures within {days * 24} hours, not within {hours:g}."
        yield Fault(sla, "within", f"{sentence} Choose the metric of that time, or remove the hours.")


def _escalations(plan: Plan) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for each in plan.escalations:
        if each.action in seen:
            sentence = f"{each.action!r} stands on day {seen[each.action]} and on day {each.day}."
            yield Fault(each, "action", f"{sentence} Each action has one day; choose another action or remove one.")
        seen.setdefault(each.action, each.day)
        if each.action == "notify" and not each.role:
            yield Fault(each, "", f"The escalation of day {each.day} notifies nobody; name a role.")


def _sampling(plan: Plan) -> Iterator[Fault]:
    given = plan.sampling
    number = given.get("issues_per_week", MOST)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
        yield Fault(
            given, "issues_per_week", f"issues_per_week must be a whole number from 1 to {MOST}, not {number!r}."
        )
    numbers = [step.number for phase in plan.phases for step in phase.steps]
    if "step" in given:
        yield from known(given, "step", str(given["step"]), numbers)
    if "metric" in given:
        yield from known(given, "metric", str(given["metric"]), words.METRICS)
    reviewers = given.get("reviewers", [])
    roles = [role.slug for role in plan.roles]
    for role in reviewers if isinstance(reviewers, list) else [reviewers]:
        if role not in roles:
            yield Fault(given, "reviewers", unknown("role", str(role), roles))


def _stated(plan: Plan) -> Iterator[Fault]:
    """A figure under a name that nobody reads would silently be left out of the lint."""
    steps = [step for phase in plan.phases for step in phase.steps]
    turned = {setting.operation for step in steps for setting in step.settings}
    turned |= {ramp.operation for step in steps for ramp in step.ramps}
    for name in plan.stated:
        kind, _, rest = name.partition(".")
        if kind != words.STATED_VOLUME:
            yield from known(plan.stated, name, name, words.STATED, "stated figure")
            continue
        operation, _, phase = rest.partition(".")
        yield from known(plan.stated, name, operation, turned, "operation in its steps")
        yield from known(plan.stated, name, phase, [found.slug for found in plan.phases], "phase")


def _messages(plan: Plan) -> Iterator[Fault]:
    for message in plan.messages:
        facts = words.MESSAGE_FACTS.get(message.slug)
        for field in ("subject", "body"):
            for name in PLACEHOLDER.findall(getattr(message, field)) if facts is not None else ():
                yield from known(message, field, name, facts, "placeholder")
