"""The only place that constructs PyGithub: one client per task, no retry, no pacing and no redirect of its own.

PyGithub's retry repeats POST on 5xx, its pacing is per process, and one instance shared by threads mixes up answers
(GITHUB.md, section 5); so all three are off, and every request passes the meter (`pipeline.services.governor`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse
from requests import RequestException

from pipeline.github import errors
from pipeline.github.errors import Asked
from pipeline.github.port import GitHubError

API_VERSION = "2022-11-28"
TIMEOUT_SECONDS = 12  # GitHub itself cuts a request at 10 s
PER_PAGE = 100
MAX_PAGES = 1000
USER_AGENT = "controlplane"
ACCEPT = "application/vnd.github+json"
EFFECT_HEADER = "X-Controlplane-Effect"
COPILOT_FEATURES = {"GraphQL-Features": "issues_copilot_assignment_api_support,coding_agent_model_selection"}


_LINK = re.compile(r'<([^>]*)>[^,]*?;\s*rel="([^"]*)"')


class _AsSent:
    """What PyGithub sees of an answer: UTF-8, and no address that it would follow with the same verb and body."""

    @staticmethod
    def of(answer: RequestsResponse) -> RequestsResponse:
        answer.response.encoding = "utf-8"
        if answer.status in (301, 302, 307, 308) and "location" in answer.headers:
            answer.headers["x-moved-to"] = answer.headers.pop("location")
        return answer


class _Http(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _AsSent.of(super().getresponse())


class _Https(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _AsSent.of(super().getresponse())


Requester.injectConnectionClasses(_Http, _Https)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the meter records it. `limited` is "primary", "secondary" or empty; no `status`: no answer."""

    method: str
    route: str
    protocol: str
    write: bool
    status: int | None
    headers: Mapping[str, str]
    duration_ms: int
    limited: str = ""


class Meter(Protocol):
    """Paces and counts requests."""

    def admit(self, write: bool, protocol: str, *, method: str = "", route: str = "") -> int | None:
        """Wait for a turn; raise QuotaExhausted when it is too far off. Returns a ticket for `record`."""
        ...

    def record(self, call: Call, ticket: int | None = None) -> datetime | None:
        """Count the request; returns until when GitHub wants us to wait, when it refused for its limits."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One REST request. `route` is its template; `effect` the `key:hash` of the intent behind a write."""

    method: str
    path: str
    route: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    effect: str = ""

    @property
    def asked(self) -> Asked:
        return Asked(self.method, self.path, self.method != "GET")


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx or 304. `data` is parsed JSON, None for an empty body; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def next_page(self) -> int | None:
        """The page number behind rel="next" of the Link header."""
        page = self.next_query.get("page", "")
        return int(page) if page.isdecimal() else None

    @property
    def next_query(self) -> dict[str, str]:
        """All that the Link header asks for in the next page; GitHub adds a cursor to long lists. Empty: the last."""
        for address, relation in _LINK.findall(self.headers.get("link", "")):
            if relation == "next":
                return {name: values[0] for name, values in Requester.get_parameters_of_url(address).items()}
        return {}


@dataclass(frozen=True, slots=True)
class Reply:
    """A GraphQL answer that got as far as `data`; `errors` may name parts that failed."""

    data: Mapping[str, Any]
    errors: tuple[Mapping[str, Any], ...]


