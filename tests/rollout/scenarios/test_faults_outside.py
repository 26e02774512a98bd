"""GitHub is down, a daily run takes too long, Copilot stalls: the right trigger, the right scope, and how soon."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.models import Handover, Kind, Mode, Run
from pipeline.sources.port import Fetched
from rollout.models import Firing, Rollback
from tests.rollout.scenarios.course import Course
from tests.rollout.scenarios.test_faults import STOPPED_WITHIN, hours, in_week_one, rolled_back_by
from tests.scenarios.world import ALWAYS_FINISHES, Feed


def assign_a_few(course: Course, slots: int) -> None:
    """Assignment has something to do in so many slots of its own."""
    for _ in range(slots):
        course.world.feed.publish(2)
        course.world.run(Kind.MONITOR, limit=10)
        hours(course, 2)


def soon_after(breach: Run, rollback: Rollback) -> bool:
    """Whether the schedules were verified off soon after the run that showed the fault had ended."""
    assert breach.finished_at is not None
    assert rollback.schedules_off_at is not None
    return rollback.schedules_off_at - breach.finished_at <= STOPPED_WITHIN


@pytest.mark.timeout(600)
def test_github_that_is_down_rolls_everything_back(rehearsal: Course) -> None:
    """The first run that crashes makes more than half of six hours fail in processing, which is the plan's own line."""
    in_week_one(rehearsal)
    assign_a_few(rehearsal, 4)
    rehearsal.world.fault("F503", count=None)
    hours(rehearsal, 7)

    crashed = Run.objects.filter(state=Run.State.FAILED, mode=Mode.LIVE).earliest("finished_at")
    assert crashed.kind == Kind.PROCESS
    assert soon_after(crashed, rolled_back_by(rehearsal, "half-failing"))


@pytest.mark.timeout(600)
def test_daily_run_over_thirty_minutes_rolls_its_step_back(rehearsal: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """A content site that takes half an hour to answer."""
    in_week_one(rehearsal)
    rehearsal.quiet_days(6)
    rehearsal.pass_gate()
    rehearsal.quiet_days(1)
    assert rehearsal.modes()[Kind.DAILY] == Mode.LIVE
    quick = Feed.fetch

    def slow(feed: Feed, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        rehearsal.world.advance(timedelta(minutes=31))
        return quick(feed, url)

    rehearsal.world.feed.publish(3)
    rehearsal.live_until(rehearsal.world.clock.now().replace(hour=6, minute=29))
    monkeypatch.setattr(Feed, "fetch", slow)
    hours(rehearsal, 2)

    rollback = Rollback.objects.get()
    assert (rollback.trigger, rollback.step[:3]) == ("daily-overrun", "1.3")
    assert soon_after(Run.objects.filter(kind=Kind.DAILY).latest("finished_at"), rollback)
    assert rehearsal.modes()[Kind.DAILY] == Mode.OFF
    assert rehearsal.modes()[Kind.ASSIGN] == Mode.LIVE, "other steps go on"


@pytest.mark.timeout(600)
def test_copilot_that_stalls_asks_a_person_after_three_bad_days(rehearsal: Course) -> None:
    """Completion below 50 % is a manual trigger of the plan: the evidence is laid out, and nothing is undone."""
    stalls = {"shares": {**ALWAYS_FINISHES, "finish": 0, "wait": 1}, "approve": [10**8, 10**8]}
    rehearsal.world.sandbox.configure({"copilot": stalls})
    in_week_one(rehearsal)
    for _ in range(3):
        rehearsal.world.feed.publish(2)
        for kind in (Kind.MONITOR, Kind.ASSIGN, Kind.PROCESS):
            rehearsal.world.run(kind)
        rehearsal.quiet_days(1)
    rehearsal.quiet_days(3)

    assert not Handover.objects.filter(outcome=Handover.Outcome.COMPLETED).exists()
    asked = Firing.objects.get(trigger="completion-low")
    assert (asked.action, asked.outcome) == ("decide", Firing.Outcome.WAITING)
    assert not Rollback.objects.exists()
    assert rehearsal.modes()[Kind.PROCESS] == Mode.LIVE
