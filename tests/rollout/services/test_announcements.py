"""The outbox: stored once, sent once, tried again with patience, never inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.db import transaction
from pytest_django.fixtures import Settings

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services.operations import NotPossible
from rollout.models import Announcement, Rollout
from rollout.notifier import channels
from rollout.notifier.null import Null
from rollout.notifier.port import Message, NotTaken, Rejected, TryLater
from rollout.services import announcements, plan_messages
from sandbox.server import Sandbox
from tests.factories import make_handover, make_issue, make_transition
from tests.rollout.factories import make_plan
from tests.rollout.services.rolling_back import live_run, make_lead, make_rollout


class Failing(Null):
    """Fails a number of times, then takes everything."""

    def __init__(self, error: NotTaken, times: int) -> None:
        super().__init__()
        self.error, self.times = error, times

    def send(self, message: Message) -> None:
        if self.times:
            self.times -= 1
            raise self.error
        super().send(message)


@contextmanager
def sending(notifier: Null) -> Iterator[Null]:
    with channels.using(lambda _channel: notifier):
        yield notifier


@pytest.fixture
def rollout(time: VirtualClock) -> Rollout:
    made = make_rollout()
    make_lead(made)
    return made


def told(rollout: Rollout, key: str = "k", **values: object) -> list[Announcement]:
    return announcements.announce(rollout, key=key, subject="Held", body="By olga.", **values)  # type: ignore[arg-type]


def test_message_goes_to_each_channel_once_per_key(rollout: Rollout, time: VirtualClock) -> None:
    assert told(rollout) == told(rollout)
    with sending(Null()) as post:
        assert announcements.deliver_due(time.now()) == 2
        assert announcements.deliver_due(time.now()) == 0
    assert [message.key for message in post.taken] == ["k:slack", "k:email"]
    assert post.taken[1].recipients == ("lena@example.com",)


def test_unknown_channel_is_refused(rollout: Rollout) -> None:
    with pytest.raises(ValueError, match="no channel 'pigeon'"):
        told(rollout, channels=("pigeon",))


def test_overloaded_channel_is_tried_again_later_each_time(rollout: Rollout, time: VirtualClock) -> None:
    (row,) = told(rollout, channels=("slack",))
    with sending(Failing(TryLater("Slack answered 503."), 2)) as post:
        announcements.deliver_due(time.now())
        row.refresh_from_db()
        assert (row.state, row.error, row.attempts) == ("waiting", "Slack answered 503.", 1)
        assert announcements.deliver_due(time.now()) == 0
        time.advance(timedelta(seconds=31))
        announcements.deliver_due(time.now())
        time.advance(timedelta(seconds=61))
        assert announcements.deliver_due(time.now()) == 1
    row.refresh_from_db()
    assert (row.state, row.error, len(post.taken)) == ("sent", "", 1)


def test_message_that_is_refused_fails_at_once_and_can_be_sent_again(rollout: Rollout, time: VirtualClock) -> None:
    (row,) = told(rollout, channels=("slack",))
    with sending(Failing(Rejected("Slack answered 404."), 1)):
        announcements.deliver_due(time.now())
        row.refresh_from_db()
        assert row.state == "failed"
        announcements.send_again(row)
        assert announcements.deliver_due(time.now()) == 1


def test_patience_has_an_end(rollout: Rollout, time: VirtualClock) -> None:
    (row,) = told(rollout, channels=("slack",))
    with sending(Failing(TryLater("Slack did not answer."), 99)):
        for _attempt in range(announcements.MOST_ATTEMPTS):
            announcements.deliver_due(time.now())
            time.advance(timedelta(hours=2))
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("failed", announcements.MOST_ATTEMPTS)


def test_message_taken_over_by_another_process_is_left_to_it(rollout: Rollout, time: VirtualClock) -> None:
    (row,) = told(rollout, channels=("slack",))
    assert announcements._claim(row, time.now())
    stale = Announcement.objects.get(pk=row.pk)
    stale.attempts = 0
    assert not announcements._claim(stale, time.now())


@pytest.mark.django_db(transaction=True)
def test_sending_inside_a_transaction_is_refused() -> None:
    with transaction.atomic():
        row = Announcement.objects.create(
            key="k", channel="slack", subject="s", body="b", created_at="2026-11-02T08:00Z"
        )
        row.refresh_from_db()
        with sending(Null()) as post, pytest.raises(RuntimeError, match="durable"):
            announcements.deliver_due(row.created_at)
        assert post.taken == []


def test_message_reaches_the_real_chat(rollout: Rollout, time: VirtualClock, settings: Settings) -> None:
    with Sandbox(demo=False) as chat:
        settings.CONTROLPLANE = replace(settings.CONTROLPLANE, slack_webhook_url=f"{chat.url}/sink/chat")
        told(rollout, channels=("slack",))
        assert announcements.deliver_due(time.now()) == 1
        (kept,) = requests.get(f"{chat.url}/sink/chat", timeout=5).json()["messages"]
    assert kept["text"] == "*Held*\nBy olga."


# --- the plan's own messages ---


def test_launch_announcement_is_the_plan_s_with_its_facts(rollout: Rollout) -> None:
    message = plan_messages.launch(rollout, rehearsed_on="30 Oct 2026", plan_url="docs/plan.md")
    assert message.subject == "Unified Workflow Pipeline — Production Rollout (Phase 1)"
    assert "live rehearsal on 30 Oct 2026" in message.body
    assert message.body.rstrip().endswith("lena")
    assert "{" not in message.body


def test_weekly_status_counts_the_week_s_rows(rollout: Rollout, time: VirtualClock) -> None:
    first = time.now() - timedelta(days=7) + timedelta(hours=1)
    issue = make_issue(repository=rollout.repository, state="copilot")
    for before, after in (("", "discovery"), ("discovery", "assigned"), ("assigned", "copilot")):
        make_transition(issue=issue, before=before, after=after, cause="pipeline", at=first)
    make_handover(issue=issue, requested_at=first)
    run = live_run(rollout, "assign", issue)
    run.items.update(finished_at=first)
    body = plan_messages.weekly(rollout, 1, highlights=["The first week\nis over"]).body
    for line in (
        "Issues monitored: 1",
        "Workflow assignments: 1",
        "Processing completed: 1",
        "Copilot assignments: 1",
        "Success rate: 100% (1 of 1)",
        "- The first week is over",
    ):
        assert line in body
    assert "{" not in body


def test_week_without_work_claims_no_success(rollout: Rollout) -> None:
    body = plan_messages.weekly(rollout, 2).body
    assert "Success rate: no issue was worked on" in body
    assert "Issues monitored: 0" in body


def test_message_of_the_plan_is_sent_once_and_logged(rollout: Rollout) -> None:
    message = plan_messages.weekly(rollout, 1)
    plan_messages.send(rollout, message, key="weekly-1", by="lena")
    with pytest.raises(NotPossible, match="it is sent once"):
        plan_messages.send(rollout, message, key="weekly-1", by="lena")
    assert Announcement.objects.count() == 2
    assert AuditEntry.objects.get(action="message.sent").actor == "lena"


def test_channel_is_the_plan_s_own(rollout: Rollout) -> None:
    text = rollout.plan.text.replace('channel: "#wf-modernization"', 'channel: "#harbour"')
    Rollout.objects.filter(pk=rollout.pk).update(plan=make_plan(text=text))
    rollout.refresh_from_db()
    assert "post in #harbour" in plan_messages.weekly(rollout, 1).body


@pytest.mark.parametrize(("days", "week"), [(-3, 1), (0, 1), (6, 1), (7, 2), (34, 5)])
def test_week_is_counted_from_day_one(rollout: Rollout, days: int, week: int) -> None:
    assert rollout.starts_on is not None
    on = datetime.combine(rollout.starts_on, datetime.min.time(), UTC) + timedelta(days=days)
    assert plan_messages.this_week(rollout, on) == week
