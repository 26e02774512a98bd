"""From a person's slip on GitHub to the chat: what a live validation finds is told once, and so is its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core import mail

from pipeline.models import Kind, Mode, Run
from rollout.services import ticking
from tests.scenarios.world import World, world

HOUR = timedelta(hours=1)


@pytest.fixture
def watched(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The chat is the sandbox's; somebody leads."""
    lead = User.objects.create_user("lena", email="lena@example.com")
    lead.groups.add(Group.objects.get_or_create(name="rollout lead")[0])
    with world(monkeypatch) as made:
        chat = replace(settings.CONTROLPLANE, slack_webhook_url=f"{made.sandbox.url}/sink/chat")
        monkeypatch.setattr(settings, "CONTROLPLANE", chat)
        yield made


def swept(made: World) -> Run:
    """A validation run, the message about its end, and what the minute after it brings."""
    made.advance()
    run = made.run(Kind.VALIDATE, Mode.LIVE)
    ticking.after_run(run)
    ticking.carry_on(made.clock.now())
    made.advance(HOUR)
    return run


def said(made: World) -> list[str]:
    """The first lines of what reached the chat."""
    kept = requests.get(f"{made.sandbox.url}/sink/chat", timeout=5).json()["messages"]
    return [message["text"].splitlines()[0] for message in kept]


def test_fault_is_told_in_the_chat_and_to_the_lead_once_and_then_its_end(watched: World) -> None:
    watched.feed.publish(2)
    watched.run(Kind.MONITOR)
    assert swept(watched).statistics["items"] == 0
    assert said(watched) == []
    number = watched.remotes()[0].number
    watched.human("label", number, labels=["state::assigned"])
    for _ in range(4):
        swept(watched)
    name = watched.repository.full_name
    assert said(watched) == [f"*1 finding in 1 check on {name} (1 critical)*"]
    assert [letter.subject for letter in mail.outbox] == [f"Critical: 1 finding on {name}"]
    assert mail.outbox[0].bcc == ["lena@example.com"]
    watched.human("unlabel", number, labels=["state::assigned"])
    for _ in range(2):
        swept(watched)
    assert said(watched)[1:] == [f"*Recovered on {name}: 1 check*"]
