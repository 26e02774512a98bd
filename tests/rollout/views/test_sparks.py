"""Eight weeks as a small drawing: heights by score, gaps where nothing was scored, all of it in words."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rollout.views.sparks import HEIGHT, WIDTH, draw

MONDAY = date(2026, 11, 2)
SHARES = st.lists(st.one_of(st.none(), st.floats(0.5, 1)), min_size=1, max_size=12)


def weeks(*shares: float | None) -> list[tuple[date, float | None]]:
    return [(MONDAY + timedelta(weeks=place), share) for place, share in enumerate(shares)]


def test_line_breaks_where_nothing_was_scored() -> None:
    found = draw("Inputs", weeks(0.5, 1.0, None, 0.75, None, 1.0), 0.9, 0.5)
    assert len(found.lines) == 1
    assert len(found.dots) == 4
    assert found.lines[0] == "5.0,39.0 35.0,5.0"


def test_drawing_is_told_in_words() -> None:
    found = draw("Inputs", weeks(0.5, None), 0.95, 0.5)
    assert found.label == "Inputs by week: 2026-11-02 50 %, 2026-11-09 nothing. Target: above 95 %."


def test_target_below_the_drawing_or_without_one_has_no_line() -> None:
    assert draw("Inputs", weeks(0.9), 0.4, 0.5).target is None
    assert draw("Inputs", weeks(0.9), None, 0.5).target is None
    assert draw("Inputs", weeks(0.9), None, 0.5).label == "Inputs by week: 2026-11-02 90 %."


@given(SHARES)
def test_every_dot_is_within_the_drawing_and_better_is_higher(shares: list[float | None]) -> None:
    found = draw("Inputs", weeks(*shares), 0.9, 0.5)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in found.dots)
    drawn = zip((share for share in shares if share is not None), (y for _, y in found.dots), strict=True)
    for (share, y), (other, below) in pairwise(drawn):
        assert y <= below if share >= other else y >= below
