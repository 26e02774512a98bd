"""Where a rollout stands, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline import clock
from rollout.models import Rollout
from rollout.views import standing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("days", "words"),
    [(-3, "its day was 3 days ago"), (-1, "its day was yesterday"), (0, "today"), (1, "tomorrow"), (5, "in 5 days")],
)
def test_day_of_the_next_gate_is_told_as_a_distance(rollout: Rollout, days: int, words: str) -> None:
    now = clock.now()
    found = replace(standing.of(rollout, now), next_gate_on=(now + timedelta(days=days)).date())
    assert found.next_gate_when == words


def test_gate_without_a_day_has_no_distance(rollout: Rollout) -> None:
    assert replace(standing.of(rollout, clock.now()), next_gate_on=None).next_gate_when == ""
