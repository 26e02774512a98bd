"""Schedules, daily summaries and security alerts."""

from __future__ import annotations

from pipeline.models import Kind, Repository, Slot
from pipeline.services.statistics import of
from rollout.models import SecurityAlert
from tests.factories import make_issue, make_item, make_slot, make_transition
from tests.rollout.evidence_rows import HOUR, START, make_live, make_runs
from tests.rollout.metrics.conftest import Ask


def test_overlaps_and_issues_wanted_twice_are_conflicts(repository: Repository, ask: Ask) -> None:
    operation = make_live(repository)
    run = make_runs(operation, "2:0")[0]
    reason = "Overlap: run 7 of the group was still active."
    make_slot(operation=operation, nominal_at=START + 9 * HOUR, status=Slot.Status.SKIPPED, reason=reason)
    make_slot(operation=operation, nominal_at=START + 8 * HOUR, status=Slot.Status.SKIPPED, reason="The limit is 0.")
    make_item(run=run, state="skipped", reason="Another live run is working on it.")
    found = ask("schedule_conflicts")
    assert (found.value, found.n) == (2.0, 3)
    assert "assign at 2026-11-02 09:00" in found.parts["named"]


def test_missed_slots_and_those_without_a_row_are_missing(repository: Repository, ask: Ask) -> None:
    operation = make_live(repository, cron="0 */2 * * *")
    make_slot(operation=operation, nominal_at=START + 2 * HOUR, status=Slot.Status.MISSED, reason="Found late.")
    found = ask("missing_runs", now=START + 6 * HOUR)
    assert found.value == 2.0
    assert found.parts["named"] == "assign at 2026-11-02 02:00, assign at 2026-11-02 04:00"


def test_slot_is_given_a_quarter_of_an_hour(repository: Repository, ask: Ask) -> None:
    make_live(repository, cron="0 */2 * * *")
    assert ask("missing_runs", now=START + 2.2 * HOUR).value == 0.0
    assert ask("missing_runs", now=START + 2.3 * HOUR).value == 1.0


def test_summary_is_held_against_the_history_of_moves(repository: Repository, ask: Ask) -> None:
    daily = make_live(repository, "daily", kind=Kind.DAILY)
    issue = make_issue(repository=repository, state="assigned")
    make_transition(issue=issue, after="discovery", at=START)
    make_issue(repository=repository, state="done")
    make_runs(daily, "0:0", statistics={"system": {"discovery": 1, "assigned": 0, "copilot": 0, "done": 1}})
    make_transition(issue=issue, after="assigned", at=START + 3 * HOUR)
    wrong = {"system": {"discovery": 1, "assigned": 0, "copilot": 0, "done": 1}}
    make_runs(daily, "0:0", start=START + 5 * HOUR, statistics=wrong)
    assert ask("daily_summary_accurate").parts["facts"] == [0, 1]


def test_daily_run_without_figures_is_not_accurate(repository: Repository, ask: Ask) -> None:
    daily = make_live(repository, "daily", kind=Kind.DAILY)
    run = make_runs(daily, "1:0")[0]
    run.statistics = of(run)
    run.save(update_fields=["statistics"])
    assert ask("daily_summary_accurate").value == 0.0


def test_security_alerts_count_until_a_person_clears_them(repository: Repository, ask: Ask) -> None:
    alert = SecurityAlert.objects.create(
        repository=repository, source="by hand", external_id="1", summary="A token leaked.", at=START + HOUR
    )
    assert ask("security_alerts").parts["named"] == "A token leaked."
    alert.cleared_by, alert.cleared_at = "olga", START + 2 * HOUR
    alert.save()
    assert ask("security_alerts").value == 0.0
