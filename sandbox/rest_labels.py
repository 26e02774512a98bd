"""Labels of the repository and of one issue."""

from __future__ import annotations

from typing import Any

from sandbox import issues, labels, rest
from sandbox.errors import Refusal, validation_failed
from sandbox.model import Issue, Repository
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)
LABELS = rest.REPO + "/labels"
ISSUE_LABELS = rest.REPO + "/issues/{number}/labels"


@routes.route("GET", LABELS)
def listed(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    ordered = sorted(repository.labels, key=lambda label: label.name.lower())
    return rest.page(request, ordered, lambda label: shapes.label(repository, label))


@routes.route("POST", LABELS)
def create(request: Request) -> Response:
    repository = _writable(request)
    body = rest.fields_of(request, name=str, color=str, description=str)
    if "name" not in body:
        raise validation_failed("Label", "name", "missing_field")
    color = body.get("color") or "ededed"
    label = labels.create(request.sandbox.world, repository, request.call, body["name"], color, body.get("description"))
    shape = rest.shapes_of(request).label(repository, label)
    return Response.json(shape, 201, {"Location": shape["url"]})


@routes.route("GET", LABELS + "/{name}")
def get(request: Request) -> Response:
    repository = rest.repository_of(request)
    return Response.json(rest.shapes_of(request).label(repository, labels.get(repository, request.params["name"])))


@routes.route("DELETE", LABELS + "/{name}")
def delete(request: Request) -> Response:
    labels.delete(request.sandbox.world, _writable(request), request.call, request.params["name"])
    return Response.empty()


@routes.route("GET", ISSUE_LABELS)
def of_issue(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    return Response.json(rest.shapes_of(request).issue_labels(repository, issue))


@routes.route("POST", ISSUE_LABELS)
def add(request: Request) -> Response:
    repository, issue = _writable_issue(request)
    labels.add(request.sandbox.world, repository, issue, request.call, _label_names(request))
    return Response.json(rest.shapes_of(request).issue_labels(repository, issue))


@routes.route("PUT", ISSUE_LABELS)
def replace(request: Request) -> Response:
    repository, issue = _writable_issue(request)
    labels.replace(request.sandbox.world, repository, issue, request.call, _label_names(request))
    return Response.json(rest.shapes_of(request).issue_labels(repository, issue))


@routes.route("DELETE", ISSUE_LABELS)
def clear(request: Request) -> Response:
    repository, issue = _writable_issue(request)
    labels.replace(request.sandbox.world, repository, issue, request.call, [])
    return Response.empty()


@routes.route("DELETE", ISSUE_LABELS + "/{name}")
def remove(request: Request) -> Response:
    repository, issue = _writable_issue(request)
    name = request.params["name"]
    if not labels.carries(issue, name):
        raise Refusal(404, "Label does not exist", kind="NOT_FOUND")
    labels.remove(request.sandbox.world, repository, issue, request.call, [name])
    return Response.json(rest.shapes_of(request).issue_labels(repository, issue))


def _label_names(request: Request) -> list[str]:
    """An object with `labels`, or a bare list; names of more than 50 characters are refused."""
    body: Any = request.json()
    values = body.get("labels") if isinstance(body, dict) else body
    if not isinstance(values, list):
        raise Refusal(422, 'Invalid request.\n\nNo subschema in "oneOf" matched: labels must be a list.')
    return rest.names(values)


def _writable(request: Request) -> Repository:
    repository = rest.repository_of(request)
    issues.check_writable(repository)
    rest.require_write(request, repository)
    return repository


def _writable_issue(request: Request) -> tuple[Repository, Issue]:
    repository, issue = rest.issue_of(request)
    issues.check_writable(repository)
    rest.require_write(request, repository)
    return repository, issue
