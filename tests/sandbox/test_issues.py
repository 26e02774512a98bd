"""Issues over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from github.Repository import Repository

from sandbox.clock import ManualClock
from sandbox.seed import REVIEWER
from sandbox.server import Sandbox
from tests.sandbox.conftest import Client


def test_pygithub_creates_labels_comments_and_closes(pygithub: Repository) -> None:
    issue = pygithub.create_issue("Hello", body="World", labels=["monitor::triage"])
    issue.add_to_labels("state::discovery")
    issue.create_comment("Seen")
    issue.edit(state="closed", state_reason="not_planned")
    again = pygithub.get_issue(issue.number)
    assert sorted(label.name for label in again.labels) == ["monitor::triage", "state::discovery"]
    assert [comment.body for comment in again.get_comments()] == ["Seen"]
    assert (again.state, again.state_reason) == ("closed", "not_planned")
    assert [event.event for event in again.get_timeline()] == ["labeled", "labeled", "commented", "closed"]


def test_list_mixes_pull_requests_in_and_pages_with_links(client: Client) -> None:
    for number in range(5):
        client.issue(f"Issue {number}")
    first = client.get("issues", params={"state": "all", "per_page": "2", "direction": "asc"})
    assert [issue["number"] for issue in first.json()] == [1, 2]
    following = first.links["next"]["url"]
    assert [issue["number"] for issue in client.session.get(following).json()] == [3, 4]
    assert first.links["last"]["url"].endswith("page=3")


def test_list_since_holds_what_changed_at_that_second_or_later(client: Client, clock: ManualClock) -> None:
    old, fresh = client.issue("Old")["number"], client.issue("Fresh")["number"]
    clock.move(timedelta(minutes=5))
    moment = clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    client.send("PATCH", f"issues/{fresh}", {"body": "Edited"})
    found = client.get("issues", params={"since": moment, "state": "all"}).json()
    assert [issue["number"] for issue in found] == [fresh]
    assert old != fresh


def test_unchanged_list_is_answered_304_and_costs_nothing(client: Client) -> None:
    client.issue()
    first = client.get("issues")
    second = client.get("issues", headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    client.issue()
    assert client.get("issues", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_etag_differs_by_token(client: Client, app: Client) -> None:
    assert client.get("issues").headers["ETag"] != app.get("issues").headers["ETag"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"title": "x", "body": "y" * 65_537}, "body is too long (maximum is 65536 characters)"),
        ({"title": "x" * 257}, "title is too long (maximum is 256 characters)"),
        ({"title": "x", "labels": ["l" * 51]}, "name is too long (maximum is 50 characters)"),
    ],
)
def test_texts_beyond_the_limits_are_refused(client: Client, body: dict[str, object], message: str) -> None:
    answer = client.post("issues", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == message
    assert client.get("issues").json() == []


def test_body_of_exactly_the_limit_is_kept(client: Client) -> None:
    body = "😀" * 65_536
    assert client.issue(body=body)["body"] == body


@pytest.mark.parametrize("wrong", [{"labels": ["l" * 51]}, {"state": "ajar"}, {"title": "t" * 257}])
def test_refused_edit_changes_nothing(client: Client, wrong: dict[str, object]) -> None:
    number = client.issue(body="before")["number"]
    assert client.send("PATCH", f"issues/{number}", {"body": "after", **wrong}).status_code == 422
    assert client.get(f"issues/{number}").json()["body"] == "before"


def test_labels_compare_without_case_and_delete_of_an_absent_one_is_404(client: Client) -> None:
    number = client.issue(labels=["State::Discovery"])["number"]
    client.post(f"issues/{number}/labels", {"labels": ["state::discovery"]})
    assert [label["name"] for label in client.get(f"issues/{number}/labels").json()] == ["State::Discovery"]
    assert client.send("DELETE", f"issues/{number}/labels/STATE%3A%3ADISCOVERY").json() == []
    assert client.send("DELETE", f"issues/{number}/labels/gone").status_code == 404


def test_unknown_assignee_is_dropped_in_silence(client: Client) -> None:
    number = client.issue()["number"]
    answer = client.post(f"issues/{number}/assignees", {"assignees": ["nobody-here", REVIEWER]})
    assert answer.status_code == 201
    assert [user["login"] for user in answer.json()["assignees"]] == [REVIEWER]
    assert client.get(f"issues/{number}/assignees/nobody-here").status_code == 404


@pytest.mark.parametrize(("action", "status"), [("delete", 410), ("transfer", 301)])
def test_deleted_is_gone_and_transferred_has_moved(client: Client, action: str, status: int) -> None:
    client.control("repositories", {"owner": "demo", "name": "archive"})
    number = client.issue()["number"]
    act = {"action": action, "repository": "demo/field-notes", "number": number, "to": "demo/archive"}
    assert client.control("human", act).status_code == 200
    answer = client.get(f"issues/{number}")
    assert answer.status_code == status
    assert answer.headers.get("Location", "").endswith("/repos/demo/archive/issues/1") == (status == 301)
    assert client.get(f"issues/{number}/comments").status_code == (410 if status == 410 else 404)
    assert client.get("issues", params={"state": "all"}).json() == []


def test_locked_issue_takes_no_comment_from_a_stranger(sandbox: Sandbox, client: Client) -> None:
    client.control("tokens", {"value": "stranger", "owner": "stranger"})
    number = client.issue()["number"]
    client.send("PUT", f"issues/{number}/lock", {"lock_reason": "spam"})
    stranger = Client(sandbox, "stranger")
    with stranger.session:
        answer = stranger.post(f"issues/{number}/comments", {"body": "Hi"})
    assert (answer.status_code, answer.json()["message"]) == (403, "Unable to create comment because issue is locked.")


def test_archived_repository_refuses_writes(client: Client) -> None:
    assert client.send("PATCH", "", {"archived": True}).json()["archived"] is True
    answer = client.post("issues", {"title": "Too late"})
    assert (answer.status_code, answer.json()["message"]) == (403, "Repository was archived so is read-only.")


def test_conditional_write_is_refused(client: Client) -> None:
    number = client.issue()["number"]
    answer = client.send("PATCH", f"issues/{number}", {"body": "x"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 400
    assert client.get(f"issues/{number}").json()["body"] is None


def test_wrong_token_and_unknown_repository(sandbox: Sandbox, client: Client) -> None:
    stranger = Client(sandbox, "wrong")
    with stranger.session:
        answer = stranger.get("issues")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    assert client.get("/repos/demo/absent").status_code == 404


def test_body_that_is_no_json_is_a_clear_400(client: Client) -> None:
    answer = client.session.post(f"{client.sandbox.url}/api/v3/repos/demo/field-notes/issues", data="{oops", timeout=5)
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_comment_is_edited_and_deleted(client: Client) -> None:
    number = client.issue()["number"]
    made = client.post(f"issues/{number}/comments", {"body": "One"}).json()
    assert client.send("PATCH", f"issues/comments/{made['id']}", {"body": "Two"}).json()["body"] == "Two"
    assert client.send("DELETE", f"issues/comments/{made['id']}").status_code == 204
    assert client.get(f"issues/{number}/comments").json() == []
