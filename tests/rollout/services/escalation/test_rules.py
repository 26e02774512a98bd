"""The plan's escalations as rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.models import AuditEntry
from rollout.domain.escalation import Action
from rollout.models import EscalationRule
from rollout.services import plans
from rollout.services.escalation import rules
from tests.factories import make_repository
from tests.rollout.factories import make_person

pytestmark = pytest.mark.django_db


def test_plan_ships_its_three_escalations_once() -> None:
    assert (rules.ship(), rules.ship()) == (3, 0)
    assert list(EscalationRule.objects.values_list("action", "days_overdue", "role")) == [
        ("remind", 3, ""),
        ("notify", 7, "copilot-operations"),
        ("review", 14, "rollout-lead"),
    ]
    assert AuditEntry.objects.filter(action="escalationrule.added").count() == 3
    assert EscalationRule.objects.all()[0].history.latest().history_change_reason == rules.SHIPPED[:100]


def test_what_a_person_changed_stays_and_what_nobody_touched_follows_the_release() -> None:
    rules.ship()
    EscalationRule.objects.filter(action="remind").update(days_overdue=2)
    row = EscalationRule.objects.get(action="notify")
    row.days_overdue, row.active = 5, False
    row._history_user = make_person()  # type: ignore[attr-defined]  # simple_history's name
    row.save()
    assert rules.ship() == 1
    assert dict(EscalationRule.objects.values_list("action", "days_overdue")) == {
        "remind": 3,
        "notify": 5,
        "review": 14,
    }


def test_rollouts_own_plan_adds_rows_for_its_repository_where_it_differs() -> None:
    repository = make_repository()
    text = plans.shipped_text().replace("{day: 3,", "{day: 2,")
    assert rules.adopt(repository, plans.read(plans.shipped_text()), actor="lena") == 0
    assert rules.adopt(repository, plans.read(text), actor="lena") == 1
    assert EscalationRule.objects.get(repository=repository).days_overdue == 2
    assert rules.adopt(repository, plans.read(plans.shipped_text()), actor="lena") == 1
    assert EscalationRule.objects.get(repository=repository).days_overdue == 3


def test_escalation_that_the_rollouts_plan_leaves_out_is_switched_off_there() -> None:
    repository = make_repository()
    lines = [line for line in plans.shipped_text().splitlines() if "Day 14 overdue" not in line]
    rules.adopt(repository, plans.read("\n".join(lines)), actor="lena")
    row = EscalationRule.objects.get(repository=repository)
    assert (row.action, row.active) == ("review", False)


def test_rules_are_values_with_those_that_are_off_among_them() -> None:
    rules.ship()
    EscalationRule.objects.filter(action="remind").update(active=False)
    found = {rule.action: rule for rule in rules.in_force()}
    assert found[Action.REMIND].active is False
    assert {rule.after for rule in found.values()} == {timedelta(days=days) for days in (3, 7, 14)}
