from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from sandbox.server import Sandbox
from sandbox.sinks import MailSink


@pytest.fixture
def world() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as running:
        yield running


@pytest.fixture
def mail(world: Sandbox) -> Iterator[MailSink]:
    with MailSink(world.log) as running:
        yield running


def letter(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"From": "a@example.com", "To": "b@example.com", "Subject": "Hällo", **headers}.items():
        message[name] = value
    message.set_content("First\n.dot line\nünder\n")
    return message


def send(mail: MailSink, message: EmailMessage) -> None:
    with smtplib.SMTP(mail.host, mail.port, timeout=5) as client:
        client.send_message(message)


def test_a_chat_message_is_kept_and_read_back(world: Sandbox) -> None:
    answer = requests.post(f"{world.url}/sink/chat", json={"text": "Held.", "blocks": []}, timeout=5)
    assert (answer.status_code, answer.text) == (200, "ok")
    (kept,) = requests.get(f"{world.url}/sink/chat", timeout=5).json()["messages"]
    assert (kept["text"], kept["blocks"]) == ("Held.", [])


@pytest.mark.parametrize(
    ("body", "said"),
    [("{", "invalid_payload"), ("[]", "invalid_payload"), ("{}", "no_text"), ('{"text": ""}', "no_text")],
)
def test_a_chat_message_without_text_is_refused_as_slack_does(world: Sandbox, body: str, said: str) -> None:
    answer = requests.post(f"{world.url}/sink/chat", data=body, timeout=5)
    assert (answer.status_code, answer.text) == (400, said)
    assert requests.get(f"{world.url}/sink/chat", timeout=5).json() == {"messages": []}


def test_a_mail_is_kept_and_read_back(world: Sandbox, mail: MailSink) -> None:
    send(mail, letter(To="b@example.com, c@example.com"))
    (kept,) = requests.get(f"{world.url}/sink/mail", timeout=5).json()["messages"]
    assert (kept["sender"], kept["recipients"]) == ("a@example.com", ["b@example.com", "c@example.com"])
    assert (kept["subject"], kept["text"]) == ("Hällo", "First\n.dot line\nünder\n")


def test_messages_come_in_their_order(world: Sandbox, mail: MailSink) -> None:
    for subject in ("one", "two", "three"):
        send(mail, letter(Subject=subject))
    kept = requests.get(f"{world.url}/sink/mail", timeout=5).json()["messages"]
    assert [message["subject"] for message in kept] == ["one", "two", "three"]


def test_messages_outlive_a_restart(tmp_path: Path) -> None:
    with Sandbox(tmp_path, demo=False) as first:
        requests.post(f"{first.url}/sink/chat", json={"text": "Kept"}, timeout=5)
    with Sandbox(tmp_path, demo=False) as second:
        assert requests.get(f"{second.url}/sink/chat", timeout=5).json()["messages"][0]["text"] == "Kept"


def test_commands_out_of_order_are_refused(mail: MailSink) -> None:
    with smtplib.SMTP(mail.host, mail.port, timeout=5) as client:
        client.ehlo()
        assert client.docmd("RCPT", "TO:<b@example.com>")[0] == 503
        assert client.docmd("DATA")[0] == 503
        assert client.docmd("VRFY", "b")[0] == 502


def test_a_mail_that_breaks_off_is_not_kept(world: Sandbox, mail: MailSink) -> None:
    with socket.create_connection((mail.host, mail.port), timeout=5) as raw:
        raw.sendall(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: half\r\n")
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(1024):
            pass
    assert requests.get(f"{world.url}/sink/mail", timeout=5).json() == {"messages": []}
