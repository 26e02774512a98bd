"""What `up` asks before it starts: one sentence for each thing that cannot work."""

from __future__ import annotations

import socket
from unittest.mock import Mock

import pytest
import responses
from django.db import DatabaseError, OperationalError, ProgrammingError

from controlplane import preflight, preparation
from controlplane.configuration import GitHubAccess
from controlplane.management.commands import up
from controlplane.preflight import NotReady, check_github, check_port, first_line
from tests.processes import free_port

URL = "https://api.github.com/repos/octo/repo"


def access(token: str = "t", repository: str = "octo/repo", handover: str = "") -> GitHubAccess:
    return GitHubAccess("https://api.github.com", repository, token, handover or token)


def test_a_busy_port_is_named_with_the_option_to_change() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(NotReady, match=f"Cannot listen on 127.0.0.1:{port}.*--sandbox-port"):
            check_port("127.0.0.1", port, "--sandbox-port")


@pytest.mark.parametrize("port", [0, -1, 70_000])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(NotReady, match=f"Port {port} does not exist; give one from 1 to 65535 with --port"):
        check_port("127.0.0.1", port, "--port")


def test_what_the_database_said_is_told_without_what_it_asks_back() -> None:
    said = (
        'connection to server at "127.0.0.1", port 1 failed: Connection refused\n\tIs the server running on that host?'
    )
    assert first_line(OperationalError(said)).endswith("port 1 failed: Connection refused")


def test_a_file_that_is_no_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    junk = Mock(ensure_connection=Mock(side_effect=DatabaseError("file is not a database")))
    monkeypatch.setattr(preflight, "connection", junk)
    with pytest.raises(NotReady, match=r"cannot be reached \(file is not a database\); correct DATABASE_URL"):
        preflight.check_database()


def test_one_port_for_web_and_sandbox_is_refused() -> None:
    port = free_port()
    with pytest.raises(NotReady, match=f"cannot share the port {port}"):
        up.Command()._check("127.0.0.1", port, port)


def test_database_in_which_nothing_may_be_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ProgrammingError("permission denied for schema public\nLINE 1: CREATE TABLE")
    monkeypatch.setattr(preparation, "migrate", Mock(side_effect=refusal))
    with pytest.raises(NotReady, match=r"\(permission denied for schema public\); give the user"):
        up.Command()._prepare()


@responses.activate
def test_a_renamed_repository_is_named_as_it_is_called_now() -> None:
    responses.get(URL, json={"full_name": "octo/renamed", "permissions": {"push": True}})
    with pytest.raises(NotReady, match="octo/repo is called octo/renamed now"):
        check_github(access())


def test_without_token_and_repository_nothing_is_asked() -> None:
    check_github(access("", ""))


@pytest.mark.parametrize(
    ("token", "repository", "words"),
    [("", "octo/repo", "GITHUB_TOKEN is missing"), ("t", "", "GITHUB_REPOSITORY is missing")],
)
def test_half_a_set_up_is_refused(token: str, repository: str, words: str) -> None:
    with pytest.raises(NotReady, match=words):
        check_github(access(token, repository))


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "wrong or has expired"), (403, "forbids"), (404, "shows no repository octo/repo"), (502, "answered 502")],
)
@responses.activate
def test_a_token_that_does_not_open_the_repository_is_refused(status: int, words: str) -> None:
    responses.get(URL, status=status, json={"message": "no"})
    with pytest.raises(NotReady, match=words):
        check_github(access())


@responses.activate
def test_a_token_that_may_only_read_is_refused() -> None:
    responses.get(URL, json={"permissions": {"push": False}})
    with pytest.raises(NotReady, match="not write to it"):
        check_github(access())


@responses.activate
def test_a_page_that_is_not_githubs_is_refused() -> None:
    responses.get(URL, body="<html>")
    with pytest.raises(NotReady, match="not GitHub's REST address"):
        check_github(access())


@responses.activate
def test_both_tokens_are_tried() -> None:
    responses.get(URL, json={"permissions": {"push": True}})
    check_github(access(handover="u"))
    sent = [call.request.headers["Authorization"] for call in responses.calls]
    assert sent == ["Bearer t", "Bearer u"]


def test_an_unreachable_github_is_named() -> None:
    with pytest.raises(NotReady, match=r"cannot be reached at http://127\.0\.0\.1:9"):
        check_github(GitHubAccess("http://127.0.0.1:9", "octo/repo", "t", "t"))
