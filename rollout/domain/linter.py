"""Reads a plan and reports where its own figures do not agree, with the arithmetic; changes nothing.

A plan that passes `plan_file.load_plan` can be carried out. Whether it can succeed is another matter: each rule below
reckons with the limits, schedules, thresholds and samples that the plan itself states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rollout.domain import (
    linter_capacity,
    linter_order,
    linter_samples,
    linter_schedule,
    linter_time,
    linter_triggers,
)
from rollout.domain.linter_findings import Finding, Given, Severity
from rollout.domain.linter_timeline import Case, timeline
from rollout.domain.plan import Plan

__all__ = ["RULES", "Finding", "Given", "Severity", "lint"]

Rule = Callable[[Case], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    linter_capacity.capacity,
    linter_capacity.inflow,
    linter_capacity.quota,
    linter_capacity.writing,
    linter_time.budgets,
    linter_time.overlaps,
    linter_time.windows,
    linter_time.cohorts,
    linter_samples.rubric,
    linter_samples.scores,
    linter_samples.weights,
    linter_triggers.fights,
    linter_triggers.coarse,
    linter_triggers.against_criteria,
    linter_schedule.clashing,
    linter_schedule.margins,
    linter_schedule.timetable,
    linter_order.evidence,
    linter_order.stale,
    linter_order.ramps,
    linter_order.sources,
    linter_order.boundaries,
)


def lint(plan: Plan, given: Given | None = None) -> tuple[Finding, ...]:
    """Contradictions first, then risks, each in the order of RULES. `plan` has been checked by `load_plan`."""
    case = Case(plan, timeline(plan), given or Given())
    found = [finding for rule in RULES for finding in rule(case)]
    return tuple(sorted(found, key=lambda finding: finding.severity is Severity.RISK))
