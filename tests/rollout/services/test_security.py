"""Security alerts: by signed webhook over HTTP, by hand, cleared by people only."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Repository
from pipeline.services.operations import NotPossible
from rollout.models import SecurityAlert
from rollout.services import security
from tests.factories import make_repository

SECRET = "between GitHub and us"
LEAK = {"number": 42, "secret_type_display_name": "GitHub token"}


@pytest.fixture
def repository(time: VirtualClock, settings: Settings) -> Repository:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, webhook_secret=SECRET)
    return make_repository()


def posted(event: str, payload: dict[str, Any], *, secret: str = SECRET) -> tuple[int, str]:
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    answer = Client().post(
        "/webhooks/security",
        data=body,
        content_type="application/json",
        headers={
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": "d-1",
            "X-Hub-Signature-256": f"sha256={signature}",
        },
    )
    return answer.status_code, answer.json()["message"]


def leak(repository: Repository, action: str = "created", **values: Any) -> dict[str, Any]:
    return {"action": action, "alert": LEAK, "repository": {"full_name": repository.full_name}, **values}


def test_leaked_secret_is_an_alert_once(repository: Repository) -> None:
    assert posted("secret_scanning_alert", leak(repository)) == (202, "Taken.")
    assert posted("secret_scanning_alert", leak(repository))[1] == "This alert is known already."
    alert = SecurityAlert.objects.get()
    assert (alert.source, alert.external_id) == ("secret_scanning_alert", "42")
    assert alert.summary == "GitHub found a secret in the repository: GitHub token."


@pytest.mark.parametrize("event", ["security_advisory", "repository_advisory"])
def test_advisory_of_the_repository_is_an_alert(repository: Repository, event: str) -> None:
    advisory = {"ghsa_id": "GHSA-1", "severity": "high", "summary": "Bad\nthings"}
    payload = {"action": "published", event: advisory, "repository": {"full_name": repository.full_name}}
    assert posted(event, payload) == (202, "Taken.")
    assert SecurityAlert.objects.get().summary == "Security advisory (high): Bad things"


def test_wrong_signature_is_refused(repository: Repository) -> None:
    assert posted("secret_scanning_alert", leak(repository), secret="other")[0] == 401
    assert not SecurityAlert.objects.exists()


@pytest.mark.parametrize(
    ("event", "payload", "word"),
    [
        ("secret_scanning_alert", {"action": "resolved"}, "Nothing to open"),
        ("issues", {"action": "opened"}, "no security alert"),
        ("secret_scanning_alert", {"action": "created", "repository": None}, "no repository"),
    ],
)
def test_delivery_that_opens_nothing_says_why(
    repository: Repository, event: str, payload: dict[str, Any], word: str
) -> None:
    status, sentence = posted(event, leak(repository) | payload)
    assert (status, SecurityAlert.objects.count()) == (202, 0)
    assert word in sentence


@pytest.mark.parametrize("alert", [{}, {"number": "42"}, {"number": True}, None, []])
def test_alert_without_a_number_is_refused(repository: Repository, alert: Any) -> None:
    assert posted("secret_scanning_alert", leak(repository, alert=alert))[0] == 400
    assert not SecurityAlert.objects.exists()


def test_cleared_alert_stays_cleared_on_a_redelivery_and_is_open_when_reopened(repository: Repository) -> None:
    posted("secret_scanning_alert", leak(repository))
    security.clear(SecurityAlert.objects.get(), by="olga", reason="Revoked the token.")
    posted("secret_scanning_alert", leak(repository))
    assert SecurityAlert.objects.get().cleared_by == "olga"
    assert posted("secret_scanning_alert", leak(repository, "reopened"))[1] == "Taken."
    assert SecurityAlert.objects.get().cleared_at is None


def test_alert_is_written_down_by_hand(repository: Repository) -> None:
    alert = security.report(repository, by="olga", summary="A token was in a screenshot.")
    assert (alert.source, alert.cleared_at) == ("by hand", None)
    assert AuditEntry.objects.get(action="security.alert").actor == "olga"
    with pytest.raises(NotPossible, match="in a sentence"):
        security.report(repository, by="olga", summary=" ")


def test_alert_by_hand_has_its_own_id_once(repository: Repository) -> None:
    security.report(repository, by="olga", summary="One.", external_id="INC-1")
    with pytest.raises(NotPossible, match="known already"):
        security.report(repository, by="rosa", summary="Two.", external_id="INC-1")


def test_alert_is_cleared_once_with_a_reason(repository: Repository) -> None:
    alert = security.report(repository, by="olga", summary="One.")
    security.clear(alert, by="rosa", reason="It was harmless.")
    assert AuditEntry.objects.get(action="security.cleared").reason == "It was harmless."
    with pytest.raises(NotPossible, match="cleared already"):
        security.clear(alert, by="rosa", reason="Again.")
