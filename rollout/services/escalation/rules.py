"""The escalation rules as rows: shipped from the plan, changed by people, the closest in force."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from simple_history.utils import update_change_reason

from pipeline.services import audit
from rollout.domain.escalation import Action, Rule
from rollout.models import EscalationRule
from rollout.services import plans


@transaction.atomic
def ship(*, actor: str, reason: str) -> list[EscalationRule]:
    """Create the shipped plan's escalations where they are missing; what a person changed stays as it is."""
    made = []
    for shipped in plans.read(plans.shipped_text()).escalations:
        row, created = EscalationRule.objects.get_or_create(
            repository=None,
            workflow="",
            action=shipped.action,
            defaults={"days_overdue": shipped.day, "role": shipped.role, "text": shipped.text},
        )
        if not created:
            continue
        update_change_reason(row, reason[:100])
        audit.append(
            actor=actor,
            action="escalationrule.shipped",
            subject=str(row),
            reason=reason,
            after={"action": row.action, "days_overdue": row.days_overdue, "role": row.role},
        )
        made.append(row)
    return made


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
