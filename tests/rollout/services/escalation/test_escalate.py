"""What is overdue is escalated once, on time, and only on the word of a clock that may be believed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.github.port import Transient
from pipeline.models import Effect, Heartbeat, Issue, Repository, Run
from pipeline.services import connect, execution, runs
from rollout.domain.escalation import Action, Due, Rule
from rollout.models import Announcement, EscalationEvent, EscalationRule, ManualReview, RoleHolder
from rollout.services import announcements, ticking
from rollout.services.escalation import escalate, notices, reminders, reviews, snooze, trust
from tests.fake_github import FakeGitHub, refused
from tests.rollout.factories import make_person, make_rollout
from tests.rollout.services.escalation.late import (
    DAY,
    DUE,
    HOUR,
    case_of,
    events,
    followed,
    handed_over,
    look_until,
    settle_at,
    track,
    work,
)

Github = FakeGitHub


def comments(github: Github, issue: Issue) -> int:
    return len(github.said.get(issue.number, []))


def test_each_escalation_comes_once_and_on_its_day(repository: Repository, github: Github, time: VirtualClock) -> None:
    issue = handed_over(repository, github)
    for day in (3, 7, 14, 20):
        look_until(time, DUE + day * DAY)
    work(time)
    found = dict(EscalationEvent.objects.values_list("action", "at"))
    assert found == {"remind": DUE + 3 * DAY, "notify": DUE + 7 * DAY, "review": DUE + 14 * DAY}
    assert events(issue) == {"remind": "done", "notify": "done", "review": "done"}
    assert comments(github, issue) == 1
    assert ManualReview.objects.count() == 1


def test_github_is_asked_for_its_time_only_when_something_is_to_be_done(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    look_until(time, DUE + 2 * DAY)
    assert github.calls["server_time"] == 0
    look_until(time, DUE + 3 * DAY)
    assert github.calls["server_time"] == 1


def test_several_due_at_once_are_one_run_and_more_than_the_limit_come_later(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    track(repository, limit=2)
    for _ in range(3):
        handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    assert [run.limit for run in Run.objects.all()] == [2]
    escalate.look(time.now())
    assert Run.objects.count() == 1
    work(time)
    assert [run.limit for run in Run.objects.order_by("pk")] == [2, 1]
    work(time)
    assert set(EscalationEvent.objects.values_list("state", flat=True)) == {"done"}


def test_rule_by_workflow_and_repository_wins_and_an_inactive_one_is_off(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    EscalationRule.objects.create(repository=repository, action="remind", days_overdue=1, text="Soon")
    EscalationRule.objects.create(repository=repository, action="notify", days_overdue=1, text="Never", active=False)
    near, far = handed_over(repository, github), handed_over(followed(), github)
    settle_at(time, DUE + 8 * DAY)
    assert (set(events(near)), set(events(far))) == ({"remind"}, {"remind", "notify"})


def test_without_rules_nothing_is_escalated(repository: Repository, github: Github, time: VirtualClock) -> None:
    EscalationRule.objects.all().delete()
    handed_over(repository, github)
    settle_at(time, DUE + 30 * DAY)
    assert not EscalationEvent.objects.exists()


# --- the issue ends ---


def test_issue_that_is_done_is_not_escalated_and_what_was_due_is_dropped(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    track(repository, live_until=DUE)  # no lease: the reminder has to wait
    settle_at(time, DUE + 4 * DAY)
    assert events(issue) == {"remind": "due"}
    Issue.objects.update(state="done", done_at=time.now())
    look_until(time, DUE + 20 * DAY)
    assert events(issue) == {"remind": "dropped"}


def test_reminder_that_was_asked_for_is_dropped_when_the_issue_ends_first(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    settle_at(time, DUE + 4 * DAY)
    github.edit(issue.number, is_open=False, state_reason="completed", closed_at=time.now())
    work(time)
    escalate.look(time.now())
    assert events(issue) == {"remind": "dropped"}
    assert comments(github, issue) == 0


# --- reminders ---


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


# --- two processes at once ---


def test_second_process_finds_the_reminder_taken(
    repository: Repository, github: Github, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over(repository, github)
    seen: list[Any] = []
    monkeypatch.setattr(escalate, "_carry_out", lambda *_: seen.extend(reminders.ready(repository, time.now())[1]))
    settle_at(time, DUE + 4 * DAY)
    monkeypatch.setattr(reminders, "ready", lambda *_: ("live", seen[:1]))
    assert reminders.send(repository, time.now()) is not None
    assert reminders.send(repository, time.now()) is None
    assert Run.objects.count() == 1


def test_second_process_finds_notice_and_review_taken(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    settle_at(time, DUE + 15 * DAY)
    told = Announcement.objects.count()
    events_by_action = {row.action: row for row in EscalationEvent.objects.select_related("case__issue__repository")}
    assert not notices.notify(repository, "copilot-operations", [events_by_action["notify"]], time.now())
    assert reviews.open_due(repository, [events_by_action["review"]], time.now()) == 0
    assert Announcement.objects.count() == told


def test_row_that_another_process_wrote_stays_as_it_was(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    issue = handed_over(repository, github)
    escalate.look(time.now())
    EscalationEvent.objects.create(case=case_of(issue), action="remind", days_overdue=3, at=DUE, state="done")
    case = case_of(issue)
    due = Due(Action.REMIND, Rule(Action.REMIND, 3 * DAY), DUE + 3 * DAY)
    escalate._note([(case, due)], time.now())
    assert events(issue) == {"remind": "done"}


# --- among the others ---


def test_every_minute_looks_for_what_is_overdue_and_a_fault_stops_nothing_else(
    repository: Repository, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking.carry_on(time.now())
    assert Heartbeat.objects.get(name=trust.LOOKED).beaten_at == time.now()

    def broken(_now: Any) -> None:
        raise ValueError("A fault of ours.")

    monkeypatch.setattr(escalate, "look", broken)
    ticking.carry_on(time.now())


def test_server_that_agrees_does_not_speak_for_another(github: Github, time: VirtualClock) -> None:
    here, there = followed(), followed(api_url="https://github.example/api/v3")
    near, far = handed_over(here, github), handed_over(there, github)
    wrong = FakeGitHub(ahead=-DAY)
    with connect.using(lambda row: wrong if row == there else github):
        settle_at(time, DUE + 4 * DAY)
        escalate.look(time.now())
    assert (events(near), events(far)) == ({"remind": "sent"}, {})
    assert "more than 5 minutes apart" in trust.standing(time.now())


# --- notices ---


def test_notice_is_one_message_for_all_to_whoever_holds_the_role(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    rollout = make_rollout(repository=repository)
    for name, backup in (("cora", False), ("carl", True)):
        RoleHolder.objects.create(rollout=rollout, role="copilot-operations", user=make_person(name), backup=backup)
    issues = [handed_over(repository, github, title=f"<!here> @copilot number {number}") for number in range(3)]
    settle_at(time, DUE + 8 * DAY)
    told = Announcement.objects.filter(key__startswith="escalation:")
    assert sorted(told.values_list("channel", flat=True)) == ["email", "slack"]
    mail = told.get(channel="email")
    assert mail.recipients == ["carl@example.org", "cora@example.org"]
    assert all(f"#{issue.number} " in mail.body for issue in issues)
    assert "<!here>" not in mail.body
    assert "8 days overdue" in mail.body
    escalate.look(time.now())
    assert told.count() == 2


def test_notice_without_a_rollout_goes_to_the_leads(repository: Repository, github: Github, time: VirtualClock) -> None:
    boss = make_person("boss", is_superuser=True)
    handed_over(repository, github)
    settle_at(time, DUE + 8 * DAY)
    mail = Announcement.objects.get(channel="email")
    assert (mail.rollout, mail.recipients) == (None, [boss.email])
    announcements.deliver_due(time.now())


def test_notice_to_nobody_goes_to_the_channel_alone(repository: Repository, github: Github, time: VirtualClock) -> None:
    handed_over(repository, github)
    settle_at(time, DUE + 8 * DAY)
    assert [row.channel for row in Announcement.objects.all()] == ["slack"]
    assert "nobody: the role is not held" in Announcement.objects.get().body


def test_kill_within_a_notice_tells_nobody_twice(
    repository: Repository, github: Github, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over(repository, github)
    with monkeypatch.context() as patch:
        patch.setattr(EscalationEvent.objects, "bulk_update", _killed)
        with pytest.raises(Killed):
            settle_at(time, DUE + 8 * DAY)
    assert not Announcement.objects.exists()
    escalate.look(time.now())
    escalate.look(time.now())
    assert Announcement.objects.count() == 1


def _killed(*_: Any, **__: Any) -> None:
    raise Killed


# --- pauses ---


def test_snooze_keeps_back_what_is_due_already(repository: Repository, github: Github, time: VirtualClock) -> None:
    issue = handed_over(repository, github)
    track(repository, live_until=DUE)
    settle_at(time, DUE + 4 * DAY)
    snooze.snooze(case_of(issue), 2 * DAY, by="lena", reason="The author is on leave.")
    track(repository, live_until=DUE + 99 * DAY)
    look_until(time, DUE + 6 * DAY - HOUR)
    assert not Run.objects.exists()
    look_until(time, DUE + 6 * DAY)
    assert Run.objects.count() == 1


def test_pause_shifts_the_escalation_by_its_length(repository: Repository, github: Github, time: VirtualClock) -> None:
    handed_over(repository, github)
    look_until(time, DUE + DAY)
    track(repository, mode="off")
    look_until(time, DUE + 3 * DAY)
    track(repository, mode="live")
    look_until(time, DUE + 5 * DAY)
    assert EscalationEvent.objects.get().at == DUE + 5 * DAY


# --- the clock ---


def test_jump_forward_fires_nothing_and_the_jump_back_neither(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    look_until(time, DUE)
    time.advance(10 * DAY)
    github.ahead = -10 * DAY
    for _ in range(5):
        escalate.look(time.now())
        time.advance(timedelta(minutes=5))
    time.set(DUE + HOUR)
    github.ahead = timedelta(0)
    look_until(time, DUE + 3 * DAY - HOUR)
    assert not EscalationEvent.objects.exists()
    look_until(time, DUE + 3 * DAY)
    assert EscalationEvent.objects.get().at == DUE + 3 * DAY


def test_clock_that_stays_wrong_fires_nothing_and_says_so(
    repository: Repository, github: Github, time: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    handed_over(repository, github)
    look_until(time, DUE)
    github.ahead = -10 * DAY
    time.advance(10 * DAY)
    look_until(time, DUE + 12 * DAY)
    assert not EscalationEvent.objects.exists()
    assert "more than 5 minutes apart" in trust.standing(time.now())
    assert caplog.text.count("escalation waits") == 1
    github.ahead = timedelta(0)
    escalate.look(time.now())
    assert EscalationEvent.objects.count() == 2
    assert trust.standing(time.now()) == ""


def test_small_jump_that_looks_regular_is_caught_by_githubs_clock(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    look_until(time, DUE + 3 * DAY - HOUR)
    github.ahead = -timedelta(minutes=50)
    time.advance(timedelta(minutes=50))
    look_until(time, DUE + 3 * DAY + timedelta(minutes=10))
    assert not EscalationEvent.objects.exists()


def test_github_that_does_not_tell_its_time_keeps_everything_back(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    github.unreadable = Transient("GitHub cannot be reached.")
    settle_at(time, DUE + 4 * DAY)
    assert not EscalationEvent.objects.exists()
    assert "could not be asked for its time" in trust.standing(time.now())
    github.unreadable = None
    escalate.look(time.now())
    assert EscalationEvent.objects.count() == 1


def test_nothing_fires_before_looks_have_come_regularly_for_an_hour(
    repository: Repository, github: Github, time: VirtualClock
) -> None:
    handed_over(repository, github)
    time.set(DUE + 4 * DAY)
    for minutes in (0, 30, 59):
        time.set(DUE + 4 * DAY + timedelta(minutes=minutes))
        escalate.look(time.now())
    assert not EscalationEvent.objects.exists()
    assert "nothing is escalated before" in trust.standing(time.now())
    time.set(DUE + 4 * DAY + HOUR)
    escalate.look(time.now())
    assert EscalationEvent.objects.count() == 1


def test_page_says_when_nobody_looks_any_more(repository: Repository, time: VirtualClock) -> None:
    assert "Nobody has looked" in trust.standing(time.now())
    settle_at(time, DUE)
    assert trust.standing(time.now()) == ""
    assert "Nobody has looked" in trust.standing(time.now() + 2 * HOUR)
