"""A reminder is one comment, however often its run is killed, refused or asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Effect, Issue, Repository, Run
from pipeline.services import execution, runs
from rollout.models import EscalationEvent
from rollout.services.escalation import escalate, reminders
from tests.fake_github import FakeGitHub, refused
from tests.rollout.services.escalation.late import (
    DAY,
    DUE,
    HOUR,
    events,
    handed_over,
    look_until,
    settle_at,
    track,
    work,
)

Github = FakeGitHub


def comments(github: Github, issue: Issue) -> int:
    return len(github.said.get(issue.number, []))


def test_reminder_is_only_shown_in_dry_run_and_made_once_track_is_live(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    track(repository, mode="dry_run", live_until=None)
    look_until(time, DUE + 3 * DAY)
    work(time)
    look_until(time, DUE + 4 * DAY)
    shown = Run.objects.get()
    assert (shown.mode, shown.items.get().state, events(issue)["remind"]) == ("dry_run", "planned", "due")
    track(repository, mode="live", live_until=DUE + 99 * DAY)
    look_until(time, DUE + 5 * DAY)
    work(time)
    assert events(issue)["remind"] == "done"
    assert comments(github, issue) == 1
    assert Run.objects.filter(mode="live").count() == 1


def test_plan_of_a_dry_run_that_a_person_applied_is_the_reminder(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    track(repository, mode="dry_run", live_until=None)
    settle_at(time, DUE + 4 * DAY)
    work(time)
    runs.apply_plan(Run.objects.get(), actor="lena", reason="It reads well.", ring=False)
    work(time)
    assert events(issue)["remind"] == "done"
    track(repository, mode="live", live_until=DUE + 99 * DAY)
    look_until(time, time.now() + 3 * HOUR)
    work(time)
    assert comments(github, issue) == 1


def test_comment_that_is_refused_is_tried_thrice_and_then_failed(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    for _ in range(5):
        github.spoil("add_comment", refused())
        work(time)
        time.advance(timedelta(minutes=20))
        escalate.look(time.now())
    event = EscalationEvent.objects.get()
    assert (event.state, event.evidence["tries"], Run.objects.count()) == ("failed", 3, 3)
    assert "403" in event.evidence["problem"]
    assert comments(github, issue) == 0


def test_run_that_lost_its_lease_is_asked_for_again(repository: Repository, github: Github, time: VirtualClock) -> None:
    issue = handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    track(repository, mode="dry_run")
    work(time)
    assert events(issue)["remind"] == "due"
    track(repository, mode="live")
    time.advance(timedelta(minutes=20))
    escalate.look(time.now())
    work(time)
    assert (events(issue)["remind"], comments(github, issue)) == ("done", 1)


class Killed(BaseException):
    """What kill -9 is to a process."""


@pytest.mark.parametrize("where", ["before", "within"])
def test_kill_between_the_row_and_the_doing_is_made_good_and_not_repeated(
    repository: Repository, github: Github, time: VirtualClock, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    issue = handed_over(repository, github)
    with monkeypatch.context() as patch:

        def kill(*_: Any, **__: Any) -> None:
            raise Killed

        if where == "before":
            patch.setattr(escalate, "_carry_out", kill)
        else:
            patch.setattr(reminders, "take", kill)
        with pytest.raises(Killed):
            settle_at(time, DUE + 4 * DAY)
    assert (events(issue), Run.objects.count()) == ({"remind": "due"}, 0)
    escalate.look(time.now())
    work(time)
    assert (events(issue), comments(github, issue)) == ({"remind": "done"}, 1)


def test_kill_between_the_comment_and_its_record_makes_no_second_comment(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    run = Run.objects.get()
    execution.execute(run.pk)

    def kill() -> None:
        github.before_write = None
        raise Killed

    github.before_write = kill
    with pytest.raises(Killed):
        execution.work_on(run.pk)
    assert Effect.objects.get().state == "sending"
    time.advance(timedelta(minutes=20))
    escalate.look(time.now())
    assert events(issue) == {"remind": "sent"}
    execution.work_on(run.pk)
    work(time)
    assert (events(issue), comments(github, issue)) == ({"remind": "done"}, 1)