class Client:
    """One credential at one server. Not to be shared between threads."""

    def __init__(self, api_url: str, token: str, meter: Meter, *, timeout: int = TIMEOUT_SECONDS) -> None:
        self._meter = meter
        self._requester = Github(
            auth=Auth.Token(token),
            base_url=api_url.rstrip("/"),
            timeout=timeout,
            per_page=PER_PAGE,
            user_agent=USER_AGENT,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
            api_version=API_VERSION,
        ).requester

    def close(self) -> None:
        self._requester.close()

    def rest(self, ask: Ask) -> Answer:
        """Send one REST request. Raises GitHubError for anything but 2xx and 304."""
        headers = {"Accept": ACCEPT, **ask.headers}
        if ask.effect:
            headers[EFFECT_HEADER] = ask.effect
        asked = ask.asked
        status, seen, text = self._send(asked, "rest", ask.route, ask.path, ask.params, headers, ask.body)
        if not (200 <= status < 300 or status == 304):
            raise errors.from_status(asked, status, seen, text)
        return Answer(status, seen, None if status in (204, 304) else _parsed(asked, status, text))

    def pages(self, ask: Ask) -> list[Any]:
        """All entries of a list, page after page."""
        entries: list[Any] = []
        query: Mapping[str, Any] = {"per_page": PER_PAGE, **ask.params}
        for _ in range(MAX_PAGES):
            answer = self.rest(Ask(ask.method, ask.path, ask.route, query))
            if not isinstance(answer.data, list):
                raise errors.unreadable(ask.asked, "a list was expected", answer.status)
            entries += answer.data
            query = answer.next_query
            if not query:
                return entries
        raise errors.unreadable(ask.asked, f"it goes on after {MAX_PAGES} pages")

    def graphql(
        self, name: str, query: str, variables: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one GraphQL request; `name` stands for it in records. Raises GitHubError when there is no `data`."""
        write = query.lstrip().startswith("mutation")
        asked = Asked("POST", f"/graphql ({name})", write)
        body = {"query": query, "variables": dict(variables)}
        status, seen, text = self._send(
            asked, "graphql", f"graphql {name}", self._requester.graphql_url, {}, dict(headers or {}), body
        )
        if status != 200:
            raise errors.from_status(asked, status, seen, text)
        return _reply(asked, _parsed(asked, status, text))

    def _send(
        self,
        asked: Asked,
        protocol: str,
        route: str,
        url: str,
        params: Mapping[str, Any],
        headers: dict[str, str],
        body: Mapping[str, Any] | None,
    ) -> tuple[int, dict[str, str], str]:
        ticket = self._meter.admit(asked.write, protocol, method=asked.method, route=route)
        started = time.monotonic()

        def record(status: int | None, seen: Mapping[str, str], limited: str = "") -> datetime | None:
            spent = int((time.monotonic() - started) * 1000)
            call = Call(asked.method, route, protocol, asked.write, status, seen, spent, limited)
            return self._meter.record(call, ticket)

        try:
            status, raw, text = self._requester.requestJson(
                asked.method, url, parameters=dict(params), headers=headers, input=body
            )
        except RequestException as error:
            record(None, {})
            raise errors.from_transport(asked, error) from error
        seen = {str(name): str(value) for name, value in raw.items()}
        if "x-moved-to" in seen:
            seen["location"] = seen["x-moved-to"]
        limited = errors.limit_kind(status, seen, text)
        if protocol == "graphql" and status == 200 and "RATE_LIMIT" in text and _all_limited(text):
            limited = "primary" if seen.get("x-ratelimit-remaining") == "0" else "secondary"
        until = record(status, seen, limited)
        if limited:
            raise errors.exhausted(asked, status, limited, until or datetime.now(UTC))
        return status, seen, text


def _parsed(asked: Asked, status: int, text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.unreadable(asked, "it is not whole JSON", status) from error


def _all_limited(text: str) -> bool:
    """Whether a GraphQL answer with status 200 is nothing but a refusal for limits."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(body, dict) or any((body.get("data") or {}).values()):
        return False
    kinds = [str(error.get("type", "")) for error in body.get("errors") or () if isinstance(error, dict)]
    return bool(kinds) and all(kind.startswith("RATE_LIMIT") for kind in kinds)


def _reply(asked: Asked, body: Any) -> Reply:
    if not isinstance(body, dict):
        raise errors.unreadable(asked, "an object was expected")
    failures = tuple(error for error in body.get("errors") or () if isinstance(error, dict))
    data = body.get("data")
    if isinstance(data, dict):
        return Reply(data, failures)
    if not failures:
        raise errors.unreadable(asked, "it has neither data nor errors")
    raise graphql_error(asked, failures[0])


def graphql_error(asked: Asked, failure: Mapping[str, Any]) -> GitHubError:
    """One entry of `errors` as an error of ours. A query that was never run has `extensions.code` instead of a type."""
    extensions = failure.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    kind = str(failure.get("type") or ("undefinedField" if code else ""))
    return errors.from_graphql(asked, kind, str(failure.get("message") or ""))
