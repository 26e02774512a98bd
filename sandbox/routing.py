"""Requests, responses and the table of routes: the small part that every room of the sandbox builds on.

A module that answers requests declares its own table and adds it to `sandbox.installed.TABLES`:

    from sandbox.routing import Request, Response, Routes

    routes = Routes()

    @routes.route("GET", "/feeds/{name}.xml")
    def feed(request: Request) -> Response:
        return Response.text("<rss/>", content_type="application/rss+xml")

`{x}` matches one path segment (or a part of one), `{x:path}` the rest of the path. Parameters come percent-decoded.
Handlers run in the thread of their connection and must take `request.sandbox.world.lock` around shared state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from sandbox.call import Call
    from sandbox.server import Sandbox

_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


class BadJson(ValueError):
    """The body of a request is not JSON."""


@dataclass
class Request:
    """One HTTP request. `query` keeps the last value of each name; `headers[...]` ignores case."""

    sandbox: Sandbox
    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes
    base_url: str  # scheme, host and port as the client wrote them; no trailing slash
    params: dict[str, str] = field(default_factory=dict)
    _call: Call | None = None

    @property
    def call(self) -> Call:
        """Who calls, for routes of the GitHub API only."""
        if self._call is None:
            raise RuntimeError(f"{self.method} {self.path} is no route of the GitHub API and has no caller.")
        return self._call

    def header(self, name: str, default: str = "") -> str:
        value = self.headers.get(name)
        return default if value is None else str(value)

    def json(self) -> Any:
        """The parsed body; an empty body is None."""
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadJson(str(error)) from error

    def number(self, name: str) -> int:
        return int(self.params[name])


@dataclass
class Response:
    """What goes back. `abort`: send nothing more and close; `declared_length`: lie about the length (cut bodies)."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    abort: bool = False
    declared_length: int | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})

    @classmethod
    def text(cls, text: str, status: int = 200, content_type: str = "text/plain") -> Response:
        return cls(status, text.encode(), {"Content-Type": f"{content_type}; charset=utf-8"})

    @classmethod
    def html(cls, text: str, status: int = 200) -> Response:
        return cls.text(text, status, "text/html")

    @classmethod
    def empty(cls, status: int = 204, headers: dict[str, str] | None = None) -> Response:
        return cls(status, b"", dict(headers or {}))

    @property
    def phrase(self) -> str:
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"


Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Route:
    """`github`: goes through tokens, faults, limits and the event log."""

    method: str
    pattern: str
    handler: Handler
    github: bool
    expression: re.Pattern[str]


def _compile(pattern: str) -> re.Pattern[str]:
    parts, end = [], 0
    for match in _PARAMETER.finditer(pattern):
        parts.append(re.escape(pattern[end : match.start()]))
        parts.append(f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})")
        end = match.end()
    parts.append(re.escape(pattern[end:]))
    return re.compile("".join(parts))


class Routes:
    """A table of routes; `github` marks a table of the GitHub API and `prefix` goes before each pattern."""

    def __init__(self, *, prefix: str = "", github: bool = False) -> None:
        self.prefix = prefix
        self.github = github
        self.entries: list[Route] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """`pattern` is kept as written (without prefix): fault rules name routes by it."""
        self.entries.append(Route(method, pattern, handler, self.github, _compile(self.prefix + pattern)))

    def route(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.add(method, pattern, handler)
            return handler

        return register


class Router:
    """All tables together; the first route that matches wins."""

    def __init__(self, tables: Iterable[Routes]) -> None:
        self._routes = [entry for table in tables for entry in table.entries]

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for route in self._routes:
            if route.method == method and (found := route.expression.fullmatch(path)):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def knows(self, path: str) -> bool:
        """Whether some method has a route here (405 instead of 404)."""
        return any(route.expression.fullmatch(path) for route in self._routes)
