"""Quotas and secondary limits."""

from __future__ import annotations

from datetime import timedelta

from sandbox.clock import ManualClock
from tests.sandbox.conftest import Client


def _limits(client: Client, **limits: int | None) -> None:
    assert client.control("config", {"limits": limits}).status_code == 200


def test_primary_quota_runs_out_and_comes_back_after_the_hour(client: Client, clock: ManualClock) -> None:
    _limits(client, core=2)
    assert [client.get("issues").status_code for _ in range(3)] == [200, 200, 403]
    assert client.get("/rate_limit").json()["resources"]["core"]["remaining"] == 0
    clock.move(timedelta(hours=1))
    assert client.get("issues").status_code == 200


def test_graphql_has_a_pool_of_its_own(client: Client) -> None:
    _limits(client, core=1, graphql=1)
    assert client.get("issues").status_code == 200
    assert client.graphql("{ rateLimit { remaining } }")["data"]["rateLimit"]["remaining"] == 0
    assert client.graphql("{ viewer { login } }")["errors"][0]["type"] == "RATE_LIMITED"


def test_too_many_writes_a_minute_are_told_to_wait(client: Client, clock: ManualClock) -> None:
    _limits(client, content_per_minute=2, retry_after=30)
    statuses = [client.post("issues", {"title": "T"}).status_code for _ in range(3)]
    assert statuses == [201, 201, 403]
    assert client.post("issues", {"title": "T"}).headers["Retry-After"] == "30"
    assert client.get("issues").status_code == 200
    clock.move(timedelta(minutes=1, seconds=1))
    assert client.post("issues", {"title": "T"}).status_code == 201


def test_tokens_of_one_owner_share_a_quota(client: Client) -> None:
    client.control("tokens", {"value": "second", "owner": "olivia-operator"})
    _limits(client, core=1)
    assert client.get("issues").status_code == 200
    client.session.headers["Authorization"] = "Bearer second"
    assert client.get("issues").status_code == 403


def test_unknown_limit_is_refused(client: Client) -> None:
    answer = client.control("config", {"limits": {"cores": 1}})
    assert (answer.status_code, "Unknown limit 'cores'" in answer.json()["message"]) == (400, True)
