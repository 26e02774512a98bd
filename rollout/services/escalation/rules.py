"""The escalation rules as rows: shipped from the plan, taken from a rollout's own plan, changed by people.

The closest rule is in force. A row that a person has changed is never changed by automation again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from pipeline.models import Repository
from rollout.domain.escalation import Action, Rule
from rollout.domain.plan import Escalation, Plan
from rollout.models import EscalationRule
from rollout.services import plans, shipped_rows

RULE = "rule:shipped"
SHIPPED = "Shipped with the release: the plan's escalations."


@transaction.atomic
def ship() -> int:
    """Make the rows of every repository say what the shipped plan says; how many were made or changed."""
    shipped = plans.read(plans.shipped_text()).escalations
    return sum(_put(None, each.action, _values(each), actor=RULE, reason=SHIPPED) for each in shipped)


@transaction.atomic
def adopt(repository: Repository, plan: Plan, *, actor: str) -> int:
    """What a rollout's own plan asks for otherwise than the shipped one becomes rows of its repository.

    A plan that has escalations, but not one that is shipped, switches that one off.
    """
    if not plan.escalations:
        return 0
    ship()
    wanted = _by_action(plan.escalations)
    shipped = _by_action(plans.read(plans.shipped_text()).escalations)
    rows = EscalationRule.objects.filter(repository=repository, workflow="")
    own = set(rows.values_list("action", flat=True))
    reason = f"{plan.title} {plan.version} of this repository says so."
    changed = 0
    for action in {**shipped, **wanted}:
        values = wanted.get(action) or {**shipped[action], "active": False}
        if action in own or values != shipped.get(action):
            changed += _put(repository, action, values, actor=actor, reason=reason)
    return changed


def in_force() -> list[Rule]:
    """Every rule as a value, those that are switched off among them: they switch off what lies further away."""
    return [
        Rule(
            action=Action(row.action),
            after=timedelta(days=row.days_overdue),
            role=row.role,
            repository=row.repository_id,
            workflow=row.workflow,
            active=row.active,
        )
        for row in EscalationRule.objects.all()
    ]


def _by_action(escalations: Iterable[Escalation]) -> dict[str, dict[str, object]]:
    return {each.action: _values(each) for each in escalations}


def _values(shipped: Escalation) -> dict[str, object]:
    return {"days_overdue": shipped.day, "role": shipped.role, "text": shipped.text[:200], "active": True}


def _put(repository: Repository | None, action: str, wanted: dict[str, object], *, actor: str, reason: str) -> bool:
    """Whether a row was made or changed."""
    return shipped_rows.put(EscalationRule, repository, {"action": action}, wanted, actor=actor, reason=reason)
