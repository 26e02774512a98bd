"""E-mail over real SMTP against the sandbox's mail server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from pytest_django.fixtures import Settings

from rollout.notifier.channels import notifier_of, using
from rollout.notifier.mail import Mail
from rollout.notifier.null import Null
from rollout.notifier.port import Message, NotSetUp, Rejected, TryLater
from rollout.notifier.slack import Slack
from sandbox.server import Sandbox
from sandbox.sinks import MailSink

MESSAGE = Message("rollback:1:email", "Zurückgerollt", "Team,\n\nEs ist vorbei.\n", ("a@example.com", "b@example.com"))


@pytest.fixture
def world(settings: Settings) -> Iterator[Sandbox]:
    with Sandbox(demo=False) as running, MailSink(running.log) as mail:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = mail.host, mail.port, 5
        yield running


def received(world: Sandbox) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = requests.get(f"{world.url}/sink/mail", timeout=5).json()["messages"]
    return messages


def test_letter_reaches_everybody_and_shows_nobody(world: Sandbox) -> None:
    Mail().send(MESSAGE)
    (kept,) = received(world)
    assert kept["recipients"] == ["a@example.com", "b@example.com"]
    assert (kept["subject"], kept["text"]) == ("Zurückgerollt", MESSAGE.body)
    assert "a@example.com" not in str(kept["raw"])
    assert "X-Controlplane-Key: rollback:1:email" in str(kept["raw"])


def test_subject_with_a_line_break_cannot_add_a_header(world: Sandbox) -> None:
    Mail().send(Message("k", "Held\r\nBcc: evil@example.com", "x", ("a@example.com",)))
    (kept,) = received(world)
    assert kept["recipients"] == ["a@example.com"]
    assert kept["subject"] == "Held Bcc: evil@example.com"


def test_nobody_to_write_to_is_not_set_up(world: Sandbox) -> None:
    with pytest.raises(NotSetUp, match="no role"):
        Mail().send(Message("k", "s", "b"))
    assert received(world) == []


def test_mail_server_that_is_down_is_tried_later(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    with pytest.raises(TryLater, match="did not take"):
        Mail().send(MESSAGE)


def test_recipients_that_the_server_refuses_are_not_tried_again(world: Sandbox) -> None:
    everybody = tuple(f"p{number}@example.com" for number in range(101))  # one more than the server takes
    Mail().send(Message("k", "s", "b", everybody))
    assert len(received(world)[0]["recipients"]) == 100  # type: ignore[arg-type]
    with pytest.raises(Rejected):
        Mail().send(Message("k\nx", "s", "b", ("a@example.com",)))


def test_channel_has_its_notifier_until_another_is_put_in_force() -> None:
    assert isinstance(notifier_of("slack"), Slack)
    assert isinstance(notifier_of("email"), Mail)
    quiet = Null()
    with using(lambda _channel: quiet):
        notifier_of("slack").send(MESSAGE)
    assert quiet.taken == [MESSAGE]
    assert isinstance(notifier_of("slack"), Slack)
