"""Signed webhooks, their deliveries, and delivering again."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.hooks import signature
from tests.sandbox.conftest import Client

SECRET = "It's a Secret to Everybody"


class Receiver:
    """Keeps what it is sent; answers `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 202
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/github"

    def events(self) -> list[tuple[str, str | None]]:
        return [(headers["X-GitHub-Event"], json.loads(body).get("action")) for headers, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


def _hook(client: Client, receiver: Receiver) -> int:
    config = {"url": receiver.url, "content_type": "json", "secret": SECRET}
    made = client.post("hooks", {"config": config, "events": ["issues", "issue_comment", "label", "pull_request"]})
    assert (made.status_code, made.json()["config"]["secret"]) == (201, "********")
    return int(made.json()["id"])


def test_signature_is_githubs() -> None:
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature(SECRET, b"Hello, World!") == expected


def test_changes_are_delivered_signed_and_in_order(client: Client, receiver: Receiver) -> None:
    _hook(client, receiver)
    number = client.issue(labels=["bug"])["number"]
    client.post(f"issues/{number}/comments", {"body": "Hi"})
    client.sandbox.hooks.flush()
    assert receiver.events() == [
        ("ping", None),
        ("issues", "opened"),
        ("issues", "labeled"),
        ("issue_comment", "created"),
    ]
    headers, body = receiver.got[1]
    expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == expected
    payload = json.loads(body)
    assert (payload["issue"]["number"], payload["repository"]["full_name"]) == (number, "demo/field-notes")
    assert payload["sender"]["login"] == "olivia-operator"


def test_redelivery_keeps_the_guid(client: Client, receiver: Receiver) -> None:
    hook = _hook(client, receiver)
    receiver.status = 500
    client.issue()
    client.sandbox.hooks.flush()
    failed = client.get(f"hooks/{hook}/deliveries").json()[0]
    assert (failed["event"], failed["status_code"]) == ("issues", 500)
    assert client.post(f"hooks/{hook}/deliveries/{failed['id']}/attempts").status_code == 202
    client.sandbox.hooks.flush()
    guids = [headers["X-GitHub-Delivery"] for headers, _ in receiver.got]
    assert (guids[-1], guids[-2]) == (failed["guid"], failed["guid"])
    assert client.get(f"hooks/{hook}/deliveries/{failed['id']}").json()["request"]["payload"]["action"] == "opened"


def test_receiver_that_is_away_is_recorded(client: Client, receiver: Receiver) -> None:
    hook = _hook(client, receiver)
    client.sandbox.hooks.flush()
    client.sandbox.world.repository("demo", "field-notes").hooks[0].url = "http://127.0.0.1:9/nobody"
    client.issue()
    client.sandbox.hooks.flush()
    assert client.get(f"hooks/{hook}/deliveries").json()[0]["status_code"] == 0


def test_deleted_hook_is_told_nothing(client: Client, receiver: Receiver) -> None:
    hook = _hook(client, receiver)
    assert client.send("DELETE", f"hooks/{hook}").status_code == 204
    client.issue()
    client.sandbox.hooks.flush()
    assert receiver.events() == [("ping", None)]


def test_hook_without_a_url_is_refused(client: Client) -> None:
    assert client.post("hooks", {"config": {"url": "ftp://x"}}).status_code == 422
