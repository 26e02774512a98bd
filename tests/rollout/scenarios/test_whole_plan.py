"""The shipped plan from day −1 to day 35, carried out by the real engine in virtual time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.models import Kind, Mode, Run
from pipeline.services import audit
from pipeline.services.operations import cron_of
from rollout.models import Evaluation, Rollout
from tests.rollout.scenarios.course import Course

ASSIGN_BY_DAY = {8: 15, 9: 15, 10: 18, 11: 18, 12: 18, 13: 20, 14: 20}
QUARTER = timedelta(hours=6)  # the first day of each week is lived slot by slot, the others in quarters
PROCESS_BY_DAY = {8: 7, 9: 7, 10: 9, 11: 9, 12: 9, 13: 10, 14: 10}


@pytest.mark.timeout(900)
def test_shipped_plan_is_carried_from_rehearsal_to_its_close(rehearsal: Course) -> None:
    _rehearsal(rehearsal)
    _week_one(rehearsal)
    _week_two(rehearsal)
    _week_three(rehearsal)
    _week_four(rehearsal)
    _review(rehearsal)
    verified = audit.verify()
    assert verified.fault == "", verified.fault


def _rehearsal(course: Course) -> None:
    assert course.day == -2
    assert Mode.LIVE not in course.modes().values(), "nothing is live before the first gate"
    course.quiet_days(1)
    course.pass_gate()
    assert course.opened == {"rehearsal-sign-off": -1}
    assert Mode.LIVE not in course.modes().values(), "week 1 begins on day 1, not with the signature"


def _week_one(course: Course) -> None:
    course.live_days(1)
    course.live_days(2, QUARTER)
    modes = course.modes()
    assert (modes[Kind.ASSIGN], modes[Kind.PROCESS], modes[Kind.DAILY]) == (Mode.LIVE, Mode.LIVE, Mode.DRY_RUN)
    assert course.operation(Kind.ASSIGN).limit == 10
    assert course.operation(Kind.PROCESS).limit == 5
    assert course.issues_in("copilot") + course.issues_in("done") > 0, "issues reach Copilot without anybody"
    course.quiet_days(7 - course.day)
    assert course.day == 7
    course.pass_gate()
    assert course.opened["day-7"] == 7


def _week_two(course: Course) -> None:
    seen: dict[int, tuple[int, int]] = {}
    while course.day < 14:
        course.live_days(1, QUARTER if seen else timedelta())
        if course.day == 8:
            course.tick_manual()  # the reviewers' sample of week 1 is a prerequisite of 2.2
            course.quiet_hour()
        seen[course.day] = (course.operation(Kind.ASSIGN).limit, course.operation(Kind.PROCESS).limit)
    assert {day: limits[0] for day, limits in seen.items()} == ASSIGN_BY_DAY
    assert {day: limits[1] for day, limits in seen.items()} == PROCESS_BY_DAY
    assert course.daily_parts() == {Kind.MONITOR: Mode.LIVE, Kind.ASSIGN: Mode.DRY_RUN, Kind.PROCESS: Mode.DRY_RUN}
    course.pass_gate()


def _week_three(course: Course) -> None:
    course.live_days(1)
    assert course.daily_parts()[Kind.ASSIGN] == Mode.LIVE
    assert course.daily_parts()[Kind.PROCESS] == Mode.DRY_RUN
    course.quiet_days(21 - course.day)
    assert cron_of(course.operation(Kind.VALIDATE)) == "50 * * * *", "step 3.1 makes validation hourly"
    course.pass_gate()


def _week_four(course: Course) -> None:
    course.live_days(1)
    assert set(course.daily_parts().values()) == {Mode.LIVE}
    assert set(course.modes().values()) == {Mode.LIVE}, "the whole pipeline is live in week 4"
    course.quiet_days(28 - course.day)
    course.pass_gate()


def _review(course: Course) -> None:
    course.quiet_days(35 - course.day)
    course.ask_stakeholders()
    course.pass_gate()
    judged = Evaluation.objects.filter(rule="review-survey").order_by("-pk")[0]
    assert (judged.verdict, judged.n) == ("pass", 7), "the survey is measured, not ticked"
    assert course.fresh().state == Rollout.State.FINISHED
    assert course.opened == {
        "rehearsal-sign-off": -1, "day-7": 7, "day-14": 14, "day-21": 21, "day-28": 28, "day-35": 35,
    }  # fmt: skip
    live = Run.objects.filter(mode=Mode.LIVE, purpose=Run.Purpose.SCHEDULED)
    assert live.exists()
