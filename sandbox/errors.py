"""Refusals as GitHub words them."""

from __future__ import annotations

from typing import Any

from sandbox.routing import Response

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """GitHub says no. `status` and `message` for REST, `kind` for GraphQL's errors[].type."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "UNPROCESSABLE",
        errors: list[Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> Response:
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        body |= {"documentation_url": DOCS, "status": str(self.status)}
        return Response.json(body, self.status, self.headers)


def not_found() -> Refusal:
    return Refusal(404, "Not Found", kind="NOT_FOUND")


def validation_failed(resource: str, field: str, code: str, message: str | None = None) -> Refusal:
    error = {"resource": resource, "field": field, "code": code}
    if message:
        error["message"] = message
    return Refusal(422, "Validation Failed", errors=[error])


def forbidden(message: str) -> Refusal:
    return Refusal(403, message, kind="FORBIDDEN")
