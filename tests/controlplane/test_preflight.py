"""What `up` asks before it starts: one sentence for each thing that cannot work."""

from __future__ import annotations

import socket

import pytest
import responses

from controlplane.configuration import GitHubAccess
from controlplane.preflight import NotReady, check_github, check_port

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


def test_a_port_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NotReady, match="Port 70000 does not exist"):
        check_port("127.0.0.1", 70_000, "--port")


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
