"""The signed link of an alert: shows a question, stops with a reason, expires, serves nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.test import Client

from rollout.models import Hold, Rollback, Rollout
from rollout.services import stop_links
from tests.rollout.views.test_api import address

ANSWER = {"what": "hold:", "name": "Nina", "reason": "The labels look wrong."}


def path(rollout: Rollout) -> str:
    return urlsplit(stop_links.address(rollout)).path


def test_get_only_asks(rollout: Rollout, client: Client) -> None:
    response = client.get(path(rollout))

    assert response.status_code == 200
    assert b"Stop now" in response.content
    assert not Hold.objects.exists()


def test_post_holds_everything_without_signing_in(rollout: Rollout, client: Client) -> None:
    response = client.post(path(rollout), ANSWER)

    held = Hold.objects.get()
    assert b"is held" in response.content
    assert (held.operation, held.step, held.by) == ("", "", "signed link")
    assert held.reason == "Nina: The labels look wrong."
    rollout.refresh_from_db()
    assert rollout.state == "held"


@pytest.mark.parametrize(
    ("what", "operation", "step"),
    [
        ("hold:operation:assign", "assign", ""),
        ("hold:operation:daily:process", "daily:process", ""),
        ("hold:step:1.1", "", "1.1"),
    ],
)
def test_one_operation_or_step_is_held(rollout: Rollout, client: Client, what: str, operation: str, step: str) -> None:
    client.post(path(rollout), {**ANSWER, "what": what})

    held = Hold.objects.get()
    assert (held.operation, held.step, held.reason) == (operation, step, "Nina: The labels look wrong.")


@pytest.mark.parametrize(
    ("what", "step", "word"), [("roll_back:step:1.1", "1.1", "1.1"), ("roll_back:", "", "acme/watch")]
)
def test_rolling_back_takes_the_typed_word(rollout: Rollout, client: Client, what: str, step: str, word: str) -> None:
    refused = client.post(path(rollout), {**ANSWER, "what": what, "confirmation": "yes"})
    assert (refused.status_code, Rollback.objects.exists()) == (409, False)

    done = client.post(path(rollout), {**ANSWER, "what": what, "confirmation": word})

    made = Rollback.objects.get()
    assert b"is rolled back" in done.content
    assert (made.step, made.by, made.reason) == (step, "signed link", "Nina: The labels look wrong.")


def test_alert_about_one_operation_offers_that_one_first(rollout: Rollout, client: Client) -> None:
    address_of_it = urlsplit(stop_links.address(rollout, operation="assign"))
    text = client.get(f"{address_of_it.path}?{address_of_it.query}").content.decode()

    assert '<option value="hold:operation:assign" selected>' in text


def test_scope_that_the_page_does_not_offer_stops_nothing(rollout: Rollout, client: Client) -> None:
    client.post(path(rollout), {**ANSWER, "what": "hold:operation:assing"})

    assert not Hold.objects.exists()


def test_post_needs_a_reason_and_a_csrf_token(rollout: Rollout, client: Client) -> None:
    assert b"This field is required." in client.post(path(rollout), {**ANSWER, "reason": ""}).content
    assert Client(enforce_csrf_checks=True).post(path(rollout), ANSWER).status_code == 403
    assert not Hold.objects.exists()


@pytest.mark.parametrize("salt", ["rollout.resume", "rollout.rollback"])
def test_link_of_another_purpose_is_refused(rollout: Rollout, client: Client, salt: str) -> None:
    token = signing.dumps({"rollout": rollout.pk}, salt=salt)

    response = client.post(f"/stop/{token}/", ANSWER)

    assert (response.status_code, b"not one of ours" in response.content) == (403, True)
    assert not Hold.objects.exists()


def test_old_link_is_refused(rollout: Rollout, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path(rollout)
    monkeypatch.setattr(stop_links, "VALID", -stop_links.VALID)

    response = client.get(old)

    assert (response.status_code, b"sign in to stop" in response.content) == (403, True)


def test_link_opens_nothing_else(rollout: Rollout, client: Client) -> None:
    client.get(path(rollout))

    assert client.get(address(rollout)).status_code == 401
    assert client.get(f"/admin/rollout/rollout/{rollout.pk}/change/").status_code == 302


def test_finished_rollout_says_so(rollout: Rollout, client: Client) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(state="finished")

    response = client.post(path(rollout), ANSWER)

    assert (response.status_code, b"is over" in response.content) == (409, True)
