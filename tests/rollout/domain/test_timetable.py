"""The timetable as crons, how many runs spans hold, and clashes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import timetable
from rollout.domain.plan import TimetableEntry
from tests.rollout.domain.plan_samples import CRON, shipped

MINUTES = st.integers(1, 14 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
DAILY = {"daily": ("daily", "assign"), "assign": ("assign",)}


def entries(*times: str) -> list[TimetableEntry]:
    return [TimetableEntry(time, "assign") for time in times]


def test_the_shipped_timetable_becomes_one_cron_per_operation() -> None:
    assert timetable.crons(shipped().timetable) == {
        "monitor": "0 0 * * *",
        "assign": "0 2,6,10,14,18,22 * * *",
        "process": "0 4,8,12,16,20 * * *",
        "daily": "30 6 * * *",
    }


def test_the_steps_of_the_shipped_plan_set_what_its_timetable_says() -> None:
    step = next(step for phase in shipped().phases for step in phase.steps if step.number == "2.3")

    assert {setting.operation: setting.cron for setting in step.settings} == timetable.crons(shipped().timetable)


def test_times_with_two_minutes_in_every_hour_are_one_cron() -> None:
    assert timetable.crons(entries("02:00", "02:30", "06:00", "06:30")) == {"assign": "0,30 2,6 * * *"}


def test_times_that_one_cron_cannot_say_are_refused() -> None:
    with pytest.raises(timetable.NotOneCron, match=r"The times of assign \(02:00, 06:30\) do not fit into one cron"):
        timetable.crons(entries("02:00", "06:30"))


@given(st.sets(st.integers(0, 23), min_size=1), st.integers(0, 59))
def test_a_timetable_fires_at_its_times_and_no_others(hours: set[int], minute: int) -> None:
    wanted = {f"{hour:02}:{minute:02}" for hour in hours}
    cron = timetable.crons(entries(*sorted(wanted)))["assign"]

    assert {f"{fire:%H:%M}" for fire in timetable.fires_in_a_week(cron)} == wanted


@pytest.mark.parametrize(
    ("cron", "hours", "fewest", "most"),
    [
        ("0 */2 * * *", 48, 24, 24),
        ("5 */4 * * *", 48, 12, 12),
        ("5 */4 * * *", 6, 1, 2),
        ("0 4,8,12,16,20 * * *", 6, 0, 2),
        ("30 6 * * *", 23, 0, 1),
        ("30 6 * * *", 336, 14, 14),
        ("0 8 * * 1", 24, 0, 1),
    ],
)
def test_a_span_holds_so_many_runs(cron: str, hours: int, fewest: int, most: int) -> None:
    span = timedelta(hours=hours)

    assert (timetable.fewest_in(cron, span), timetable.most_in(cron, span)) == (fewest, most)


@given(CRON.filter(lambda cron: cron != "0 8 1 * *"), MINUTES, st.integers(0, 7 * 24 * 60))
def test_no_span_holds_fewer_or_more_than_said(cron: str, span: timedelta, offset: int) -> None:
    week = timedelta(days=7)
    base = timetable.fires_in_a_week(cron)
    many = [fire + week * turn for turn in range(4) for fire in base]
    start = base[0] - timedelta(minutes=base[0].minute) + timedelta(minutes=offset)

    held = sum(start <= fire < start + span for fire in many)

    assert timetable.fewest_in(cron, span) <= held <= timetable.most_in(cron, span)


def test_the_runs_known_when_one_was_just_made_are_counted_for_each() -> None:
    assert timetable.counts_at_fires("0 4,8,12,16,20 * * *", timedelta(hours=6)) == (1, 2, 2, 2, 2) * 7


def test_the_gap_to_the_next_stage_is_the_shortest() -> None:
    assert timetable.gap_after("0 */2 * * *", "5 */4 * * *") == timedelta(minutes=5)
    assert timetable.gap_after("0 22 * * *", "0 4 * * *") == timedelta(hours=6)


def test_operations_that_share_no_group_never_clash() -> None:
    schedule = {"assign": "0 6 * * *", "process": "0 6 * * *"}

    assert timetable.clashes(schedule, {"assign": ("assign",), "process": ("process",)}) == ()


@pytest.mark.parametrize(("minute", "clashing"), [(0, True), (9, True), (10, False), (59, False)])
def test_starts_within_ten_minutes_clash(minute: int, clashing: bool) -> None:
    schedule = {"assign": "0 6 * * *", "daily": f"{minute} 6 * * *"}

    assert bool(timetable.clashes(schedule, DAILY)) == clashing


def test_a_clash_over_midnight_and_the_end_of_the_week_is_seen() -> None:
    (clash,) = timetable.clashes({"assign": "58 23 * * 0", "daily": "1 0 * * 1"}, DAILY)

    assert (clash.first, clash.second, clash.minutes) == ("assign", "daily", 3)


def test_a_start_during_the_others_run_clashes_with_the_overlap_named() -> None:
    schedule = {"assign": "0 6 * * *", "daily": "30 6 * * *"}

    (clash,) = timetable.clashes(schedule, DAILY, lasts={"assign": timedelta(minutes=40)})

    assert clash.overlap == 10
    assert clash.sentence == (
        "daily at 06:30 follows assign at 06:00 by 30 min, and assign is expected to run 10 min longer; both are in "
        "the group 'assign', so the later one would be skipped."
    )


def test_the_shipped_crons_do_not_clash_before_or_after_the_timetable() -> None:
    groups = {"daily": ("daily", "monitor", "assign", "process")}
    before = {"assign": "0 */2 * * *", "process": "5 */4 * * *", "daily": "30 6 * * *"}
    after = timetable.crons(shipped().timetable)
    lasts = {"assign": timedelta(minutes=10), "process": timedelta(minutes=20), "daily": timedelta(minutes=30)}

    for schedule in (before, after):
        shared = {name: groups.get(name, (name,)) for name in schedule}
        assert timetable.clashes(schedule, shared, lasts=lasts) == ()


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), CRON, min_size=1))
def test_each_pair_clashes_at_most_once(schedule: dict[str, str]) -> None:
    found = timetable.clashes(schedule, dict.fromkeys(schedule, ("group",)))
    pairs = [frozenset((clash.first, clash.second)) for clash in found]

    assert len(pairs) == len(set(pairs))
    assert all(len(pair) == 2 for pair in pairs)


@given(CRON)
def test_fires_ascend_within_one_week(cron: str) -> None:
    fires = timetable.fires_in_a_week(cron)

    assert all(before < after for before, after in pairwise(fires))
