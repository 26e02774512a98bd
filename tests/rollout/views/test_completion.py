"""The completion report in words and as a drawing: inside its frame, as the numbers, nothing where nothing is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.models import Repository
from rollout.domain.completion import Bin, Share
from rollout.domain.statistics import Interval
from rollout.domain.survival import Observation, kaplan_meier
from rollout.services.completion.report import Report, report
from rollout.views import completion as words
from tests.factories import MOMENT, make_repository, make_workflow
from tests.rollout.services.completion.rows import DAY, HOUR, handed


def corners(points: str) -> list[tuple[float, float]]:
    pairs = [point.split(",") for point in points.split()]
    return [(float(x), float(y)) for x, y in pairs]


@pytest.fixture
def repository(db: None) -> Repository:
    return make_repository()


def shown(repository: Repository) -> Report:
    return report(repository, MOMENT)


def test_nothing_watched_has_no_drawing(repository: Repository) -> None:
    assert words.chart(shown(repository)) is None
    handed(repository, timedelta(0))
    assert words.chart(shown(repository)) is None


def test_drawing_rises_to_the_share_completed(repository: Repository) -> None:
    for hours in (12, 24, None, None):
        handed(repository, 9 * DAY, hours * HOUR if hours else None)
    chart = words.chart(shown(repository))
    assert chart is not None
    half = (chart.top + chart.bottom) / 2
    assert corners(chart.curve)[0] == (chart.left, chart.bottom)
    assert corners(chart.curve)[-1] == (chart.right, half)
    assert (chart.plain[-1][1], [word for _x, word in chart.marks]) == (half, ["48 h", "7 d"])
    assert "by 48 h 50 %" in chart.description


@settings(max_examples=40)
@given(st.lists(st.builds(Observation, st.integers(1, 40 * 86400).map(float), st.booleans()), min_size=1, max_size=15))
def test_curve_and_band_stay_inside_the_frame(observations: list[Observation]) -> None:
    curve = kaplan_meier(observations)
    end = words.LONGEST.total_seconds()
    stairs, band = corners(words._stairs(curve, end)), corners(words._band(curve, end))
    for x, y in (*stairs, *band):
        assert words.LEFT <= x <= words.WIDTH - words.RIGHT
        assert words.TOP <= y <= words.HEIGHT - words.BOTTOM
    assert [x for x, _y in stairs] == sorted(x for x, _y in stairs)
    assert [y for _x, y in stairs] == sorted((y for _x, y in stairs), reverse=True)


def test_late_completions_beyond_the_drawing_are_in_the_numbers(repository: Repository) -> None:
    handed(repository, 48 * DAY, 40 * DAY)
    found = shown(repository)
    assert words.chart(found) is not None
    assert words.bins(found)[-1] == ("later than 14 d", 1, 100)


@pytest.mark.parametrize(
    ("query", "workflow", "weeks"),
    [
        ("", "", 8),
        ("workflow=osint&weeks=4", "osint", 4),
        ("workflow=no-such&weeks=99999", "", 8),
        ("weeks=0", "", 1),
        ("weeks=999", "", 52),
        ("weeks=-1", "", 8),
        ("weeks=²", "", 8),
    ],
)
def test_address_is_put_right(db: None, query: str, workflow: str, weeks: int) -> None:
    make_workflow(slug="osint")
    found = words.asked(QueryDict(query))
    assert (found.workflow, found.weeks) == (workflow, weeks)
    assert words.asked(QueryDict(found.query)) == found
    assert weeks in words.choices(found)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Share(0, 0), "–"),
        (Share(0, 0, 3), "3 pending"),
        (Share(3, 4), "75 % of 4"),
        (Share(0, 4, 1), "0 % of 4, 1 pending"),
    ],
)
def test_share_says_of_how_many_and_how_many_are_too_young(share: Share, text: str) -> None:
    assert words.share(share) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (words.age(2 * DAY), "48 h"),
        (words.age(7 * DAY), "7 d"),
        (words.bin_name(Bin(timedelta(0), 6 * HOUR, 1)), "within 6 h"),
        (words.bin_name(Bin(2 * DAY, 3 * DAY, 1)), "48 h to 72 h"),
        (words.interval(Interval(0.4091, 0.9285)), "41–93 %"),
        (words.interval(None), "–"),
        (words.took(None), "–"),
        (words.took(30 * 3600), "1 d 6 h"),
    ],
)
def test_spans_and_intervals_are_in_words(found: str, text: str) -> None:
    assert found == text


def test_figure_that_the_curve_does_not_reach_says_so(repository: Repository) -> None:
    handed(repository, 9 * DAY, 5 * HOUR)
    for _number in range(3):
        handed(repository, 9 * DAY)
    lines: dict[str, Any] = {line.title: line for line in words.figures(shown(repository))}
    median = lines["Time to completion, median"]
    assert (median.value, median.n, median.note) == ("–", 4, "the curve does not reach it yet")
    assert lines["Copilot completion within 48 hours"].value == "25 %"
