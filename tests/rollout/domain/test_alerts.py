"""Who hears of what, and when: over any sequence of sweeps no storm, nothing critical unheard, nothing told twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain import alerts
from rollout.domain.alerts import APART, APART_CRITICAL, COOL_DOWN, MOST_NAMED, Fact, Telling, decide
from tests.values import MOMENT

NOW = MOMENT + timedelta(days=3)
HOUR = timedelta(hours=1)


def fact(number: int = 1, **values: Any) -> Fact:
    defaults: dict[str, Any] = {
        "id": number, "check": "remnant.todo", "name": f"#{number}", "critical": False, "first_seen": NOW - HOUR,
    }  # fmt: skip
    return Fact(**{**defaults, **values})


def told(number: int = 1, ago: timedelta = 2 * HOUR, **values: Any) -> Fact:
    """One that people heard of, there since before."""
    at = NOW - ago
    return fact(number, **{"first_seen": at - HOUR, "told_at": at, "heard_at": at, **values})


def decided(*facts: Fact, last: timedelta | None = None, standing: set[str] | None = None) -> Telling:
    there = {one.check for one in facts if one.is_open and not one.muted} if standing is None else standing
    return decide(facts, there, NOW, None if last is None else NOW - last)


def test_what_nobody_heard_of_is_told() -> None:
    assert decided(fact()).new == (fact(),)


def test_what_people_heard_of_is_not_told_again() -> None:
    assert not decided(told(ago=timedelta(days=40)))


def test_critical_that_lasts_is_told_again_after_the_cool_down() -> None:
    assert not decided(told(ago=COOL_DOWN - HOUR, critical=True))
    lasting = told(ago=COOL_DOWN, critical=True)
    assert decided(lasting) == Telling(again=(lasting,))


def test_acknowledged_critical_is_not_told_again() -> None:
    assert not decided(told(ago=2 * COOL_DOWN, critical=True, acknowledged=True))


def test_muted_is_never_told() -> None:
    assert not decided(fact(muted=True), told(2, ago=2 * COOL_DOWN, critical=True, muted=True))


def test_mute_that_ran_out_is_told_as_new() -> None:
    ended = told(ago=3 * HOUR, mute_ended_at=NOW - HOUR)
    assert decided(ended).new == (ended,)
    assert not decided(replace(ended, told_at=NOW - HOUR / 2, heard_at=NOW - HOUR / 2))


def test_flapping_is_not_told_within_the_cool_down_and_is_after_it() -> None:
    back = fact(heard_at=NOW - COOL_DOWN + HOUR)
    assert not decided(back)
    still = replace(back, heard_at=NOW - COOL_DOWN)
    assert decided(still).new == (still,)


def test_recovery_is_told_once_nothing_of_the_check_is_left() -> None:
    over = told(is_open=False)
    assert decided(over).over == (over,)
    assert not decided(over, told(2))
    assert not decided(replace(over, recovery_told_at=NOW - HOUR))


def test_what_nobody_heard_of_does_not_recover() -> None:
    assert not decided(fact(is_open=False))


def test_next_message_waits_an_hour_and_less_for_something_critical() -> None:
    assert not decided(fact(), last=APART - timedelta(minutes=1))
    assert decided(fact(), last=APART)
    assert decided(fact(critical=True), last=APART_CRITICAL)
    assert not decided(fact(critical=True), last=APART_CRITICAL - timedelta(minutes=1))


def test_message_counts_by_check_and_names_the_first_few() -> None:
    telling = decided(*(fact(number) for number in range(1, 8)), fact(9, check="state.conflict", critical=True))
    titles = {"remnant.todo": "Left to be done", "state.conflict": "Several state labels"}
    assert alerts.subject(telling, "acme/watch") == "8 findings in 2 checks on acme/watch (1 critical)"
    assert alerts.body(telling, titles, "https://here.example/").splitlines() == [
        "New:",
        "- Several state labels: 1 (#9)",
        "- Left to be done: 7 (#1; #2; #3; #4; #5; and 2 more)",
        "https://here.example/",
    ]


def test_above_ten_a_digest_counts_and_names_none() -> None:
    telling = decided(*(fact(number) for number in range(1, MOST_NAMED + 2)))
    assert telling.is_digest
    assert alerts.body(telling, {}, "link").splitlines() == ["New:", "- remnant.todo: 11", "link"]


def test_names_stay_on_one_line() -> None:
    telling = decided(fact(name="Token\n- refused:  999"))
    assert "- remnant.todo: 1 (Token - refused: 999)" in alerts.body(telling, {}, "link")


def test_recovery_alone_and_the_letter_say_what_they_are_about() -> None:
    over = decided(told(is_open=False))
    assert alerts.subject(over, "acme/watch") == "Recovered on acme/watch: 1 check"
    head, text = alerts.letter(decided(fact(critical=True), fact(2)), {}, "acme/watch", "link")
    assert head == "Critical: 1 finding on acme/watch"
    assert "#1" in text
    assert "#2" not in text


# --- any sequence of sweeps ---


@dataclass
class Story:
    """Faults that come and go, told of as the service does it: one row for each time that a fault is there."""

    rows: dict[int, Fact] = field(default_factory=dict)
    open_rows: dict[int, int] = field(default_factory=dict)  # fault → its row
    messages: list[tuple[datetime, Telling]] = field(default_factory=list)

    def sweep(self, now: datetime, there: set[int], critical: set[int]) -> None:
        for fault in set(self.open_rows) - there:
            row = self.open_rows.pop(fault)
            self.rows[row] = replace(self.rows[row], is_open=False)
        for fault in sorted(there - set(self.open_rows)):
            row = len(self.rows)
            known = [one.heard_at for one in self.rows.values() if one.name == str(fault) and one.heard_at]
            check = f"check {fault % 2}"
            self.rows[row] = Fact(row, check, str(fault), fault in critical, now, heard_at=max(known, default=None))
            self.open_rows[fault] = row

    def poll(self, now: datetime) -> None:
        standing = {one.check for one in self.rows.values() if one.is_open}
        last = self.messages[-1][0] if self.messages else None
        telling = decide(self.rows.values(), standing, now, last)
        if not telling:
            return
        self.messages.append((now, telling))
        for one in telling.told:
            self.rows[one.id] = replace(self.rows[one.id], told_at=now, heard_at=now)
        for one in telling.over:
            self.rows[one.id] = replace(self.rows[one.id], recovery_told_at=now)


FAULTS = st.sets(st.integers(0, 5), max_size=6)
SWEEPS = st.lists(st.tuples(FAULTS, st.sampled_from([10, 30, 60, 60, 300, 1500])), min_size=1, max_size=30)
CRITICAL = {0, 1, 2}


def lived(sweeps: list[tuple[set[int], int]]) -> tuple[Story, list[datetime]]:
    """Each sweep, and every ten minutes after it a look at what had to wait."""
    story, now, moments = Story(), MOMENT, []
    for there, minutes in sweeps:
        story.sweep(now, there, CRITICAL)
        for step in range(0, minutes, 10):
            story.poll(now + timedelta(minutes=step))
        moments.append(now)
        now += timedelta(minutes=minutes)
    return story, moments


@settings(max_examples=60, deadline=None)
@given(SWEEPS)
def test_messages_are_apart_so_that_a_day_has_a_bounded_number(sweeps: list[tuple[set[int], int]]) -> None:
    story, _ = lived(sweeps)
    moments = [at for at, _ in story.messages]
    assert all(later - earlier >= APART_CRITICAL for earlier, later in pairwise(moments))
    calm = [at for at, telling in story.messages if not any(one.critical for one in telling.new)]
    assert all(later - earlier >= APART for earlier, later in pairwise(calm))


@settings(max_examples=60, deadline=None)
@given(SWEEPS)
def test_no_fault_is_told_twice_within_the_cool_down(sweeps: list[tuple[set[int], int]]) -> None:
    story, _ = lived(sweeps)
    heard: dict[str, datetime] = {}
    for at, telling in story.messages:
        for one in telling.told:
            assert one.name not in heard or at - heard[one.name] >= COOL_DOWN
            heard[one.name] = at


@settings(max_examples=60, deadline=None)
@given(SWEEPS)
def test_whatever_is_critical_and_stays_is_heard_of(sweeps: list[tuple[set[int], int]]) -> None:
    story, moments = lived(sweeps)
    end = moments[-1] + timedelta(minutes=sweeps[-1][1])
    for one in story.rows.values():
        if one.critical and one.is_open and end - one.first_seen > APART_CRITICAL:
            assert one.heard_at is not None
            assert end - one.heard_at <= COOL_DOWN + APART


@settings(max_examples=60, deadline=None)
@given(SWEEPS)
def test_each_recovery_follows_a_telling_and_comes_once(sweeps: list[tuple[set[int], int]]) -> None:
    story, _ = lived(sweeps)
    over = [(one.id, one.told_at) for _, telling in story.messages for one in telling.over]
    assert len(over) == len(set(over))
    assert all(at is not None for _, at in over)
