"""One fault each in week 1: the right trigger, the right scope, and how long until the schedules are verified off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pipeline.models import ApiCall, Finding, Kind, Mode, Run
from rollout.models import Firing, Hold, Incident, Rollback, Rollout
from rollout.services import security
from tests.rollout.scenarios.course import Course

STOPPED_WITHIN = timedelta(minutes=30)  # from the evidence to schedules verified off; most are off in the same minute


def in_week_one(course: Course) -> None:
    """Day 1: assignment and processing are live, and a first slot has been run."""
    course.quiet_days(1)
    course.pass_gate()
    course.quiet_days(1)
    course.live_until(course.world.clock.now() + timedelta(minutes=1))
    assert course.modes()[Kind.ASSIGN] == Mode.LIVE


def hours(course: Course, count: int) -> None:
    course.live_until(course.world.clock.now() + timedelta(hours=count))


def rolled_back_by(course: Course, trigger: str, breach: datetime | None = None) -> Rollback:
    """The one rollback, by that trigger, of everything, with its schedules off and an incident open.

    `breach`: when the first evidence was there.
    """
    rollback = Rollback.objects.get()
    assert rollback.trigger == trigger
    assert rollback.step == ""
    assert rollback.schedules_off_at is not None
    assert rollback.schedules_off_at - (breach or rollback.started_at) <= STOPPED_WITHIN
    assert course.fresh().state == Rollout.State.ROLLED_BACK
    assert Mode.LIVE not in course.modes().values()
    assert Incident.objects.filter(rollout=course.rollout).exists()
    return rollback


@pytest.mark.timeout(600)
def test_security_alert_rolls_everything_back(rehearsal: Course) -> None:
    in_week_one(rehearsal)
    alert = security.report(rehearsal.world.repository, by="devops-person", summary="A token was found in a log.")
    hours(rehearsal, 3)
    rolled_back_by(rehearsal, "security-alert", alert.at)


@pytest.mark.timeout(600)
def test_conflicting_states_roll_everything_back_and_name_the_issues(rehearsal: Course) -> None:
    rehearsal.world.feed.publish(2)
    rehearsal.world.run(Kind.MONITOR, limit=10)
    in_week_one(rehearsal)
    number = rehearsal.world.human("open", title="Two states", body="x", labels=["site-monitor", "state::discovery"])
    rehearsal.world.human("relabel", number, labels=["site-monitor", "state::discovery", "state::copilot"])
    hours(rehearsal, 4)
    rolled_back_by(
        rehearsal, "conflicting-states", Finding.objects.filter(check_id="state.conflict").earliest("pk").first_seen
    )
    fired = Firing.objects.filter(trigger="conflicting-states").latest("pk")
    assert f"#{number}" in fired.sentence


@pytest.mark.timeout(600)
def test_exhausted_quota_rolls_everything_back(rehearsal: Course) -> None:
    in_week_one(rehearsal)
    rehearsal.world.fault("F403P", count=None, params={"reset": 86_400})
    hours(rehearsal, 6)
    rolled_back_by(rehearsal, "quota-exhausted", ApiCall.objects.filter(limited="primary").earliest("at").at)


@pytest.mark.timeout(600)
def test_six_of_ten_items_failing_holds_the_operation_after_its_first_run(rehearsal: Course) -> None:
    """One run in six hours is 0 or 100 %: it holds, labelled n = 1, and only a second one rolls back."""
    rehearsal.world.feed.publish(12)  # more than one run takes on
    rehearsal.world.run(Kind.MONITOR, limit=50)
    in_week_one(rehearsal)
    rehearsal.world.fault("F403K", graphql="updateIssue", count=None, share=0.6)
    hours(rehearsal, 4)
    held = Hold.objects.get(operation="assign", released_at__isnull=True)
    assert (held.by, "n = 1" in held.reason) == ("rule:half-failing", True)
    breach = Run.objects.filter(kind=Kind.ASSIGN, mode=Mode.LIVE, items__state="failed").earliest("finished_at")
    assert breach.finished_at is not None
    assert held.at - breach.finished_at <= STOPPED_WITHIN
    assert rehearsal.modes()[Kind.ASSIGN] == Mode.DRY_RUN
    assert not Rollback.objects.exists()


@pytest.mark.timeout(600)
def test_healthy_week_fires_nothing_that_stops(rehearsal: Course) -> None:
    in_week_one(rehearsal)
    rehearsal.live_days(1, timedelta(hours=3))
    assert not Rollback.objects.exists()
    assert not Firing.objects.exclude(action="warn").exists()
