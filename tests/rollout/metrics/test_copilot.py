"""Hand-overs: judged when old enough, one per issue, taken back ones left out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.domain import changes
from pipeline.models import Handover, Repository
from rollout.metrics.copilot import read_once
from tests.factories import make_effect, make_handover, make_issue, make_workflow
from tests.rollout.evidence_rows import HOUR, START, make_live, make_runs
from tests.rollout.metrics.conftest import Ask

DAY = timedelta(days=1)


def handed(repository: Repository, at: datetime, after: float | None = None, **values: Any) -> Handover:
    """Handed over at `at`, completed `after` hours later."""
    issue = values.pop("issue", None) or make_issue(repository=repository, state="copilot")
    done = {} if after is None else {"outcome": "completed", "ended_at": at + after * HOUR}
    return make_handover(issue=issue, requested_at=at, **{**done, **values})


def test_completion_judges_only_cohorts_old_enough(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 20)
    handed(repository, START + HOUR, 60)
    handed(repository, START + HOUR)
    handed(repository, START + 2 * DAY, 1)
    found = ask("copilot_completion_48h", now=START + 3 * DAY)
    assert (found.value, found.n, found.parts["pending"]) == (1 / 3, 3, 1)


def test_quick_completion_of_a_young_cohort_does_not_flatter(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 1)
    found = ask("copilot_completion_48h", now=START + DAY)
    assert (found.value, found.n, found.parts["pending"]) == (None, 0, 1)


def test_seven_days_wait_for_seven_days(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 60)
    assert ask("copilot_completion_7d", now=START + 6 * DAY).value is None
    assert ask("copilot_completion_7d", now=START + 8 * DAY).value == 1.0


def test_window_of_hours_means_cohorts_that_came_of_age_in_it(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 1)
    handed(repository, START + 2 * DAY + HOUR, 100)
    found = ask("copilot_completion_48h", hours=24, now=START + 4 * DAY + 2 * HOUR)
    assert (found.value, found.n) == (0.0, 1)


def test_repeats_of_a_lost_handover_belong_to_the_first(repository: Repository, ask: Ask) -> None:
    first = handed(repository, START + HOUR, outcome="lost")
    handed(repository, START + 3 * HOUR, 40, issue=first.issue)
    found = ask("copilot_completion_48h", now=START + 4 * DAY)
    assert (found.value, found.n) == (1.0, 1)
    assert len(found.rows) == 2


def test_handovers_taken_back_are_left_out(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, outcome="withdrawn", ended_at=START + 2 * HOUR)
    assert ask("copilot_completion_48h").n == 0


def test_completion_seen_later_than_asked_for_is_not_known_yet(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 47)
    handed(repository, START + HOUR, 72)
    assert ask("copilot_completion_7d", now=START + 2 * DAY, floor=START).value is None
    assert ask("copilot_completion_48h", now=START + 2 * DAY + HOUR).value == 0.5


def test_workflow_narrows_the_cohort(repository: Repository, ask: Ask) -> None:
    workflow = make_workflow()
    handed(repository, START + HOUR, 1, issue=make_issue(repository=repository, state="copilot", workflow=workflow))
    handed(repository, START + HOUR)
    assert ask("copilot_completion_48h", workflow=workflow.slug).value == 1.0


def test_blocked_share(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, blocker="permission")
    for _number in range(3):
        handed(repository, START + HOUR, 2)
    assert ask("blocked_share").value == 0.25


def test_obstacle_that_is_gone_still_counts_as_blocked(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 2, evidence={"blockers": ["approval"]})
    handed(repository, START + HOUR, 2)
    assert ask("blocked_share").value == 0.5


def test_repeat_in_the_window_of_what_was_lost_before_it_is_no_new_case(repository: Repository, ask: Ask) -> None:
    first = handed(repository, START - HOUR, outcome="lost")
    handed(repository, START + HOUR, 2, issue=first.issue)
    assert ask("copilot_completion_48h").n == 0


def test_times_to_completion_are_read_from_the_curve(repository: Repository, ask: Ask) -> None:
    for hours in (10, 20, 30, 40, None):
        handed(repository, START + HOUR, hours)
    found = {name: ask(f"time_to_completion_{name}", now=START + 4 * DAY) for name in ("median", "p80", "p95")}
    assert [found[name].value for name in found] == [30 * 3600, 40 * 3600, None]
    assert found["median"].n == 5
    assert found["median"].parts["completed"] == 4
    assert found["median"].parts["low"] is not None


def test_young_cases_add_to_the_estimate_what_is_known_of_them(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 10)
    handed(repository, START + HOUR)
    handed(repository, START + 3 * DAY + 19 * HOUR)  # watched for 5 hours
    found = ask("copilot_completion_48h_estimate", now=START + 4 * DAY)
    assert (found.value, found.n) == (0.5, 3)
    assert (found.parts["at_risk"], found.parts["low"] < 0.5 < found.parts["high"]) == (1, True)


def test_what_was_taken_back_is_censored_in_the_curve(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, outcome="withdrawn", ended_at=START + 2 * HOUR)
    handed(repository, START + HOUR, 10)
    found = ask("time_to_completion_median")
    assert (found.value, found.n) == (10 * 3600, 2)


def test_passing_of_minutes_is_no_new_evidence(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR)
    now = START + 2 * DAY
    early, later = (ask("time_to_completion_median", now=now + timedelta(minutes=minutes)) for minutes in (1, 59))
    assert early.parts["facts"] == later.parts["facts"]


def test_cases_read_once_are_read_anew_afterwards(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 2)
    with read_once():
        first = ask("copilot_completion_48h")
        handed(repository, START + HOUR)
        assert ask("copilot_completion_48h") == first
        assert ask("copilot_completion_48h", now=START + 5 * DAY).n == 2
    assert ask("copilot_completion_48h").n == 2


def test_completion_rate_counts_late_ones_too(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR, 9 * 24)
    handed(repository, START + HOUR, outcome="rejected", ended_at=START + 2 * HOUR)
    handed(repository, START + 8 * DAY, 1)
    found = ask("completion_rate", now=START + 12 * DAY)
    assert (found.value, found.n, found.parts["pending"]) == (0.5, 2, 1)


@pytest.mark.parametrize(
    ("metric", "shares"),
    [
        ("copilot_completion_24h", 0.25),
        ("copilot_completion_72h", 0.75),
        ("copilot_completion_14d", 1.0),
    ],
)
def test_completion_is_measured_by_other_spans_too(
    repository: Repository, ask: Ask, metric: str, shares: float
) -> None:
    for hours in (20, 40, 60, 200):
        handed(repository, START + HOUR, hours)
    assert ask(metric, now=START + 20 * DAY).value == shares


@pytest.mark.parametrize(
    ("days", "in_a_row"),
    [("0/2 0/2 0/2", 3), ("2/2 0/2 0/2", 2), ("0/2 0/2 2/2", 0), ("0/2 1/2 0/2", 1), ("0/2 - 0/2", 2)],
)
def test_days_below_completion_count_back_from_the_newest_judged(
    repository: Repository, ask: Ask, days: str, in_a_row: int
) -> None:
    for number, day in enumerate(days.split()):
        done, _, of = day.partition("/")
        for place in range(int(of or 0)):
            handed(repository, START + number * DAY + HOUR, 10 if place < int(done) else None)
    assert ask("days_below_completion", now=START + 6 * DAY).value == in_a_row


def test_day_that_is_not_old_enough_is_not_judged(repository: Repository, ask: Ask) -> None:
    handed(repository, START + HOUR)
    assert ask("days_below_completion", now=START + 2 * DAY + HOUR).n == 0


def test_handover_is_correct_when_taken_on_a_branch_and_taken_up(repository: Repository, ask: Ask) -> None:
    run = make_runs(make_live(repository, "process"), "2:0")[0]
    change = changes.AssignCopilot("scaffold/1", "Work on it.")
    for item, outcome in zip(run.items.order_by("position"), ("working", "lost"), strict=True):
        issue = make_issue(repository=repository, state="copilot")
        effect = make_effect(item=item, issue=issue, change=change, state="applied")
        make_handover(issue=issue, effect=effect, outcome=outcome, scaffold_branch="scaffold/1")
    found = ask("handovers_correct")
    assert (found.value, found.n) == (0.5, 2)
    assert found.parts["named"].startswith("#")


def test_branch_operations_count_what_github_refused(repository: Repository, ask: Ask) -> None:
    run = make_runs(make_live(repository, "process"), "2:0")[0]
    change = changes.OpenPull("scaffold/1", "main", "A title", "A body")
    for item, state in zip(run.items.order_by("position"), ("applied", "refused"), strict=True):
        make_effect(item=item, change=change, state=state)
    assert ask("branch_operations_ok", operation="process").value == 0.5
