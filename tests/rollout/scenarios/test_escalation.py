"""Twenty days of three overdue issues, against the sandbox over HTTP: every escalation once and at its time.

Pauses, a snooze, restarts, kills between a row and what it stands for, and a clock that jumps: for a moment, for a day,
backwards. Looks are taken every few hours where nothing happens, and every hour around each event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.models import Issue, Kind, Mode, Operation
from pipeline.services import connect, effects, operations, runs
from rollout.models import Announcement, ClockPause, CompletionCase, EscalationEvent, ManualReview
from rollout.services.escalation import escalate, notices, rules, snooze
from tests.scenarios.world import Killed, World, world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEVER_MERGED = {"approve": [10**8, 10**8], "review": [10**8, 10**8]}


@dataclass
class OurClock:
    """What our machine shows: the time of the world, and how far it is off."""

    outside: clock.VirtualClock
    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.outside.now() + self.off

    def sleep(self, seconds: float) -> None:
        self.outside.sleep(seconds)


@dataclass
class Course:
    world: World
    ours: OurClock
    due: datetime = field(init=False)

    def hand_over(self, count: int) -> None:
        """All are handed over in one run, and never merged by anybody."""
        self.world.sandbox.configure({"copilot": NEVER_MERGED})
        self.world.feed.publish(count)
        self.world.carry_on(self.world.all_in("copilot", count))
        for operation in Operation.objects.all():  # track is run by hand where something is to be seen
            live = operation.kind == Kind.TRACK
            operations.set_cron(operation, "0 0 1 1 *", actor="test", reason="By hand.")
            operations.set_mode(operation, Mode.LIVE if live else Mode.OFF, actor="test", reason="By hand.")
        self.due = max(row.due_at for row in Issue.objects.all() if row.due_at)
        Issue.objects.update(due_at=self.due)  # seconds apart; now to the second the same

    # --- time ---

    def look(self) -> None:
        """What beat rings, and what workers make of it."""
        try:
            self.world.tick()
            self.world.drain()
            escalate.look()
            self.world.drain()
        except Killed:
            self.world.deaths += 1

    def to(self, moment: datetime) -> None:
        """Rarely at first, every hour at the end, and a look at the very moment."""
        while self.world.clock.now() < moment - 2 * HOUR:
            self._at(min(moment - 2 * HOUR, self.world.clock.now() + 12 * HOUR))
        self._at(moment - HOUR)
        self._at(moment)

    def day(self, days: float) -> None:
        self.to(self.due + timedelta(days=days))

    def wait(self, *hours: float) -> None:
        for each in hours:
            self._at(self.world.clock.now() + each * HOUR)

    def _at(self, moment: datetime) -> None:
        if moment > self.world.clock.now():
            self.world.clock.set(moment)
            self.world.sandbox.advance(moment)
        self.look()

    def restart(self) -> None:
        """Every process ends, with its memory and the messages that were under way."""
        self.world.queue.clear()
        connect._heads.clear()

    # --- what a test looks at ---

    def fired(self) -> dict[tuple[int, str], float]:
        """(number, action) → days after the due time at which it began."""
        rows = EscalationEvent.objects.values_list("case__issue__number", "action", "at")
        return {(number, action): (at - self.due) / DAY for number, action, at in rows}

    def numbers(self) -> list[int]:
        return list(Issue.objects.order_by("number").values_list("number", flat=True))

    def reminders(self, number: int) -> int:
        said = self.world.remote(number).comments
        return sum("### Overdue" in comment.body for comment in said)


@pytest.fixture
def course(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    with world(monkeypatch) as made:
        ours = OurClock(made.clock)
        with clock.using(ours):
            rules.ship()
            yield Course(made, ours)


def kill_once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, *, after: bool = False) -> None:
    """The next call of `name` is the last thing that its process does."""
    real = getattr(place, name)

    def dying(*arguments: Any, **values: Any) -> Any:
        monkeypatch.setattr(place, name, real)
        if after:
            real(*arguments, **values)
        raise Killed

    monkeypatch.setattr(place, name, dying)


@pytest.mark.timeout(600)
def test_every_escalation_comes_once_and_at_its_time(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    course.hand_over(3)
    plain, snoozed, closed = course.numbers()
    course.day(1)
    case = CompletionCase.objects.get(issue__number=snoozed)
    snooze.snooze(case, 2 * DAY, by="lena", reason="The author is on leave.")
    _clock_jumps_for_a_moment(course)
    _reminders_among_kills(course, monkeypatch, plain, closed)
    _one_is_closed_and_one_was_snoozed(course, monkeypatch, snoozed, closed)
    _notices_among_kills_and_a_pause(course, monkeypatch)
    _clock_is_wrong_for_a_day(course)
    course.world.clock.set(course.due + 14.9 * DAY)  # an outage
    course.restart()
    course.look()
    for day in (16, 18, 20):
        course.day(day)

    assert course.fired() == {
        (plain, "remind"): 3.0,
        (closed, "remind"): 3.0,
        (snoozed, "remind"): 5.0,
        (plain, "notify"): 7.0,
        (snoozed, "notify"): 11.0,  # day 9 on its clock, which stood still from 8 to 10
        (plain, "review"): 16.0,
        (snoozed, "review"): 18.0,
    }
    assert set(EscalationEvent.objects.values_list("state", flat=True)) == {"done"}
    assert [course.reminders(number) for number in course.numbers()] == [1, 1, 1]
    assert ManualReview.objects.filter(state="open").count() == 2
    told = Announcement.objects.filter(key__startswith="escalation:").values_list("key", flat=True)
    assert len({key.rpartition(":")[0] for key in told}) == 2
    assert course.world.deaths == 4
    assert CompletionCase.objects.get(issue__number=closed).state == "done"
    course.world.settle()
    course.world.verify()


def _clock_jumps_for_a_moment(course: Course) -> None:
    """Over every day of the plan, and back."""
    course.day(2)
    course.ours.off = 20 * DAY
    course.wait(0.1, 0.1)
    course.ours.off = timedelta(0)
    course.wait(0.1)
    assert course.fired() == {}


def _reminders_among_kills(course: Course, monkeypatch: pytest.MonkeyPatch, plain: int, closed: int) -> None:
    kill_once(monkeypatch, escalate, "_carry_out")  # after the rows, before anything is done
    course.day(3)
    assert course.fired() == {(plain, "remind"): 3.0, (closed, "remind"): 3.0}
    assert course.reminders(plain) == 0
    course.restart()
    kill_once(monkeypatch, effects, "settle")  # after the comment was made, before it is recorded
    course.wait(0.5)
    course.restart()
    course.wait(0.5, 0.5)
    assert (course.reminders(plain), course.reminders(closed)) == (1, 1)


def _one_is_closed_and_one_was_snoozed(
    course: Course, monkeypatch: pytest.MonkeyPatch, snoozed: int, closed: int
) -> None:
    course.day(4)
    course.world.human("close", closed)
    course.world.run(Kind.TRACK)
    kill_once(monkeypatch, runs, "open_by_request", after=True)  # in the transaction: nothing of it stays
    course.day(5)
    assert course.reminders(snoozed) == 0
    course.wait(0.5)
    assert course.reminders(snoozed) == 1


def _notices_among_kills_and_a_pause(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_once(monkeypatch, notices, "send")
    course.day(7)
    course.restart()
    course.wait(0.5, 0.5)
    course.day(8)
    operations.set_mode(course.world.operation(Kind.TRACK), Mode.OFF, actor="olga", reason="The agent misbehaves.")
    course.look()
    course.day(10)
    operations.set_mode(course.world.operation(Kind.TRACK), Mode.LIVE, actor="olga", reason="It behaves.")
    course.look()
    assert ClockPause.objects.filter(kind="held", ended_at=course.due + 10 * DAY).count() == 2
    course.day(11)


def _clock_is_wrong_for_a_day(course: Course) -> None:
    """Ahead, with looks that come regularly all the same; then behind for some hours."""
    course.day(12)
    course.ours.off = 9 * DAY
    course.wait(1, 1, 1, 1)
    course.day(13)
    assert max(course.fired().values()) == 11.0
    course.ours.off = -5 * HOUR
    course.wait(1, 1, 1)
    course.ours.off = timedelta(0)
    course.wait(0.5)
    course.day(14)
    assert max(course.fired().values()) == 11.0
