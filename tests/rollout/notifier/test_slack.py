"""Slack-shaped webhooks, over real HTTP against the sandbox's chat."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from rollout.notifier.port import Message, NotSetUp, Rejected, TryLater
from rollout.notifier.slack import Slack, escaped
from sandbox.server import Sandbox

MESSAGE = Message("rollback:1:slack", "Rolled back <!channel>", "By @here & <https://evil.example|GitHub>\nSecond line")


@pytest.fixture
def chat() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as running:
        yield running


def received(chat: Sandbox) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = requests.get(f"{chat.url}/sink/chat", timeout=5).json()["messages"]
    return messages


@contextmanager
def answering(status: int, text: str) -> Iterator[str]:
    """A webhook that gives one answer to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/services/T0/SECRET"
        server.shutdown()


def test_message_arrives_with_nothing_in_it_that_acts(chat: Sandbox) -> None:
    Slack(f"{chat.url}/sink/chat").send(MESSAGE)
    (kept,) = received(chat)
    assert kept["text"] == (
        "*Rolled back &lt;!channel&gt;*\nBy @\u200bhere &amp; &lt;https://evil.example|GitHub&gt;\nSecond line"
    )
    assert (kept["parse"], kept["link_names"], kept["unfurl_links"]) == ("none", 0, False)


def test_long_message_is_cut_to_what_slack_takes(chat: Sandbox) -> None:
    Slack(f"{chat.url}/sink/chat").send(Message("k", "Long", "x" * 60_000))
    (kept,) = received(chat)
    assert str(kept["text"]).endswith("… (cut)")


@pytest.mark.parametrize(
    ("status", "error"), [(500, TryLater), (429, TryLater), (404, Rejected), (403, Rejected), (302, Rejected)]
)
def test_answer_divides_by_what_is_to_be_done(status: int, error: type[Exception]) -> None:
    with answering(status, "no_service") as url, pytest.raises(error, match=str(status)) as caught:
        Slack(url).send(MESSAGE)
    assert "SECRET" not in str(caught.value)


def test_nobody_there_is_tried_later_and_the_address_stays_secret() -> None:
    with pytest.raises(TryLater) as caught:
        Slack("http://127.0.0.1:1/services/T0/SECRET", timeout=1).send(MESSAGE)
    assert "SECRET" not in str(caught.value)


def test_empty_address_is_not_set_up() -> None:
    with pytest.raises(NotSetUp, match="SLACK_WEBHOOK_URL"):
        Slack("").send(MESSAGE)


@given(st.text(st.sampled_from("<>&@!|here channel#U"), max_size=60))
def test_no_text_keeps_a_mark_by_which_slack_acts(text: str) -> None:
    made = escaped(text)
    assert "<" not in made
    assert ">" not in made
    assert "@here" not in made
