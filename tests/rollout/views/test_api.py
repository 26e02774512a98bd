"""Stopping by API: by token, or by session with CSRF; each role; one clear sentence for what cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rollout.models import Hold, Rollback, Rollout
from tests.pipeline.admin.test_permissions_over_http import FROM, ROLES

ALLOWED = {"": frozenset(ROLES), "/hold": FROM["operator"], "/rollback": FROM["rollout lead"]}
BODY = {
    "": {},
    "/hold": {"reason": "It looks odd."},
    "/rollback": {"reason": "It is odd.", "confirmation": "acme/watch"},
}


def address(rollout: Rollout, way: str = "") -> str:
    return f"/api/rollouts/{rollout.pk}{way}"


def post(client: Client, rollout: Rollout, way: str, body: Any, token: str = "", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(address(rollout, way), text, content_type="application/json", headers=headers, **more)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("way", sorted(ALLOWED))
def test_each_role_may_only_what_it_may(
    rollout: Rollout, as_role: Callable[[str], Client], role: str, way: str
) -> None:
    client = as_role(role)

    response = post(client, rollout, way, BODY[way]) if way else client.get(address(rollout))

    assert response.status_code == (200 if role in ALLOWED[way] else 403)
    changed = Hold.objects.exists() or Rollback.objects.exists()
    assert changed == (bool(way) and role in ALLOWED[way])


def test_token_looks_holds_and_rolls_back(rollout: Rollout, client: Client, token: str) -> None:
    facts = client.get(address(rollout), headers={"Authorization": f"Bearer {token}"}).json()
    held = post(client, rollout, "/hold", {"reason": "It looks odd.", "operation": "assign"}, token).json()
    asked = {"reason": "It is odd.", "step": "1.1", "confirmation": "1.1", "revert": "yes"}
    rolled = post(client, rollout, "/rollback", asked, token)

    assert (facts["state"], facts["next_gate"]) == ("running", "rehearsal-sign-off")
    assert (held["scope"], held["by"]) == ("assign", "api")
    assert (rolled.json()["scope"], rolled.json()["revert"]) == ("1.1", True)


def test_wrong_or_unset_token_is_refused(rollout: Rollout, client: Client, token: str, settings: Any) -> None:
    assert post(client, rollout, "/hold", {"reason": "x"}, "guess").status_code == 401
    assert post(client, rollout, "/hold", {"reason": "x"}).status_code == 401
    settings.CONTROLPLANE = settings.CONTROLPLANE.__class__(**{**vars(settings.CONTROLPLANE), "api_token": ""})
    assert client.post(address(rollout, "/hold"), headers={"Authorization": "Bearer "}).status_code == 401
    assert not Hold.objects.exists()


def test_session_without_csrf_token_is_refused(rollout: Rollout, strict: Client) -> None:
    assert post(strict, rollout, "/hold", {"reason": "x"}).status_code == 403
    strict.get("/admin/login/")
    strict.get(f"/admin/rollout/rollout/{rollout.pk}/hold/")
    sent = {"X-CSRFToken": strict.cookies["csrftoken"].value}
    answer = strict.post(address(rollout, "/hold"), {"reason": "It looks odd."}, headers=sent)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("way", "body", "status", "words"),
    [
        ("/hold", "{", 400, "not JSON"),
        ("/hold", "[]", 400, "JSON object"),
        ("/hold", {"reason": "x", "operatoin": "assign"}, 400, "no field operatoin"),
        ("/hold", {"reason": 1}, 400, "is a text"),
        ("/hold", {}, 409, "needs a reason"),
        ("/hold", {"reason": "x", "operation": "assing"}, 409, "no operation 'assing'"),
        ("/rollback", {"reason": "x", "confirmation": "acme"}, 409, "type 'acme/watch'"),
        ("/rollback", {"reason": "x", "confirmation": "acme/watch", "revert": "true"}, 400, "yes or no"),
        ("/rollback", {"reason": "x", "step": "9.9", "confirmation": "9.9"}, 409, "no step '9.9'"),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(
    rollout: Rollout, client: Client, token: str, way: str, body: Any, status: int, words: str
) -> None:
    answer = post(client, rollout, way, body, token)

    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.json()
    assert not Hold.objects.exists()
    assert not Rollback.objects.exists()


def test_unknown_rollout_and_wrong_method(rollout: Rollout, client: Client, token: str) -> None:
    sent = {"Authorization": f"Bearer {token}"}

    assert client.get("/api/rollouts/99999", headers=sent).status_code == 404
    assert client.get(address(rollout, "/hold"), headers=sent).status_code == 405


def test_hold_twice_is_one_hold(rollout: Rollout, client: Client, token: str) -> None:
    first = post(client, rollout, "/hold", {"reason": "It looks odd."}, token).json()
    again = post(client, rollout, "/hold", {"reason": "Still odd."}, token).json()

    assert first["hold"] == again["hold"]
