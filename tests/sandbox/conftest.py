"""A sandbox of its own for each test, over real HTTP on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from github import Auth, Github
from github.Repository import Repository

from sandbox.clock import ManualClock
from sandbox.seed import APP_TOKEN, USER_TOKEN
from sandbox.server import Sandbox

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FEATURES = {"GraphQL-Features": "issues_copilot_assignment_api_support"}
COPILOT = "copilot-swe-agent[bot]"


class Client:
    """Plain HTTP to the demonstration repository; paths are relative to it unless they begin with a slash."""

    def __init__(self, sandbox: Sandbox, token: str = USER_TOKEN) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        place = path if path.startswith("/") else f"/repos/demo/field-notes/{path}".rstrip("/")
        address = f"{self.sandbox.url}/api/v3{place}"
        return self.session.request(method, address, json=json, timeout=10, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.send("POST", path, json, **options)

    def issue(self, title: str = "An issue", **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.post("issues", {"title": title, **more}).json()
        return made

    def graphql(self, query: str, features: bool = True, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        headers = FEATURES if features else {}
        answer = self.session.post(f"{self.sandbox.url}/api/graphql", json=body, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        parsed: dict[str, Any] = answer.json()
        return parsed

    def control(self, path: str, json: Any = None, method: str | None = None) -> requests.Response:
        verb = method or ("GET" if json is None else "POST")
        return requests.request(verb, f"{self.sandbox.url}/_sandbox/{path}", json=json, timeout=10)

    def fault(self, code: str, **rule: Any) -> None:
        answer = self.control("faults", {"code": code, **rule})
        assert answer.status_code == 201, answer.text


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    made = Client(sandbox)
    with made.session:
        yield made


@pytest.fixture
def app(sandbox: Sandbox) -> Iterator[Client]:
    """The same, with an installation's token."""
    made = Client(sandbox, APP_TOKEN)
    with made.session:
        yield made


@pytest.fixture
def pygithub(sandbox: Sandbox) -> Iterator[Repository]:
    with Github(
        auth=Auth.Token(USER_TOKEN),
        base_url=f"{sandbox.url}/api/v3",
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        per_page=100,
    ) as github:
        yield github.get_repo("demo/field-notes")
