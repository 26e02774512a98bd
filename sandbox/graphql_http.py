"""GraphQL over HTTP: one document, variables, 200 with what worked and a list of what did not."""

from __future__ import annotations

from typing import Any

from sandbox import graphql_issue_types, graphql_mutations, graphql_types
from sandbox.graphql_execute import Execution, Spoil
from sandbox.graphql_parser import Document, Field, Operation, ParseError, parse
from sandbox.graphql_schema import Check, Context
from sandbox.routing import BadJson, Request, Response, Routes
from sandbox.shapes import Shapes

routes = Routes(github=True)
graphql_types.install()
graphql_issue_types.install()
graphql_mutations.install()


class BadQuery(Exception):
    """Rejected before anything ran; `errors` as GraphQL lists them."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = list(errors)


@routes.route("POST", "/api/graphql")
def serve(request: Request) -> Response:
    return run(request, Spoil())


def top_fields(request: Request) -> tuple[str, ...]:
    """For faults and the log: "query" or "mutation", then the names of the fields at the top."""
    try:
        _, operation, _ = _read(request)
    except (BadJson, BadQuery):
        return ("query",)
    return operation.kind, *(item.name for item in operation.selections if isinstance(item, Field))


def run(request: Request, spoil: Spoil) -> Response:
    """The answer; the world's lock is held."""
    try:
        document, operation, variables = _read(request)
        problems = Check(document).operation(operation)
        if problems:
            raise BadQuery(*problems)
    except BadQuery as error:
        return Response.json({"errors": error.errors})
    sandbox = request.sandbox
    context = Context(sandbox.world, Shapes(sandbox.world, request.base_url), request.call, sandbox.limits)
    execution = Execution(context, document, operation, variables, spoil)
    answer: dict[str, Any] = {"data": execution.run()}
    if execution.errors:
        answer["errors"] = execution.errors
    return Response.json(answer)


def _read(request: Request) -> tuple[Document, Operation, dict[str, Any]]:
    body = request.json()
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise BadQuery({"message": "A query attribute must be specified and must be a string."})
    try:
        document = parse(body["query"])
    except ParseError as error:
        raise BadQuery({"message": str(error), "locations": [{"line": error.line, "column": error.column}]}) from error
    operation = document.operation(body.get("operationName"))
    if operation is None:
        raise BadQuery({"message": "An operation name is required"})
    return document, operation, _variables(operation, body.get("variables") or {})


def _variables(operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for definition in operation.variables:
        if definition.name in given:
            values[definition.name] = given[definition.name]
        elif definition.has_default:
            values[definition.name] = definition.default
        if definition.type.endswith("!") and values.get(definition.name) is None:
            message = f"Variable ${definition.name} of type {definition.type} was provided invalid value"
            raise BadQuery({"message": message, "extensions": {"value": None}})
    return values
