"""What the linter finds in the shipped plan, with its figures, and that a plan which adds up is left alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given

from rollout.domain.linter import Finding, Severity, lint
from rollout.domain.plan import Plan
from rollout.domain.plan_file import dump_plan
from tests.rollout.domain.plan_samples import consistent, plans, shipped


@cache
def found() -> tuple[Finding, ...]:
    return lint(shipped())


def finding(rule: str, where: str = "") -> Finding:
    return next(one for one in found() if one.rule == rule and (not where or where in one.where))


def test_the_shipped_plan_has_at_least_seven_contradictions() -> None:
    against = [one for one in found() if one.severity is Severity.CONTRADICTION]

    assert len(against) >= 7
    assert len({one.rule for one in against}) >= 7


def test_a_plan_whose_figures_agree_has_no_findings() -> None:
    assert lint(consistent()) == ()


@pytest.mark.parametrize(
    ("rule", "where", "figures", "said"),
    [
        ("capacity", "2.1", {"stated": 240, "possible": 120, "runs_per_day": 6, "limit": 20}, "allow 120, 50 % of it"),
        ("capacity", "2.2", {"stated": 60, "possible": 50, "runs_per_day": 5, "limit": 10}, "allow 50, 83.3 % of it"),
        ("inflow", "2.2", {"growth_per_day": 90, "first": 120, "second": 30}, "pipeline-backlog allows no growth"),
        ("quota", "2.1", {"growth": 2.2, "threshold": 0.5, "reached": 1.1}, "would use 110 % of it"),
        ("budget", "1.3", {"budget": 1800, "allowed": 900, "line": 1800}, "takes 30 minutes"),
        ("sample_rubric", "3.3", {"sample": 10, "lines": 4, "needed": 73}, "only if all 10 are perfect"),
        ("sample_score", "2.2", {"sample": 10, "threshold": 0.9, "needed": 35}, "9 of 10 is 90 %"),
        ("shadowed_trigger", "1.1", {"wide": 0.5, "narrow": 0.2, "implied": 0.25}, "never fires without"),
        ("timetable_mode", "2.3", {"day": 8}, "at 06:30 as dry run"),
        ("evidence_too_late", "2.2", {"needed_day": 7, "sampling_day": 15}, "sampling begins with step 3.3 on day 15"),
        ("sla_against_alarm", "3.1", {"handed_over": 60}, "3 alarms a day while the promise is kept"),
        ("alarm_before_escalation", "3.2", {"alarm": 7, "escalation": 9}, "2 days before the escalation path"),
        ("coarse_trigger", "1.1", {"runs": 4, "share": 0.25, "needed_runs": 5}, "one crashed run of 4 is 25 %"),
        ("coarse_trigger", "1.2", {"runs": 4, "threshold": 0.1, "needed_runs": 10}, "a single crash is enough"),
        ("margin", "1.2", {"gap": 5, "needed": 5}, "starts 5 minutes after assign"),
        ("no_source", "1.1", {"live": 1, "fed": 8}, "goes live on day 8"),
        ("boundary", "3.2", {"threshold": 0.8}, "Exactly 0.8 of copilot_completion_48h"),
    ],
)
def test_a_contradiction_is_found_with_its_figures(rule: str, where: str, figures: dict[str, float], said: str) -> None:
    one = finding(rule, where)

    assert said in one.sentence
    assert {name: one.figures[name] for name in figures} == pytest.approx(figures)


def test_the_shipped_plan_has_no_other_findings_than_those_tested() -> None:
    assert len(found()) == 17


def test_the_arithmetic_of_a_finding_can_be_followed() -> None:
    assert finding("capacity", "2.1").arithmetic == (
        "'0 2,6,10,14,18,22 * * *' fires 6 times a day",
        "assign: 6 runs × 20 = 120 issues a day",
        "stated: 240 issues a day",
        "the phase before: assign: 12 runs × 10 = 120 issues a day",
        "on the schedule before: 12 runs × 20 = 240 issues a day",
    )
    assert finding("budget").arithmetic[:3] == (
        "assign: 20 issues × 30 s = 10 min",
        "process: 10 issues × 120 s = 20 min",
        "together 30 min > 15 min (daily-duration)",
    )


def test_a_crash_in_a_week_sets_the_literal_assignment_trigger_off_more_often_than_not() -> None:
    # 84 runs a week at 1 % crashed runs; ROLLOUT.md's closed form says 57 %.
    assert finding("coarse_trigger", "1.1").figures["risk_a_week"] == pytest.approx(1 - 0.99**84)


def test_linting_changes_nothing() -> None:
    plan = shipped()
    before = dump_plan(plan)

    lint(plan)

    assert dump_plan(plan) == before


def test_contradictions_come_before_risks() -> None:
    severities = [one.severity for one in found()]

    assert severities == sorted(severities, key=lambda severity: severity is Severity.RISK)


@given(plans())
def test_any_plan_that_can_be_read_can_be_linted(plan: Plan) -> None:
    for one in lint(plan):
        assert one.sentence.endswith((".", "?"))
        assert one.suggestion.endswith(".")
        assert one.arithmetic


def test_the_documentation_shows_what_is_found() -> None:
    page = (Path(__file__).parents[3] / "docs" / "plan.md").read_text(encoding="utf-8")

    assert [one.rule for one in found() if one.sentence not in page] == []
