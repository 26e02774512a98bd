"""GraphQL over HTTP."""

from __future__ import annotations

from sandbox.errors import Refusal
from sandbox.routing import Request, Response, Routes

routes = Routes(github=True)


def top_fields(request: Request) -> tuple[str, ...]:
    return ("query",)


def run(request: Request, fields: int | None) -> Response:
    return Response.json({"data": None})


def refuse_all(request: Request, refusal: Refusal) -> Response:
    return refusal.response()


@routes.route("POST", "/api/graphql")
def serve(request: Request) -> Response:
    return run(request, None)
