"""Runs as evidence: scheduled and live only, each slot once, crashes told from failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.models import Kind, Mode, Repository, Run, RunItem
from rollout.domain.measures import Row
from rollout.metrics import items
from tests.factories import make_finding, make_item, make_run
from tests.rollout.evidence_rows import HOUR, START, make_live, make_runs
from tests.rollout.metrics.conftest import Ask


def test_completed_runs_count_succeeded_slots(repository: Repository, ask: Ask) -> None:
    made = make_runs(make_live(repository), "10:0 10:2 x")
    found = ask("scheduled_runs_completed", operation="assign")
    assert (found.value, found.n) == (2.0, 3)
    assert found.rows == tuple(Row("pipeline.run", run.pk) for run in made)


@pytest.mark.parametrize(
    "values",
    [
        {"purpose": Run.Purpose.MANUAL},
        {"purpose": Run.Purpose.APPLY},
        {"purpose": Run.Purpose.REVERT},
        {"mode": Mode.DRY_RUN},
        {"state": Run.State.CANCELLED},
        {"state": Run.State.FAILED, "error_type": "quota"},
    ],
)
def test_runs_that_are_no_evidence_are_in_no_rate(repository: Repository, ask: Ask, values: dict[str, Any]) -> None:
    make_runs(make_live(repository), "10:10 10:10", **values)
    for slug in ("scheduled_runs_completed", "run_failure_rate", "item_failure_rate", "seconds_per_item"):
        assert ask(slug, operation="assign").n == 0


def test_item_failures_are_pooled_over_the_last_runs(repository: Repository, ask: Ask) -> None:
    make_runs(make_live(repository), "10:9 10:1 10:2 10:3 10:0")
    found = ask("item_failure_rate", operation="assign", runs=4)
    assert (found.value, found.n, found.parts["runs"]) == (6 / 40, 40, 4)


def test_every_item_of_a_crashed_run_counts_as_failed(repository: Repository, ask: Ask) -> None:
    make_runs(make_live(repository, limit=10), "10:0 10:0 10:0 x")
    assert ask("item_failure_rate", operation="assign", runs=4).value == 10 / 40


def test_quota_and_conflict_items_are_in_no_rate(repository: Repository, ask: Ask) -> None:
    run = make_runs(make_live(repository), "4:1")[0]
    for state, error in (("deferred", "quota"), ("conflict", "conflict"), ("cancelled", ""), ("skipped", "")):
        make_item(run=run, state=RunItem.State(state), error_type=error)
    assert ask("item_failure_rate").value == 1 / 4


def test_run_rate_counts_crashes_and_runs_in_which_nothing_came_out(repository: Repository, ask: Ask) -> None:
    make_runs(make_live(repository), "10:9 x 10:10 0:0 10:0")
    found = ask("run_failure_rate", operation="assign")
    assert (found.value, found.n) == (2 / 4, 4)


def test_parts_of_a_daily_run_count_within_it(repository: Repository, ask: Ask) -> None:
    daily = make_live(repository, "daily", kind=Kind.DAILY)
    parent = make_runs(daily, "0:0")[0]
    for kind, mode, failed in ((Kind.ASSIGN, Mode.LIVE, 1), (Kind.PROCESS, Mode.DRY_RUN, 3)):
        part = make_run(
            operation=daily, kind=kind, purpose=Run.Purpose.PART, parent=parent, mode=mode, state="succeeded"
        )
        for number in range(4):
            state = RunItem.State.FAILED if number < failed else RunItem.State.DONE
            make_item(run=part, state=state)
    found = ask("item_failure_rate", operation="daily")
    assert (found.value, found.rows) == (1 / 4, (Row("pipeline.run", parent.pk),))


def test_evidence_before_the_floor_does_not_count(repository: Repository, ask: Ask) -> None:
    make_runs(make_live(repository), "10:10 10:0")
    assert ask("item_failure_rate", floor=START + 2 * HOUR).value == 0.0


def test_duration_is_that_of_the_longest_run_dry_ones_included(repository: Repository, ask: Ask) -> None:
    operation = make_live(repository, "daily", kind=Kind.DAILY)
    make_runs(operation, "0:0", finished_at=START + 2 * HOUR)
    make_runs(operation, "0:0", start=START + 5 * HOUR, mode=Mode.DRY_RUN)
    assert ask("run_duration", operation="daily").value == 3600.0
    assert ask("run_duration", operation="daily", runs=1).value == 300.0


def test_duration_of_a_run_at_work_counts_so_far(repository: Repository, ask: Ask) -> None:
    operation = make_live(repository, "daily", kind=Kind.DAILY)
    make_runs(operation, "0:0", state=Run.State.WORKING, finished_at=None)
    found = ask("run_duration", operation="daily", now=START + 1.6 * HOUR)
    assert found.value == 36 * 60


def test_critical_errors_are_crashes_and_critical_findings(repository: Repository, ask: Ask) -> None:
    make_runs(make_live(repository), "10:10 x 10:0")
    make_finding(repository=repository, severity="critical", first_seen=START + HOUR)
    make_finding(repository=repository, severity="warning", first_seen=START + HOUR)
    found = ask("critical_errors")
    assert (found.value, found.n) == (2.0, 3)
    assert "crashed" in found.parts["named"]


def test_telemetry_needs_statistics_and_the_file_of_the_day(
    repository: Repository, ask: Ask, settings: Any, tmp_path: Any
) -> None:
    operation = make_live(repository)
    make_runs(operation, "1:0", statistics={"items": 1})
    make_runs(operation, "1:0", start=START + 30 * HOUR, statistics={"items": 1})
    make_runs(operation, "1:0", start=START + 31 * HOUR)
    (tmp_path / "pipeline-2026-11-03.jsonl").write_text("{}\n")
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, telemetry_dir=tmp_path)
    assert ask("telemetry_present").value == 1 / 3


def test_time_per_item_has_mean_and_95th_percentile(repository: Repository, ask: Ask) -> None:
    run = make_runs(make_live(repository), "19:0")[0]
    make_item(run=run, state="done", started_at=START, finished_at=START + HOUR, position=99)
    assert ask("seconds_per_item", operation="assign").value == (19 * 20 + 3600) / 20
    assert ask("p95_seconds_per_item", operation="assign").value == pytest.approx(20 + 0.05 * 3580)


def test_time_per_item_is_that_of_the_newest(repository: Repository, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_ROWS", 1)
    older, newer = make_runs(make_live(repository), "0:0 0:0")
    make_item(run=older, state="done", started_at=START, finished_at=START + HOUR, position=99)
    make_item(run=newer, state="done", started_at=START, finished_at=START + HOUR / 60, position=99)
    assert ask("seconds_per_item", operation="assign").value == 60


def test_time_per_run_is_mean_and_p95_of_those_that_ended(repository: Repository, ask: Ask) -> None:
    operation = make_live(repository)
    for place, minutes in enumerate((2, 4, 12)):
        at = START + (place + 1) * HOUR
        make_runs(operation, "10:0", start=at, finished_at=at + timedelta(minutes=minutes))
    make_runs(operation, "0:0", start=START + 5 * HOUR, finished_at=None, state=Run.State.WORKING)
    mean, p95 = (ask(slug, operation="assign") for slug in ("seconds_per_run", "p95_seconds_per_run"))
    assert (mean.value, mean.n) == (360.0, 3)
    assert p95.value == pytest.approx(240 + 0.9 * 480)
