"""Foreign JSON: the right shape becomes a value, a wrong one a clear error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.domain.snapshot import COPILOT_USER_ID, Actor
from pipeline.github import parse

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ISSUE: dict[str, Any] = {
    "number": 7,
    "node_id": "I_7",
    "title": "A convoy",
    "body": None,
    "labels": [{"name": "site-monitor"}, "plain"],
    "assignees": [],
    "state": "open",
    "locked": False,
    "user": None,
    "author_association": "NONE",
    "html_url": "https://github.com/a/b/issues/7",
    "created_at": "2026-11-02T08:00:00Z",
    "updated_at": "2026-11-02T09:00:00+01:00",
    "closed_at": None,
}


def test_issue_without_body_and_author_is_read() -> None:
    issue = parse.issue(ISSUE, AT)
    assert (issue.body, issue.author, issue.labels) == ("", parse.GHOST, ("site-monitor", "plain"))
    assert issue.updated_at == AT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": "7"}, "'number' should be int, not str"),
        ({"number": True}, "'number' should be int, not bool"),
        ({"created_at": "yesterday"}, "'created_at' is no time"),
        ({"labels": None}, "a list was expected"),
        ({"title": None}, "'title' should be str, not NoneType"),
        ({"assignees": [{"id": 1}]}, "'login' is missing"),
    ],
)
def test_wrong_shape_names_the_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(parse.ShapeError, match=said):
        parse.issue({**ISSUE, **change}, AT)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_no_object_at_all_is_a_wrong_shape(data: Any) -> None:
    with pytest.raises(parse.ShapeError):
        parse.repository(data)


@pytest.mark.parametrize(
    "data",
    [
        {"login": "Copilot", "id": COPILOT_USER_ID, "type": "Bot"},
        {"login": "copilot-swe-agent[bot]", "id": 5, "type": "Bot"},
        {"login": "copilot-swe-agent", "__typename": "Bot"},
    ],
)
def test_copilot_is_one_actor_in_all_its_spellings(data: dict[str, Any]) -> None:
    assert parse.actor(data) == Actor("Copilot", COPILOT_USER_ID, "Bot")


def test_person_called_copilot_is_not_the_agent() -> None:
    assert not parse.actor({"login": "copilot", "id": 9, "type": "User"}).is_copilot


def test_bot_has_the_same_login_by_either_protocol() -> None:
    by_graphql = parse.actor({"login": "dependabot", "__typename": "Bot", "databaseId": 4})
    assert by_graphql == parse.actor({"login": "dependabot[bot]", "type": "Bot", "id": 4})


def test_unknown_timeline_event_is_kept_whole() -> None:
    event = parse.event({"event": "copilot_work_finished_failure", "failure_message": "quota", "new": {"x": 1}})
    assert (event.event, event.message, event.at, event.actor) == ("copilot_work_finished_failure", "quota", None, None)
    assert event.raw["new"] == {"x": 1}


def test_cross_reference_from_a_pull_request_carries_its_number() -> None:
    source = {"issue": {"number": 12, "pull_request": {"url": "x"}}}
    assert parse.event({"event": "cross-referenced", "source": source}).pull_number == 12
    assert parse.event({"event": "cross-referenced", "source": {"issue": {"number": 12}}}).pull_number is None


@pytest.mark.parametrize(
    ("told", "home"),
    [
        ({"repository": {"full_name": "acme/watch"}}, "acme/watch"),
        ({"repository_url": "https://api.github.com/repos/acme/watch"}, "acme/watch"),
        ({}, ""),
    ],
)
def test_cross_reference_tells_where_its_pull_request_lives(told: dict[str, Any], home: str) -> None:
    source = {"issue": {"number": 12, "pull_request": {"url": "x"}, **told}}
    assert parse.event({"event": "cross-referenced", "source": source}).pull_repository == home
