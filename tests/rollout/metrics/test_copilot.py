"""Hand-overs: judged when old enough, one per issue, taken back ones left out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.domain import changes
from pipeline.models import Handover, Repository
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
