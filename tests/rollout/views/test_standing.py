"""Where a rollout stands, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline import clock
from rollout.models import ExternalSchedule, Rollout
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


def test_schedule_on_github_is_a_double_once_our_own_is_live(rollout: Rollout) -> None:
    operation = rollout.repository.operations.get(name="monitor")
    row = ExternalSchedule(repository=rollout.repository, workflow_id=1, path="watch.yml", operation=operation.name)
    row.found_at = clock.now()
    row.save()

    def told() -> bool:
        return any("runs twice" in alert.text for alert in standing.alerts(rollout, clock.now()))

    before = told()
    type(operation).objects.filter(pk=operation.pk).update(mode="live")
    assert (before, told()) == (False, True)
