"""The plan's escalations as rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.models import AuditEntry
from rollout.models import EscalationRule
from rollout.services.escalation import rules

pytestmark = pytest.mark.django_db


def test_plan_ships_its_three_escalations_once() -> None:
    made = rules.ship(actor="up", reason="First set-up.")
    assert [(row.action, row.days_overdue, row.role) for row in made] == [
        ("remind", 3, ""),
        ("notify", 7, "copilot-operations"),
        ("review", 14, "rollout-lead"),
    ]
    assert rules.ship(actor="up", reason="Again.") == []
    assert AuditEntry.objects.filter(action="escalationrule.shipped").count() == 3
    assert made[0].history.get().history_change_reason == "First set-up."


def test_what_a_person_changed_stays() -> None:
    rules.ship(actor="up", reason="First set-up.")
    EscalationRule.objects.filter(action="notify").update(days_overdue=5, active=False)
    rules.ship(actor="up", reason="Again.")
    row = EscalationRule.objects.get(action="notify")
    assert (row.days_overdue, row.active) == (5, False)


def test_rules_are_values_with_those_that_are_off_among_them() -> None:
    rules.ship(actor="up", reason="First set-up.")
    EscalationRule.objects.filter(action="remind").update(active=False)
    found = {rule.action: rule for rule in rules.in_force()}
    assert found["remind"].active is False  # type: ignore[index]  # a StrEnum is its text
    assert {rule.after for rule in found.values()} == {timedelta(days=days) for days in (3, 7, 14)}
