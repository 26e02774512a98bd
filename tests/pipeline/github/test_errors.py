"""One mapper: each status, message and exception has its type and one sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import requests
from urllib3 import exceptions as urllib3

from pipeline.github import errors
from pipeline.github.errors import Asked
from pipeline.github.port import (
    BadCredentials,
    Conflict,
    GitHubError,
    Gone,
    Locked,
    Moved,
    NotFound,
    Refused,
    Transient,
    UnknownFate,
)

WRITE = Asked("POST", "/repos/a/b/issues", write=True)
REFUSED = urllib3.MaxRetryError(cast(Any, None), "/", urllib3.NewConnectionError(cast(Any, None), "refused"))
READ = Asked("GET", "/repos/a/b/issues", write=False)


def said(message: str, **more: object) -> str:
    return json.dumps({"message": message, **more})


@pytest.mark.parametrize(
    ("status", "text", "on_write", "on_read"),
    [
        (500, "", UnknownFate, Transient),
        (502, "<html>", UnknownFate, Transient),
        (503, said("Service Unavailable"), UnknownFate, Transient),
        (408, "", UnknownFate, Transient),
        (412, "", UnknownFate, Refused),
        (401, said("Bad credentials"), BadCredentials, BadCredentials),
        (403, said("Resource not accessible by integration"), Refused, Refused),
        (403, said("Unable to create comment because issue is locked."), Locked, Locked),
        (403, said("Repository was archived so is read-only."), Locked, Locked),
        (404, said("Not Found"), NotFound, NotFound),
        (409, said("Git Repository is empty."), Conflict, Conflict),
        (410, said("This issue was deleted"), Gone, Gone),
        (301, said("Moved Permanently"), Moved, Moved),
        (307, "", Moved, Moved),
        (422, said("Reference already exists"), Conflict, Conflict),
        (422, said("Validation Failed", errors=[{"field": "name", "code": "already_exists"}]), Conflict, Conflict),
        (422, said("Validation Failed", errors=["body is too long"]), Refused, Refused),
        (422, said("Issue not found"), Transient, Transient),
        (418, "teapot", Refused, Refused),
    ],
)
def test_status_has_its_type(status: int, text: str, on_write: type[GitHubError], on_read: type[GitHubError]) -> None:
    for asked, kind in ((WRITE, on_write), (READ, on_read)):
        error = errors.from_status(asked, status, {"location": "/elsewhere"}, text)
        assert type(error) is kind
        assert error.status == status
        assert str(asked) in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "text", "kind"),
    [
        (429, {}, "", "secondary"),
        (429, {"x-ratelimit-remaining": "0"}, "", "primary"),
        (403, {"x-ratelimit-remaining": "0"}, "", "primary"),
        (403, {"retry-after": "3"}, "", "secondary"),
        (403, {"x-ratelimit-remaining": "9"}, said("You have exceeded a secondary rate limit"), "secondary"),
        (403, {"x-ratelimit-remaining": "9"}, said("Must have admin rights to Repository."), ""),
        (200, {"x-ratelimit-remaining": "0"}, "", ""),
    ],
)
def test_limit_is_recognised(status: int, headers: dict[str, str], text: str, kind: str) -> None:
    assert errors.limit_kind(status, headers, text) == kind


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("NOT_FOUND", "Could not resolve to a node", NotFound),
        ("FORBIDDEN", "Resource not accessible", Refused),
        ("FORBIDDEN", "Repository was archived so is read-only.", Locked),
        ("UNPROCESSABLE", "A ref named x already exists in the repository.", Conflict),
        ("STALE_DATA", "Expected branch to point to abc", Conflict),
        ("UNPROCESSABLE", "Body is too long", Refused),
        ("INSUFFICIENT_SCOPES", "Your token has not been granted", Refused),
        ("RATE_LIMITED", "API rate limit exceeded", Transient),
        ("", "Something went wrong while executing your query.", UnknownFate),
    ],
)
def test_graphql_error_has_its_type(kind: str, message: str, expected: type[GitHubError]) -> None:
    assert type(errors.from_graphql(WRITE, kind, message)) is expected


def test_unexplained_graphql_error_on_a_read_is_tried_later() -> None:
    assert type(errors.from_graphql(READ, "", "Something went wrong")) is Transient


@pytest.mark.parametrize(
    ("error", "on_write"),
    [
        (requests.ConnectTimeout(), Transient),
        (requests.ConnectionError(REFUSED), Transient),
        (requests.ReadTimeout(), UnknownFate),
        (requests.ConnectionError(urllib3.ProtocolError("Connection aborted.")), UnknownFate),
        (requests.exceptions.ChunkedEncodingError(urllib3.IncompleteRead(1, 2)), UnknownFate),
        (requests.exceptions.SSLError("bad record"), UnknownFate),
    ],
)
def test_lost_connection_is_unknown_unless_nothing_was_sent(error: Exception, on_write: type[GitHubError]) -> None:
    assert type(errors.from_transport(WRITE, error)) is on_write
    assert type(errors.from_transport(READ, error)) is Transient


def test_limit_says_until_when() -> None:
    error = errors.exhausted(WRITE, 403, "primary", datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    assert "2026-11-02 09:30:00 UTC" in str(error)
    assert not error.secondary


def test_message_is_taken_from_json_only_and_cut() -> None:
    assert errors.message_of("<html>secret</html>") == ""
    assert errors.message_of("[1]") == ""
    assert len(errors.message_of(said("x" * 9000))) == 400
