"""The shipped plan holds what the plan document says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.services.operations import SHIPPED
from rollout.domain import plan_vocabulary as words
from rollout.domain.linter_timeline import timeline
from rollout.domain.measures import Window
from rollout.domain.plan import Action, Crash, Criterion, Plan, Setting, Source, Step, Trigger
from rollout.domain.plan_file import load_plan
from rollout.metrics.registry import METRICS
from rollout.services.plans import shipped_text

PLAN = load_plan(shipped_text())


def step(number: str) -> Step:
    return next(step for phase in PLAN.phases for step in phase.steps if step.number == number)


def criterion(slug: str) -> Criterion:
    return next(found for found in PLAN.every_criterion() if found.slug == slug)


def trigger(slug: str) -> Trigger:
    return next(found for found in PLAN.every_trigger() if found.slug == slug)


def test_the_words_for_metrics_are_those_of_the_registry() -> None:
    assert {slug: metric.unit for slug, metric in METRICS.items()} == words.METRICS


def test_the_words_for_operations_are_those_that_every_repository_is_given() -> None:
    assert set(words.OPERATIONS) == {shipped.kind.value for shipped in SHIPPED}


def test_gates_stand_on_the_days_of_appendix_a() -> None:
    assert [phase.gate.day for phase in PLAN.phases] == [-1, 7, 14, 21, 28, 35]
    assert [(phase.first_day, phase.last_day) for phase in PLAN.phases] == [
        (-7, -1), (1, 7), (8, 14), (15, 21), (22, 28), (29, 35),
    ]  # fmt: skip


def test_every_numbered_step_of_the_document_is_there() -> None:
    numbers = {step.number for phase in PLAN.phases for step in phase.steps}

    assert {"1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "4.1", "4.2", "4.3"} <= numbers
    assert numbers - {"1.3.2", "1.3.3", "1.3.4"} == {n for n in numbers if n.count(".") == 1}


def test_validation_repairs_from_its_own_step_on() -> None:
    assert step("3.1").settings == (Setting("validate", mode="live", cron="50 * * * *"),)


def test_the_first_steps_set_mode_limit_and_cron() -> None:
    assert Setting("assign", mode="live", limit=10, cron="0 */2 * * *") in step("1.1").settings
    assert Setting("process", mode="live", limit=5, cron="5 */4 * * *") in step("1.2").settings
    assert Setting("daily", mode="dry_run", cron="30 6 * * *") in step("1.3").settings


@pytest.mark.parametrize(
    ("phase", "live"),
    [("week-1", set()), ("week-2", {"monitor"}), ("week-3", {"monitor", "assign"}), ("week-4", set(words.PARTS))],
)
def test_the_daily_run_goes_live_part_by_part(phase: str, live: set[str]) -> None:
    at = next(at for at in timeline(PLAN) if at.phase.slug == phase)

    assert {part for part in words.PARTS if at.part_is_live(part)} == live
    assert (at.parts["assign"].limit, at.parts["process"].limit) == (20, 10)


def test_ramps_grow_by_the_days_of_the_document() -> None:
    assert [(item.first_day, item.last_day, item.limit) for item in step("2.1").ramps[0].steps] == [
        (1, 2, 15), (3, 5, 18), (6, 7, 20),
    ]  # fmt: skip
    assert [item.limit for item in step("2.2").ramps[0].steps] == [7, 9, 10]
    assert [len(step(number).ramps[0].prerequisites) for number in ("2.1", "2.2")] == [4, 4]


def test_the_first_two_steps_are_watched_for_48_hours_with_on_call() -> None:
    for number in ("1.1", "1.2"):
        assert (step(number).monitoring, step(number).on_call) == (timedelta(hours=48), True)


@pytest.mark.parametrize(
    ("number", "count"),
    [("1.1", 5), ("1.2", 5), ("1.3", 4), ("3.1", 5), ("3.2", 3), ("4.1", 4)],
)
def test_every_checkbox_of_a_step_is_a_criterion(number: str, count: int) -> None:
    assert len(step(number).criteria) == count


def test_quality_checks_are_measured_by_a_sweep_of_the_last_day() -> None:
    checks = {one.slug: one for one in step("3.1").criteria}
    assert {slug: one.metric for slug, one in checks.items()} == {
        "check-label-drift": "label_drift",
        "check-orphaned": "orphaned_assignments",
        "check-stale": "stale_assignments",
        "check-remnants": "template_remnants",
        "check-references": "broken_references",
    }
    for one in checks.values():
        assert (one.source, one.comparator, one.threshold, one.window.hours) == (Source.AUTOMATIC, "==", 0, 24)


def test_the_rehearsal_and_the_review_carry_their_checkboxes_on_the_gate() -> None:
    assert [len(PLAN.phases[place].gate.criteria) for place in (0, -1)] == [4, 7]


@pytest.mark.parametrize(
    ("slug", "metric", "comparator", "threshold"),
    [
        ("assign-runs", "scheduled_runs_completed", ">=", 4),
        ("process-runs", "scheduled_runs_completed", ">=", 3),
        ("daily-duration", "run_duration", "<=", 15 * 60),
        ("assign-seconds", "seconds_per_item", "<", 30),
        ("process-seconds", "seconds_per_item", "<", 120),
        ("assign-ai-half", "ai_quota_used", "<", 0.5),
        ("process-completion", "copilot_completion_48h", ">", 0.8),
        ("sla-completion-7d", "copilot_completion_7d", ">=", 0.95),
        ("sla-blocked", "blocked_share", "<", 0.05),
        ("review-flow-through", "flow_through", ">", 0.95),
        ("review-survey", "survey_score", ">", 4),
    ],
)
def test_a_criterion_has_the_documents_figure(slug: str, metric: str, comparator: str, threshold: float) -> None:
    found = criterion(slug)

    assert (found.metric, found.comparator, found.threshold) == (metric, comparator, threshold)


def test_quotas_are_judged_over_all_of_the_phase_that_the_document_names() -> None:
    assert criterion("assign-ai-quota").window == Window()
    assert {criterion(slug).window for slug in ("assign-ai-half", "assign-github-quota")} == {Window(hours=7 * 24)}


def test_what_only_people_can_tell_is_ticked_by_people() -> None:
    manual = {found.slug for found in PLAN.every_criterion() if found.source is Source.MANUAL}

    assert {"rehearsal-executed", "process-guidance-90", "review-burden", "legacy-archived"} <= manual


@pytest.mark.parametrize(
    ("slug", "threshold", "scope", "operation"),
    [
        ("assign-failing", 0.2, "step", "assign"),
        ("process-failing", 0.1, "step", "process"),
        ("daily-overrun", 1800, "step", "daily"),
        ("half-failing", 0.5, "all", ""),
        ("quota-exhausted", 0, "all", ""),
        ("conflicting-states", 0, "all", ""),
        ("security-alert", 0, "all", ""),
    ],
)
def test_an_automatic_trigger_rolls_back_by_the_documents_rule(
    slug: str, threshold: float, scope: str, operation: str
) -> None:
    found = trigger(slug)

    assert (found.threshold, found.scope, found.operation) == (threshold, scope, operation)
    assert (found.action, found.comparator, found.crash) == (Action.ROLL_BACK, ">", Crash.IMPUTE_ALL)


def test_the_four_manual_triggers_ask_a_person() -> None:
    manual = [found for found in PLAN.triggers if not found.automatic]

    assert [found.slug for found in manual] == [
        "completion-low", "quality-degraded", "operational-impact", "strategic-pivot",
    ]  # fmt: skip
    assert {found.action for found in manual} == {Action.DECIDE}


def test_every_gate_is_signed_by_roles_of_the_contact_matrix() -> None:
    assert [role.slug for role in PLAN.roles] == [
        "rollout-lead", "devops", "site-monitoring", "workflow-assignment", "issue-processing", "copilot-operations",
        "on-call",
    ]  # fmt: skip
    assert all(phase.gate.signers for phase in PLAN.phases)


def test_slas_escalations_and_rubric_are_the_documents() -> None:
    assert [sla.within for sla in PLAN.slas] == [timedelta(hours=48), timedelta(days=7), None]
    assert [escalation.day for escalation in PLAN.escalations] == [3, 7, 14]
    assert [(line.weight, line.target) for line in PLAN.rubric] == [
        (0.2, 0.9), (0.25, 0.95), (0.2, 0.9), (0.25, 0.95), (0.1, 0.85),
    ]  # fmt: skip


def test_the_templates_and_the_improvement_backlog_are_kept() -> None:
    assert {"week-1-launch", "weekly-status"} <= {message.slug for message in PLAN.messages}
    assert len(PLAN.extra["improvement_backlog"]["enhancements"]) == 7
    assert PLAN.sampling["issues_per_week"] == 10
    assert list(PLAN.extra["milestones"]) == ["Pre-rollout", "Week 1", "Week 2", "Week 3", "Week 4", "Week 5"]


def test_a_phase_that_is_not_there_is_none() -> None:
    assert PLAN.phase("week-9") is None
    assert isinstance(PLAN, Plan)
