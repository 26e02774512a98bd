"""Plans without effects."""

from __future__ import annotations

from pipeline.domain.plan import Verdict, conflict, skip


def test_skip_carries_its_reason_and_facts_and_changes_nothing() -> None:
    plan = skip("skipped", "The issue is closed.", seen=3)
    assert (plan.verdict, plan.outcome, plan.reason) == (Verdict.SKIP, "skipped", "The issue is closed.")
    assert plan.facts == {"seen": 3}
    assert plan.effects == ()
    assert plan.moves == {}


def test_conflict_asks_for_a_person_and_changes_nothing() -> None:
    plan = conflict("moved on", "Revert the later run first.")
    assert plan.verdict is Verdict.CONFLICT
    assert plan.effects == ()


def test_two_plans_share_no_facts() -> None:
    first, second = skip("a", "b"), skip("a", "b")
    first.facts["seen"] = 1
    assert second.facts == {}
