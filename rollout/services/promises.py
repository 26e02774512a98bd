"""What a plan promises to people becomes rows when it comes in force: service levels, escalations, the rubric."""

from __future__ import annotations

from rollout.domain.plan import Plan
from rollout.models import Rollout
from rollout.services import record
from rollout.services.completion import service_levels
from rollout.services.escalation import rules
from rollout.services.reviews import rubrics

RULE = "rule:rubric"


def adopt(rollout: Rollout, plan: Plan, *, actor: str) -> None:
    """Take over levels and escalations; say so where reviewers score by another rubric, which only people publish."""
    service_levels.adopt(rollout.repository, plan, actor=actor)
    rules.adopt(rollout.repository, plan, actor=actor)
    unlike = rubrics.unlike(plan.rubric)
    if unlike:
        record.say(rollout, RULE, unlike)
