"""Comments on issues and pull requests."""

from __future__ import annotations

from sandbox import issues, rest
from sandbox.errors import forbidden, not_found, validation_failed
from sandbox.model import Comment, Issue, Repository
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)
COMMENT = rest.REPO + "/issues/comments/{id}"


@routes.route("GET", rest.REPO + "/issues/{number}/comments")
def listed(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    found = issue.comments
    if "since" in request.query:
        since = rest.parse_time(request.query["since"])
        found = [comment for comment in found if comment.updated_at >= since]
    shapes = rest.shapes_of(request)
    return rest.page(request, found, lambda comment: shapes.comment(repository, issue, comment))


@routes.route("GET", rest.REPO + "/issues/comments")
def everywhere(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    pairs = [(issue, made) for issue in repository.issues.values() if not issue.deleted for made in issue.comments]
    if "since" in request.query:
        since = rest.parse_time(request.query["since"])
        pairs = [pair for pair in pairs if pair[1].updated_at >= since]
    pairs.sort(key=lambda pair: pair[1].id, reverse=request.query.get("direction") == "desc")
    return rest.page(request, pairs, lambda pair: shapes.comment(repository, *pair))


@routes.route("POST", rest.REPO + "/issues/{number}/comments")
def create(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    body = rest.fields_of(request, body=str)
    if not body.get("body"):
        raise validation_failed("IssueComment", "body", "missing_field")
    made = issues.comment(request.sandbox.world, repository, issue, request.call, body["body"])
    shape = rest.shapes_of(request).comment(repository, issue, made)
    return Response.json(shape, 201, {"Location": shape["url"]})


@routes.route("GET", COMMENT)
def get(request: Request) -> Response:
    repository, issue, made = _comment(request)
    return Response.json(rest.shapes_of(request).comment(repository, issue, made))


@routes.route("PATCH", COMMENT)
def edit(request: Request) -> Response:
    repository, issue, made = _own_comment(request)
    body = rest.fields_of(request, body=str)
    if not body.get("body"):
        raise validation_failed("IssueComment", "body", "missing_field")
    issues.edit_comment(request.sandbox.world, repository, issue, request.call, made, body["body"])
    return Response.json(rest.shapes_of(request).comment(repository, issue, made))


@routes.route("DELETE", COMMENT)
def delete(request: Request) -> Response:
    repository, issue, made = _own_comment(request)
    issues.edit_comment(request.sandbox.world, repository, issue, request.call, made, None)
    return Response.empty()


def _comment(request: Request) -> tuple[Repository, Issue, Comment]:
    repository = rest.repository_of(request)
    found = issues.find_comment(repository, rest.number_of(request, "id"))
    if found is None:
        raise not_found()
    return repository, *found


def _own_comment(request: Request) -> tuple[Repository, Issue, Comment]:
    repository, issue, made = _comment(request)
    if made.author != request.call.actor and request.call.actor not in repository.collaborators:
        raise forbidden("Must have admin rights to Repository.")
    return repository, issue, made
