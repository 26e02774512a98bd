"""The completion report: the registry's figures, cohorts, blockers and remarks, of the newest hand-overs."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.models import Repository
from rollout.domain.completion import Reported
from rollout.domain.measures import Scope, Window
from rollout.metrics.registry import metric
from rollout.services.completion import report as reports
from rollout.services.completion.report import HEADLINE, Report
from tests.factories import MOMENT, make_repository, make_specialist, make_workflow
from tests.rollout.services.completion.rows import DAY, HOUR, handed, make_level, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def read(repository: Repository, **values: Any) -> Report:
    return reports.report(repository, MOMENT, **values)


def test_report_begins_on_a_monday() -> None:
    start = reports.begins(1, MOMENT + 2 * DAY)
    assert (start.isoweekday(), MOMENT + 2 * DAY - start) == (1, 2 * DAY + 8 * HOUR)
    assert reports.begins(3, MOMENT) == reports.begins(1, MOMENT) - 14 * DAY
    assert reports.begins(0, MOMENT) == reports.begins(1, MOMENT)


def test_figures_are_the_registrys(repository: Repository) -> None:
    for hours in (10, 30, 60):
        handed(repository, 9 * DAY, hours * HOUR)
    found = read(repository)
    for slug in HEADLINE:
        again = metric(slug).read(Scope(repository.pk), Window(), found.start, MOMENT)
        assert found.figures[slug] == again
    assert found.figures["time_to_completion_median"].value == found.curve.quantile(0.5) == 30 * 3600
    assert found.figures["copilot_completion_48h"].value == 2 / 3


def test_points_and_cohorts_count_the_same_as_the_registry(repository: Repository) -> None:
    for hours in (10, 30, 60, None):
        handed(repository, 9 * DAY, hours * HOUR if hours else None)
    handed(repository, DAY, HOUR)
    found = read(repository)
    point = next(point for point in found.points if point.age == 2 * DAY)
    assert point.plain.value == found.figures["copilot_completion_48h"].value == 0.5
    assert sum(row.two_days.hits for row in found.by_week) == 2
    assert point.share == found.figures["copilot_completion_48h_estimate"].value


def test_cohorts_are_by_week_workflow_and_specialist(repository: Repository) -> None:
    workflow, specialist = make_workflow(slug="osint"), make_specialist(slug="analyst")
    handed(repository, 8 * DAY, HOUR, workflow=workflow, specialist=specialist)
    handed(repository, DAY)
    found = read(repository)
    assert [row.name for row in found.by_week] == ["2026-W44", "2026-W43"]
    assert [row.name for row in found.by_workflow] == ["no workflow", "osint"]
    assert [row.name for row in found.by_specialist] == ["analyst", "no specialist"]


def test_one_workflow_narrows_everything(repository: Repository) -> None:
    workflow = make_workflow(slug="osint")
    row = handed(repository, 3 * DAY, HOUR, workflow=workflow, blocker="quota")
    other = handed(repository, 3 * DAY, blocker="approval")
    say(row, "Clear guidance.", "praise")
    say(other, "Tests fail.", "tests")
    found = read(repository, workflow="osint")
    assert len(found.cases) == found.figures["copilot_completion_48h"].n == 1
    assert [one.name for one in found.blockers] == ["quota"]
    assert [theme.name for theme in found.said.themes] == ["praise"]


def test_outcomes_tell_finished_work_apart(repository: Repository) -> None:
    for outcome in ("finished", "working", "pending", "rejected"):
        handed(repository, DAY, outcome=outcome)
    handed(repository, DAY, outcome="waiting", blocker="approval")
    handed(repository, DAY, outcome="withdrawn", ended_at=MOMENT)
    found = read(repository)
    expected = {"working": 2, "pending": 1, "rejected": 1, "blocked": 1, "withdrawn": 1}
    assert {word.value: count for word, count in found.outcomes.items()} == expected
    assert (found.to_be_merged, found.outcomes[Reported.COMPLETED]) == (1, 0)


def test_level_of_a_workflow_is_judged_by_itself(repository: Repository) -> None:
    workflow = make_workflow(slug="osint")
    make_level()
    make_level(workflow="osint", threshold=0.4)
    for hours in (10, 100):
        handed(repository, 9 * DAY, hours * HOUR, workflow=workflow)
    found = read(repository)
    assert [(line.workflow, line.judged.word) for line in found.levels] == [("", "missed"), ("osint", "met")]
    assert [line.judged.word for line in read(repository, workflow="osint").levels] == ["met"]


def test_level_with_a_metric_that_is_gone_could_not_be_measured(repository: Repository) -> None:
    make_level(metric="happiness")
    line = read(repository).levels[0]
    assert line.judged.word == "could not be measured"
    assert "no metric 'happiness'" in line.judged.sentence


def test_blockers_and_themes_lead_to_the_newest(repository: Repository) -> None:
    rows = [handed(repository, days * DAY, outcome="waiting", blocker="approval") for days in (1, 2, 3, 4)]
    for row in rows[:2]:
        say(row, "The guidance was clear.", "praise")
        say(row, "Still clear.", "praise")
    found = read(repository)
    assert found.blockers[0].examples == tuple(row.pk for row in rows[:3])
    assert set(found.rows) == {row.pk for row in rows[:3]}
    theme = found.said.themes[0]
    assert (theme.handovers, theme.share, len(theme.examples)) == (2, 1.0, 3)


def test_empty_repository_has_an_empty_report(repository: Repository) -> None:
    found = read(repository)
    assert (found.cases, found.blockers, found.said.themes, found.left_out) == ((), (), (), 0)
    assert all(reading.value is None for reading in found.figures.values())


def test_more_than_a_metric_keeps_says_how_many_are_left_out(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollout.metrics.copilot.MOST_ROWS", 3)
    monkeypatch.setattr("rollout.services.completion.report.MOST_ROWS", 3)
    for hours in range(5):
        handed(repository, (hours + 1) * HOUR)
    found = read(repository)
    assert (len(found.cases), found.left_out) == (3, 2)
    assert min(case.requested_at for case in found.cases) == MOMENT - 3 * HOUR


def test_queries_do_not_grow_with_the_hand_overs(repository: Repository, django_assert_max_num_queries: Any) -> None:
    make_level()
    _some(repository, 2)
    with django_assert_max_num_queries(12) as few:
        read(repository)
    _some(repository, 12)
    with django_assert_max_num_queries(len(few)):
        assert len(read(repository).cases) == 28


def _some(repository: Repository, count: int) -> None:
    for _number in range(count):
        say(handed(repository, 9 * DAY, HOUR, blocker="checks"), "Tests fail.", "tests")
        handed(repository, DAY)


def test_rows_of_the_file_carry_what_the_curve_was_drawn_from(repository: Repository) -> None:
    handed(repository, 9 * DAY, 30 * HOUR, title="=HYPERLINK(1)")
    handed(repository, 2 * HOUR, blocker="quota")
    newest, oldest = reports.case_rows(read(repository))
    assert set(newest) == set(reports.COLUMNS)
    assert (oldest["hours"], oldest["censored"], oldest["outcome"]) == (30.0, False, "completed")
    assert (newest["hours"], newest["censored"], newest["blockers"]) == (2.0, True, ["quota"])
