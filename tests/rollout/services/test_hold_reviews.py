"""A hold that somebody means to look at again: people are told then, once, and nothing starts by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.services.operations import NotPossible
from rollout.models import Announcement, Hold, Rollout
from rollout.services import stop
from tests.rollout import world

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def rollout(virtual_clock: VirtualClock) -> Rollout:
    return world.in_week_1()


def told() -> list[str]:
    return list(Announcement.objects.filter(key__contains=":review:").values_list("subject", flat=True))


def test_nobody_is_told_before_its_time(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    stop.hold(rollout, operation="assign", by="anna", reason="Odd.", review_at=virtual_clock.now() + 2 * HOUR)
    virtual_clock.advance(HOUR)
    assert (stop.remind_due(virtual_clock.now()), told()) == (0, [])


def test_at_its_time_people_are_told_once_and_it_stays_held(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    placed = stop.hold(rollout, operation="assign", by="anna", reason="Odd.", review_at=virtual_clock.now() + HOUR)
    virtual_clock.advance(HOUR)
    assert [stop.remind_due(virtual_clock.now()) for _again in range(2)] == [1, 0]
    assert set(told()) == {f"{rollout.repository}: look at the hold of assign again"}
    assert Hold.objects.get(pk=placed.pk).released_at is None
    assert "assign" not in world.live(rollout)


def test_a_time_that_has_passed_is_refused_and_nothing_is_held(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    with pytest.raises(NotPossible, match="has passed"):
        stop.hold(rollout, by="anna", reason="Odd.", review_at=virtual_clock.now() - HOUR)
    assert not Hold.objects.exists()


def test_a_later_time_is_told_as_well(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    for _time in range(2):
        stop.hold(rollout, operation="assign", by="anna", reason="Odd.", review_at=virtual_clock.now() + HOUR)
        virtual_clock.advance(HOUR)
        assert [stop.remind_due(virtual_clock.now()) for _again in range(2)] == [1, 0]
