"""A clock is believed only after regular looks, and only where GitHub's own agrees."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.github.port import Transient
from pipeline.models import Repository
from rollout.models import EscalationEvent
from rollout.services.escalation import escalate, trust
from tests.fake_github import FakeGitHub
from tests.rollout.services.escalation.late import (
    DAY,
    DUE,
    HOUR,
    handed_over,
    look_until,
    settle_at,
)

Github = FakeGitHub


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
