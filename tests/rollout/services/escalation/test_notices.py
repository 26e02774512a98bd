"""A notice is one message for all that fell due together, told once."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Repository
from rollout.models import Announcement, EscalationEvent, RoleHolder
from rollout.services import announcements
from rollout.services.escalation import escalate
from tests.fake_github import FakeGitHub
from tests.rollout.factories import make_person, make_rollout
from tests.rollout.services.escalation.late import (
    DAY,
    DUE,
    handed_over,
    settle_at,
)

Github = FakeGitHub


class Killed(BaseException):
    """What kill -9 is to a process."""


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
