"""The signed link of an alert: shows a question, holds with a reason, expires, serves nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.test import Client

from rollout.models import Hold, Rollout
from rollout.services import stop_links
from tests.rollout.views.test_api import address

ANSWER = {"name": "Nina", "reason": "The labels look wrong."}


def path(rollout: Rollout) -> str:
    return urlsplit(stop_links.address(rollout)).path


def test_get_only_asks(rollout: Rollout, client: Client) -> None:
    response = client.get(path(rollout))

    assert response.status_code == 200
    assert b"Hold now" in response.content
    assert not Hold.objects.exists()


def test_post_holds_everything_without_signing_in(rollout: Rollout, client: Client) -> None:
    response = client.post(path(rollout), ANSWER)

    held = Hold.objects.get()
    assert b"is held" in response.content
    assert (held.operation, held.step, held.by) == ("", "", "signed link")
    assert held.reason == "Nina: The labels look wrong."
    rollout.refresh_from_db()
    assert rollout.state == "held"


def test_post_needs_a_reason_and_a_csrf_token(rollout: Rollout, client: Client) -> None:
    assert b"This field is required." in client.post(path(rollout), {"name": "Nina"}).content
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

    assert (response.status_code, b"sign in to hold" in response.content) == (403, True)


def test_link_opens_nothing_else(rollout: Rollout, client: Client) -> None:
    client.get(path(rollout))

    assert client.get(address(rollout)).status_code == 401
    assert client.get(f"/admin/rollout/rollout/{rollout.pk}/change/").status_code == 302


def test_finished_rollout_says_so(rollout: Rollout, client: Client) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(state="finished")

    response = client.post(path(rollout), ANSWER)

    assert (response.status_code, b"is over" in response.content) == (409, True)
