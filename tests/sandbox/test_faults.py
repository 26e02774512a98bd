"""Every fault: what the client sees, what was done, what the log says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from sandbox.clock import ManualClock
from sandbox.faults import CODES
from tests.sandbox.conftest import Client

ROUTE = "/repos/{owner}/{repo}/issues"
ISSUE_ROUTE = ROUTE + "/{number}"


def _count(client: Client) -> int:
    return len(client.get("issues", params={"state": "all"}).json())


@pytest.mark.parametrize(
    ("code", "status", "made"),
    [("F502B", 502, 0), ("F502A", 502, 1), ("F500", 500, 0), ("F503", 503, 0), ("F401", 401, 0), ("F422L", 422, 0)],
)
def test_server_error_with_and_without_the_write(client: Client, code: str, status: int, made: int) -> None:
    client.fault(code, method="POST", route=ROUTE)
    assert client.post("issues", {"title": "T"}, headers={"X-Controlplane-Effect": "run:7:ff"}).status_code == status
    assert _count(client) == made
    applied = client.sandbox.log.mutations()
    assert [(entry["effect"], entry["hash"], entry["fault"]) for entry in applied] == [("run:7", "ff", code)] * made
    assert client.post("issues", {"title": "T"}).status_code == 201


def test_dropped_connection_leaves_the_write_done_and_logged(client: Client) -> None:
    client.fault("FDROP", method="POST", route=ROUTE)
    with pytest.raises(requests.ConnectionError):
        client.post("issues", {"title": "T"})
    assert _count(client) == 1
    request = next(entry for entry in client.sandbox.log.after() if entry["kind"] == "request")
    assert (request["status"], "answered" in request) == (201, False)


def test_late_write_lands_after_its_time(client: Client, clock: ManualClock) -> None:
    client.fault("FLATE", method="POST", route=ROUTE, params={"late_s": 5})
    with pytest.raises(requests.ConnectionError):
        client.post("issues", {"title": "T"})
    assert _count(client) == 0
    clock.move(timedelta(seconds=6))
    client.sandbox.advance(clock())
    assert _count(client) == 1
    assert client.sandbox.log.mutations()[0]["fault"] == "FLATE"


@pytest.mark.parametrize("status", [403, 429])
def test_exhausted_quota_names_the_reset(client: Client, clock: ManualClock, status: int) -> None:
    client.fault("F403P", route=ROUTE, params={"reset_s": 120, "status": status})
    answer = client.get("issues")
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (status, "0")
    assert int(answer.headers["X-RateLimit-Reset"]) == int((clock() + timedelta(seconds=120)).timestamp())
    assert "limited_until" in client.sandbox.log.after()[-1]


@pytest.mark.parametrize(("params", "header"), [({"retry_after": 7}, "7"), ({"retry_after": None}, None)])
def test_secondary_limit_with_and_without_retry_after(client: Client, params: Any, header: str | None) -> None:
    client.fault("F403S", route=ROUTE, params=params)
    answer = client.get("issues")
    assert answer.status_code == 403
    assert "secondary rate limit" in answer.json()["message"]
    assert answer.headers.get("Retry-After") == header


@pytest.mark.parametrize(("code", "status"), [("F404H", 404), ("F404N", 404), ("F410", 410), ("F301", 301)])
def test_issue_that_seems_gone(client: Client, code: str, status: int) -> None:
    number = client.issue()["number"]
    client.fault(code, method="GET", route=ISSUE_ROUTE)
    assert client.get(f"issues/{number}").status_code == status
    assert client.get(f"issues/{number}").status_code == 200


def test_too_young_fault_spares_older_issues(client: Client, clock: ManualClock) -> None:
    old = client.issue()["number"]
    clock.move(timedelta(seconds=30))
    young = client.issue()["number"]
    client.fault("F404N", route=ISSUE_ROUTE, params={"status": 422})
    assert client.get(f"issues/{old}").status_code == 200
    assert client.get(f"issues/{young}").status_code == 422


@pytest.mark.parametrize(("archived", "word"), [(False, "locked"), (True, "archived")])
def test_locked_or_archived(client: Client, archived: bool, word: str) -> None:
    number = client.issue()["number"]
    client.fault("F403K", method="POST", params={"archived": archived})
    answer = client.post(f"issues/{number}/comments", {"body": "x"})
    assert answer.status_code == 403
    assert word in answer.json()["message"]


def test_stale_and_empty_lists(client: Client, clock: ManualClock) -> None:
    client.issue("Old")
    clock.move(timedelta(seconds=60))
    client.issue("Young")
    client.fault("FSTALE", route=ROUTE, params={"lag_s": 30})
    assert [issue["title"] for issue in client.get("issues").json()] == ["Old"]
    client.fault("FEMPTY", route=ROUTE)
    assert client.get("issues").json() == []
    assert _count(client) == 2


def test_ignored_label_and_assignee(client: Client) -> None:
    number = client.issue()["number"]
    client.fault("FIGN", method="POST", count=2)
    assert client.post(f"issues/{number}/labels", {"labels": ["bug"]}).json() == []
    assert client.post(f"issues/{number}/assignees", {"assignees": ["rosa-reviewer"]}).status_code == 201
    assert client.get(f"issues/{number}").json()["assignees"] == []
    assert [entry["applied"] for entry in client.sandbox.log.after() if entry.get("fault") and "applied" in entry] == [
        False,
        False,
    ]


@pytest.mark.parametrize(("applied", "body"), [(True, "new"), (False, None)])
def test_precondition_failed_and_yet_written(client: Client, applied: bool, body: str | None) -> None:
    number = client.issue()["number"]
    client.fault("F412W", method="PATCH", params={"applied": applied})
    assert client.send("PATCH", f"issues/{number}", {"body": "new"}).status_code == 412
    assert client.get(f"issues/{number}").json()["body"] == body


def test_slow_answer_does_not_hold_up_others(client: Client) -> None:
    client.fault("FSLOW", method="GET", route=ROUTE, params={"ms": 150})
    answer = client.get("issues")
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.15) == (200, True)


@pytest.mark.parametrize("how", ["cut", "html"])
def test_truncated_answer_is_no_json(client: Client, how: str) -> None:
    client.fault("FTRUNC", method="POST", params={"how": how})
    answer = client.post("issues", {"title": "T"})
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert _count(client) == 1


def test_short_answer_breaks_the_connection(client: Client) -> None:
    client.fault("FTRUNC", method="POST", params={"how": "short"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.post("issues", {"title": "T"})


def test_graphql_alias_is_refused_and_the_rest_done(client: Client) -> None:
    issue = client.issue()
    client.fault("F404N", graphql="addComment")
    answer = client.graphql(
        """mutation($id: ID!) { a: addComment(input: {subjectId: $id, body: "x"}) { subject { id } }
          b: updateIssue(input: {id: $id, body: "y"}) { issue { body } } }""",
        id=issue["node_id"],
    )
    assert (answer["data"]["a"], answer["data"]["b"]["issue"]["body"]) == (None, "y")
    assert answer["errors"][0]["type"] == "NOT_FOUND"


def test_graphql_request_is_done_in_part_before_a_502(client: Client) -> None:
    issue = client.issue()
    client.fault("F502A", graphql="mutation", params={"fields": 1})
    query = """mutation($id: ID!) { a: updateIssue(input: {id: $id, body: "y"}) { issue { id } }
      b: addComment(input: {subjectId: $id, body: "x"}) { subject { id } } }"""
    body = {"query": query, "variables": {"id": issue["node_id"]}}
    assert client.session.post(f"{client.sandbox.url}/api/graphql", json=body, timeout=5).status_code == 502
    seen = client.get(f"issues/{issue['number']}").json()
    assert (seen["body"], seen["comments"]) == ("y", 0)


def test_graphql_quota_is_told_with_200(client: Client) -> None:
    client.fault("F403P", graphql="*")
    answer = client.graphql("{ viewer { login } }")
    assert [error["type"] for error in answer["errors"]] == ["RATE_LIMITED"]


def test_rule_waits_counts_and_is_removed(client: Client) -> None:
    client.fault("F500", route=ROUTE, after=1, count=1)
    assert [client.get("issues").status_code for _ in range(3)] == [200, 500, 200]
    client.fault("F500", count=None, share=0.5)
    statuses = {client.get("issues").status_code for _ in range(40)}
    assert statuses == {200, 500}
    assert client.control("faults", method="DELETE").json()["removed"] == 2
    assert client.get("issues").status_code == 200


@pytest.mark.parametrize("rule", [{"code": "F999"}, {"code": "F500", "speed": 1}])
def test_rule_that_cannot_be_is_refused_with_a_sentence(client: Client, rule: dict[str, Any]) -> None:
    answer = client.control("faults", rule)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Unknown")


def test_all_codes_are_listed(client: Client) -> None:
    assert client.control("faults").json()["codes"] == CODES
