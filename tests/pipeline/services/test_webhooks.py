"""Webhooks: signed over the raw body, used once, never more than a reason to read."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from pipeline import clock
from pipeline.github.port import Transient
from pipeline.models import Issue, Repository, RepositoryLabel, WebhookDelivery
from pipeline.services import webhooks
from pipeline.services.webhooks import Answer
from tests.factories import make_delivery, make_issue, make_repository
from tests.fake_github import FakeGitHub
from tests.values import snapshot

SECRET = "It's a Secret to Everybody"
STATUS = WebhookDelivery.Status


@pytest.fixture
def repository(time: clock.VirtualClock, settings: Settings) -> Repository:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, webhook_secret=SECRET)
    return make_repository(full_name="acme/watch")


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def payload(**values: Any) -> dict[str, Any]:
    return {"action": "labeled", "issue": {"number": 7}, "repository": {"full_name": "acme/watch"}, **values}


def deliver(
    body: bytes | dict[str, Any], *, delivery: str = "d-1", event: str = "issues", sign: str | None = None
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "X-GitHub-Delivery": delivery,
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": signature(raw) if sign is None else sign,
    }
    return webhooks.receive(headers, raw)


# --- the signature ---


def test_signature_is_the_one_of_githubs_own_documentation() -> None:
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert webhooks._signed(header, b"Hello, World!", SECRET.encode())
    assert not webhooks._signed(header, b"Hello, World?", SECRET.encode())


@pytest.mark.parametrize(
    "sign", ["", "sha256=", "sha1=abc", "sha256=" + "0" * 64, "sha256=ü", signature(b"another body"), "x" * 10_000]
)
def test_wrong_signature_is_refused_and_stores_nothing(repository: Repository, sign: str) -> None:
    answer = deliver(payload(), sign=sign)
    assert (answer.status, "same webhook secret" in answer.sentence) == (401, True)
    assert not WebhookDelivery.objects.exists()


def test_signature_covers_the_bytes_and_not_their_meaning(repository: Repository) -> None:
    spaced = json.dumps(payload(), indent=2).encode()
    assert deliver(spaced).status == 202
    assert deliver(spaced, delivery="d-2", sign=signature(json.dumps(payload()).encode())).status == 401


def test_without_a_secret_nothing_is_trusted(repository: Repository, settings: Settings) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, webhook_secret="")
    body = json.dumps(payload()).encode()
    assert deliver(body, sign=signature(body, "")).status == 401


def test_repository_may_have_a_secret_of_its_own(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_OF_ACME", "acme-only")
    Repository.objects.update(webhook_secret_reference="env:HOOK_OF_ACME")
    body = json.dumps(payload()).encode()
    assert deliver(body).status == 401
    assert deliver(body, sign=signature(body, "acme-only")).status == 202


def test_missing_secret_of_a_repository_refuses_instead_of_falling_back(repository: Repository) -> None:
    Repository.objects.update(webhook_secret_reference="env:NOT_THERE_AT_ALL")
    assert deliver(payload()).status == 401


# --- what is stored ---


def test_delivery_is_stored_for_a_worker(repository: Repository) -> None:
    assert deliver(payload()) == Answer(202, "Taken.")
    row = WebhookDelivery.objects.get()
    assert (row.event, row.action, row.issue_number, row.status) == ("issues", "labeled", 7, STATUS.STORED)
    assert Repository.objects.get().webhook_seen_at == row.received_at


def test_name_of_the_repository_is_compared_without_case(repository: Repository) -> None:
    assert deliver(payload(repository={"full_name": "ACME/Watch"})).status == 202
    assert WebhookDelivery.objects.get().repository == repository


OTHER = {"api_url": "https://git.acme.example/api/v3", "web_url": "https://git.acme.example"}


@pytest.mark.parametrize("name", ["url", "html_url"])
def test_of_two_servers_with_one_name_the_sending_one_is_taken(repository: Repository, name: str) -> None:
    other = make_repository(full_name="acme/watch", **OTHER)
    root = OTHER["api_url"] + "/repos" if name == "url" else OTHER["web_url"]
    deliver(payload(repository={"full_name": "acme/watch", name: f"{root}/acme/watch"}))
    deliver(
        payload(repository={"full_name": "acme/watch", "html_url": "https://github.com/acme/watch"}), delivery="d-2"
    )
    assert list(WebhookDelivery.objects.order_by("pk").values_list("repository", flat=True)) == [
        other.pk,
        repository.pk,
    ]


def test_delivery_of_a_third_server_with_that_name_is_ignored(repository: Repository) -> None:
    make_repository(full_name="acme/watch", **OTHER)
    for address in ("https://github.com.evil.example/acme/watch", None, 7):
        assert (
            "not governed here"
            in deliver(payload(repository={"full_name": "acme/watch", "html_url": address})).sentence
        )
    assert not WebhookDelivery.objects.exists()


def test_delivery_id_is_used_once(repository: Repository) -> None:
    deliver(payload())
    assert deliver(payload()) == Answer(200, "This delivery was used already.")
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "again"), [(STATUS.STORED, False), (STATUS.DONE, False), (STATUS.IGNORED, False), (STATUS.FAILED, True)]
)
def test_redelivery_is_used_only_after_a_failure(repository: Repository, status: str, again: bool) -> None:
    make_delivery(delivery_id="d-1", repository=repository, status=status)
    assert deliver(payload()).status == (202 if again else 200)
    assert WebhookDelivery.objects.get().status == (STATUS.STORED if again else status)


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("ping", payload(issue=None)),
        ("push", payload()),
        ("label", payload(issue=None, action="created")),
        ("issue_comment", payload(issue={"number": 7, "pull_request": {}})),
        ("issues", payload(issue={"number": "7"})),
        ("issues", payload(issue={"number": True})),
        ("issues", payload(issue={"number": -1})),
        ("issues", payload(issue={"number": 2**31})),
        ("issues", payload(issue=[7])),
    ],
)
def test_event_without_an_issue_to_read_is_ignored(repository: Repository, event: str, body: dict[str, Any]) -> None:
    assert deliver(body, event=event) == Answer(202, "Nothing to do for this event.")
    assert WebhookDelivery.objects.get().status == STATUS.IGNORED


def test_repository_that_is_not_governed_is_ignored(repository: Repository) -> None:
    assert "not governed here" in deliver(payload(repository={"full_name": "other/one"})).sentence
    assert not WebhookDelivery.objects.exists()


# --- junk ---


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b'"text"', b"null", b"{", b"\xff\xfe", b"payload=%7B%7D", b"[" * 200_000]
)
def test_body_that_is_no_json_object_is_refused(repository: Repository, body: bytes) -> None:
    answer = deliver(body)
    assert (answer.status, "application/json" in answer.sentence) == (400, True)


@pytest.mark.parametrize(
    "named", [None, 7, [], {"full_name": 7}, {"full_name": "a\x00b"}, {}, {"full_name": "x" * 10**6}]
)
def test_body_without_a_readable_repository_is_ignored(repository: Repository, named: Any) -> None:
    assert deliver(payload(repository=named)).status == 202
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("action", [None, 7, ["x"], "\x00labeled", "x" * 10_000])
def test_odd_action_is_kept_as_short_text(repository: Repository, action: Any) -> None:
    assert deliver(payload(action=action)).status == 202
    assert "\x00" not in WebhookDelivery.objects.get().action


@pytest.mark.parametrize("missing", ["X-GitHub-Delivery", "X-GitHub-Event"])
def test_request_that_is_no_webhook_is_refused(repository: Repository, missing: str) -> None:
    headers = {"X-GitHub-Delivery": "d-1", "X-GitHub-Event": "issues"}
    del headers[missing]
    assert webhooks.receive(headers, b"{}").status == 400


def test_body_of_more_than_a_megabyte_is_taken(repository: Repository) -> None:
    body = json.dumps(payload(issue={"number": 7, "body": "x" * 1_500_000})).encode()
    assert deliver(body).status == 202


def test_body_larger_than_github_sends_is_refused_unread(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_BODY", 100)
    assert deliver(b"x" * 101).status == 413


# --- taken ---


def test_taken_delivery_reads_the_issue_and_nothing_else(repository: Repository, github: FakeGitHub) -> None:
    github.put(snapshot(title="As it is now"))
    deliver(payload(issue={"number": 7, "title": "As the hook says"}))
    webhooks.take(WebhookDelivery.objects.get())
    assert Issue.objects.get().title == "As it is now"
    assert (dict(github.calls), WebhookDelivery.objects.get().status) == ({"issue": 1}, STATUS.DONE)


@pytest.mark.parametrize("action", ["deleted", "edited"])
def test_label_that_changed_is_learned_anew(repository: Repository, github: FakeGitHub, action: str) -> None:
    RepositoryLabel.objects.create(repository=repository, name="state::done", node_id="LA_old")
    github.names = {"bug": "LA_1"}
    deliver({"action": action, "label": {"name": "x"}, "repository": {"full_name": "acme/watch"}}, event="label")
    webhooks.take(WebhookDelivery.objects.get())
    assert list(RepositoryLabel.objects.values_list("name", flat=True)) == ["bug"]


def test_fault_while_reading_fails_the_delivery_with_its_sentence(repository: Repository, github: FakeGitHub) -> None:
    deliver(payload())
    github.unreadable = Transient("GitHub answered 502.")
    webhooks.take(WebhookDelivery.objects.get())
    row = WebhookDelivery.objects.get()
    assert (row.status, row.note) == (STATUS.FAILED, "GitHub answered 502.")


def test_deleted_issue_is_written_down(repository: Repository, github: FakeGitHub) -> None:
    make_issue(repository=repository, number=7)
    github.deleted.add(7)
    deliver(payload(action="deleted"))
    webhooks.take(WebhookDelivery.objects.get())
    assert Issue.objects.get().presence == Issue.Presence.DELETED


def test_hook_that_overtakes_another_does_no_harm(repository: Repository, github: FakeGitHub) -> None:
    github.put(snapshot(title="Newest"))
    for delivery in ("late", "early"):
        deliver(payload(), delivery=delivery)
    for row in WebhookDelivery.objects.order_by("-pk"):
        webhooks.take(row)
    assert Issue.objects.get().title == "Newest"


def test_delivery_about_nothing_is_left_alone(time: clock.VirtualClock) -> None:
    row = make_delivery(issue_number=None)
    webhooks.take(row)
    assert row.status == STATUS.STORED
