"""The first page: what is live, what is wrong, how issues flow; schedules in words; figures as tables."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.models import Effect, Finding, Operation
from pipeline.views import alerts, dashboard, figures, schedules
from tests import factories as make

NOW = make.MOMENT
pytestmark = pytest.mark.django_db


def texts() -> str:
    return "\n".join(alert.text for alert in alerts.alerts(NOW))


def test_nothing_is_wrong_on_an_empty_site() -> None:
    assert alerts.alerts(NOW) == []


def test_operations_without_any_heartbeat_are_told() -> None:
    make.make_operation()

    assert "No worker and no beat has ever run" in texts()


@pytest.mark.parametrize(("age", "told"), [(timedelta(seconds=30), False), (timedelta(minutes=30), True)])
def test_heartbeat_is_told_when_stale(age: timedelta, told: bool) -> None:
    make.make_heartbeat("beat", NOW - age)

    assert ("The beat has stopped" in texts()) is told


def test_mark_of_something_done_once_a_day_is_no_stopped_process() -> None:
    make.make_heartbeat("tick", NOW)
    make.make_heartbeat("audit head", NOW - timedelta(hours=12))

    assert list(alerts.heartbeats(NOW)) == []


def test_every_kind_of_trouble_is_told_with_an_address() -> None:
    repository = make.make_repository(token_problem="Bad credentials.", sync_problem="404 Not Found.")
    operation = make.make_operation(repository=repository, mode="live")
    make.make_heartbeat("tick", NOW)
    make.make_run(operation=operation, state="failed")
    make.make_slot(operation=operation, status="missed", reason="No worker.")
    make.make_effect(item=make.make_item(run=make.make_run(operation=operation)), live=True, state=Effect.State.UNKNOWN)
    make.make_finding(severity=Finding.Severity.CRITICAL)
    make.make_source(failures=3, problem="503")
    make.make_token_budget(remaining=0)
    make.make_token_budget(label="other", blocked_until=NOW + timedelta(minutes=5))

    found = alerts.alerts(NOW)

    for words in ("token", "synchronised", "1 run failed", "1 slot missed", "1 write of run", "state::copilot"):
        assert words in texts(), words
    for words in ("3 times in a row", "is used up", "asked other to wait", "lease has run out"):
        assert words in texts(), words
    assert all(alert.url.startswith("/admin/") for alert in found)


def test_stages_count_issues_with_share_and_overdue() -> None:
    repository = make.make_repository()
    make.make_issue(repository=repository, state="assigned", due_at=NOW - timedelta(hours=1))
    make.make_issue(repository=repository, state="done", due_at=NOW - timedelta(hours=1))
    make.make_issue(repository=repository, state="done", presence="deleted")

    stages = {stage.value: stage for stage in dashboard.stages(NOW)}

    assert [stages[value].count for value in ("discovery", "assigned", "copilot", "done")] == [0, 1, 0, 1]
    assert (stages["assigned"].share, stages["assigned"].overdue, stages["done"].overdue) == (50.0, 1, 0)


def test_line_holds_the_newest_runs_oldest_first() -> None:
    operation = make.make_operation(cron="0 */2 * * *")
    runs = [make.make_run(operation=operation, state="succeeded") for _ in range(14)]
    make.make_run(operation=operation, parent=runs[0])

    (line,) = dashboard.lines(NOW)

    assert [run for run, _ in line.runs] == runs[-dashboard.SHOWN_RUNS :]
    assert line.next == NOW + timedelta(hours=2)


def test_operation_that_is_off_fires_never() -> None:
    make.make_operation(cron="0 */2 * * *", mode="off")

    assert dashboard.lines(NOW)[0].next is None


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 */2 * * *", "Every 2 hours, UTC"),
        ("30 6 * * *", "At 06:30, UTC"),
        ("5 */4 * * *", "At 5 minutes past the hour"),
    ],
)
def test_shipped_crons_have_words(cron: str, words: str) -> None:
    schedule = schedules.schedule_of(make.make_operation(cron=cron), NOW)

    assert schedule.words.startswith(words)
    assert len(schedule.fires) == 10


def test_schedule_that_cannot_fire_says_why() -> None:
    both = schedules.schedule_of(make.make_operation(cron="0 0 1 * 1"), NOW)
    without = schedules.schedule_of(make.make_operation(), NOW)
    disabled = make.make_operation(cron="0 0 * * *")
    Operation.objects.get(pk=disabled.pk).periodic_task.delete()  # type: ignore[union-attr]

    assert "sets both" in both.problem
    assert "no cron" in without.problem
    assert (both.next, without.next) == (None, None)


def test_figures_show_only_what_was_counted() -> None:
    statistics = {
        "by_state": {"done": 3, "failed": 1},
        "labels": {},
        "seconds_per_item": 75.0,
        "within_15_minutes": True,
    }

    (table,) = figures.tables(statistics)

    assert table.rows == (("done", 3, 100), ("failed", 1, 33))
    assert figures.facts(statistics) == [("Mean time per item", "1 min 15 s"), ("Within 15 minutes", "yes")]
