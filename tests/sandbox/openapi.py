"""GitHub's published OpenAPI description as a judge of recorded calls; in this process, without a server."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from sandbox.routing import Request, Response
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("GITHUB_OPENAPI", ROOT / "node_modules/@octokit/openapi/generated/api.github.com.json"))
PREFIX = "/api/v3"
# Undocumented, and seen in public repositories (GITHUB.md, section 2): the description knows none of them.
COPILOT_EVENTS = {"copilot_work_started", "copilot_work_finished", "copilot_work_finished_failure"}


@dataclass(frozen=True)
class Exchange:
    """One call of the REST API as it went over the wire."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"


@dataclass
class Recorder:
    exchanges: list[Exchange] = field(default_factory=list)

    def note(self, request: Request, response: Response) -> None:
        if not request.path.startswith(PREFIX + "/") or response.abort:
            return
        answer = json.loads(response.body) if response.body else None
        path = request.path.removeprefix(PREFIX)
        self.exchanges.append(Exchange(request.method, path, request.query, request.json(), response.status, answer))


@contextmanager
def recording(sandbox: Sandbox) -> Iterator[Recorder]:
    """Everything that passes `sandbox` while this is in force."""
    recorder, answer = Recorder(), sandbox.answer

    def noted(request: Request) -> Response:
        response = answer(request)
        recorder.note(request, response)
        return response

    sandbox.answer = noted  # type: ignore[method-assign]
    try:
        yield recorder
    finally:
        sandbox.answer = answer  # type: ignore[method-assign]


class Description:
    """Says of each exchange what does not fit."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._registry = Registry().with_resource("urn:github", DRAFT4.create_resource(spec))
        templates = sorted(spec["paths"], key=lambda template: template.count("{"))
        self._paths = [(template, re.compile(_expression(template))) for template in templates]

    def problems(self, exchange: Exchange) -> list[str]:
        found = self._operation(exchange)
        if found is None:
            return [f"{exchange}: the description has no such operation"]
        template, operation = found
        pointer = f"#/paths/{_escaped(template)}/{exchange.method.lower()}"
        return [
            f"{exchange}: {problem}"
            for problem in [
                *self._query(operation, exchange),
                *self._request(operation, pointer, exchange),
                *self._response(operation, pointer, exchange),
            ]
        ]

    def operation_of(self, exchange: Exchange) -> str:
        found = self._operation(exchange)
        return f"{exchange.method} {found[0]}" if found else "none"

    def _operation(self, exchange: Exchange) -> tuple[str, dict[str, Any]] | None:
        for template, expression in self._paths:
            operation = self._spec["paths"][template].get(exchange.method.lower())
            if operation and expression.fullmatch(exchange.path):
                return template, operation
        return None

    def _query(self, operation: dict[str, Any], exchange: Exchange) -> Iterator[str]:
        described = {entry["name"]: entry for entry in map(self._resolved, operation.get("parameters", []))}
        for name, value in exchange.query.items():
            entry = described.get(name)
            if entry is None or entry["in"] != "query":
                yield f"query parameter {name!r} is not described"
                continue
            schema = entry["schema"]
            typed = int(value) if schema.get("type") == "integer" and value.isdigit() else value
            yield from (f"query {name}: {error.message}" for error in self._validator(schema).iter_errors(typed))

    def _request(self, operation: dict[str, Any], pointer: str, exchange: Exchange) -> Iterator[str]:
        if exchange.body is None:
            if operation.get("requestBody", {}).get("required"):
                yield "a body is required"
        elif "requestBody" not in operation:
            yield "no body is described"
        else:
            yield from self._errors(f"{pointer}/requestBody/content/application~1json/schema", exchange.body, "request")

    def _response(self, operation: dict[str, Any], pointer: str, exchange: Exchange) -> Iterator[str]:
        described = operation["responses"].get(str(exchange.status))
        if described is None:
            # Most errors are described once for all (basic-error), not at each operation.
            if exchange.status == 304 and exchange.answer is None:
                return  # HTTP's own; described at some operations only
            if exchange.status < 400:
                yield "this status is not described"
            elif exchange.answer is not None:
                yield from self._errors("#/components/schemas/basic-error", exchange.answer, "error")
            return
        if "$ref" in described:
            pointer = described["$ref"]
            described = self._resolved(described)
        else:
            pointer = f"{pointer}/responses/{exchange.status}"
        kinds = [kind for kind in described.get("content", {}) if kind.startswith("application/") and "json" in kind]
        if exchange.answer is None:
            if kinds:
                yield "a body is described and none came"
        elif kinds:
            yield from self._errors(f"{pointer}/content/{_escaped(kinds[0])}/schema", exchange.answer, "answer")

    def _errors(self, pointer: str, value: Any, what: str) -> Iterator[str]:
        for error in self._validator({"$ref": f"urn:github{pointer}"}).iter_errors(_without_copilot(value)):
            yield f"{what} at {error.json_path}: {error.message[:300]}"

    def _validator(self, schema: dict[str, Any]) -> OAS30Validator:
        return OAS30Validator(schema, registry=self._registry, format_checker=oas30_format_checker)

    def _resolved(self, entry: dict[str, Any]) -> dict[str, Any]:
        value: Any = entry
        if "$ref" in entry:
            value = self._spec
            for part in entry["$ref"].removeprefix("#/").split("/"):
                value = value[part.replace("~1", "/").replace("~0", "~")]
        resolved: dict[str, Any] = value
        return resolved


@cache
def description() -> Description:
    """The description that the test set-up fetched; skipped by name without it."""
    if not FILE.exists():
        pytest.skip("no OpenAPI description: npm install --no-save @octokit/openapi@23.0.2")
    return Description(json.loads(FILE.read_text(encoding="utf-8"), object_hook=_as_meant))


def _as_meant(schema: dict[str, Any]) -> dict[str, Any]:
    """Two slips of the description, mended: enums that are `nullable` and lack null (GitHub answers null there), and
    a discriminator on answers that may be lists, which have no such property.
    """
    if schema.get("nullable") is True and isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"].append(None)
    if "oneOf" in schema:
        schema.pop("discriminator", None)
    return schema


def _expression(template: str) -> str:
    """`{path}` and `{ref}` may hold slashes; other parameters are one segment."""
    pieces = re.split(r"(\{\w+\})", template)
    wide = {"{path}": ".+", "{ref}": ".+"}
    return "".join(wide.get(piece, "[^/]+") if piece.startswith("{") else re.escape(piece) for piece in pieces)


def _escaped(text: str) -> str:
    """As a JSON pointer inside a URI fragment."""
    return text.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _without_copilot(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [entry for entry in value if not (isinstance(entry, dict) and entry.get("event") in COPILOT_EVENTS)]
