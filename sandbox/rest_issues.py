"""Issues: list, create, read, edit; their timeline, assignees and lock."""

from __future__ import annotations

from typing import Any

from sandbox import assignees, issues, labels, rest
from sandbox.errors import Refusal, not_found
from sandbox.model import COPILOT_ASSIGNABLE, Issue, Repository
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)
ISSUE = rest.REPO + "/issues/{number}"
KINDS: dict[str, type | tuple[type, ...]] = {
    "labels": list,
    "assignees": list,
    "title": (str, int),
    "body": str,
    "agent_assignment": dict,
}


@routes.route("GET", rest.REPO + "/issues")
def listed(request: Request) -> Response:
    """Pull requests mixed in, as on GitHub."""
    repository = rest.repository_of(request)
    found = [issue for issue in repository.issues.values() if _wanted(request, issue)]
    downwards = request.query.get("direction", "desc") != "asc"
    sort = request.query.get("sort", "created")
    found.sort(key=lambda issue: (_sort_key(issue, sort), issue.number), reverse=downwards)
    shapes = rest.shapes_of(request)
    return rest.page(request, found, lambda issue: shapes.issue(repository, issue))


def _wanted(request: Request, issue: Issue) -> bool:
    query = request.query
    if issue.deleted or issue.moved_to:
        return False
    if query.get("state", "open") not in ("all", issue.state):
        return False
    if "since" in query and issue.updated_at < rest.parse_time(query["since"]):
        return False
    if "creator" in query and issue.author.lower() != query["creator"].lower():
        return False
    if "assignee" in query and not _assigned(issue, query["assignee"]):
        return False
    return all(labels.carries(issue, name) for name in query.get("labels", "").split(",") if name)


def _sort_key(issue: Issue, sort: str) -> Any:
    if sort == "comments":
        return len(issue.comments)
    return issue.updated_at if sort == "updated" else issue.created_at


def _assigned(issue: Issue, wanted: str) -> bool:
    if wanted in ("none", "*"):
        return bool(issue.assignees) == (wanted == "*")
    return wanted.lower() in [login.lower() for login in issue.assignees]


@routes.route("POST", rest.REPO + "/issues")
def create(request: Request) -> Response:
    repository, world, call = rest.repository_of(request), request.sandbox.world, request.call
    body = rest.fields_of(request, **KINDS)
    if body.get("title") is None:
        raise Refusal(422, 'Invalid request.\n\n"title" wasn\'t supplied.')
    trusted = call.actor in repository.collaborators
    names = rest.names(body.get("labels") or []) if trusted else []
    logins = rest.names(body.get("assignees") or [], "login")
    assignees.check(repository, call, logins)
    issue = issues.create(world, repository, call, str(body["title"]), body.get("body") or "", names)
    if logins:
        assignees.add(world, repository, issue, call, logins, body.get("agent_assignment"))
    shape = rest.shapes_of(request).issue(repository, issue)
    return Response.json(shape, 201, {"Location": shape["url"]})


@routes.route("GET", ISSUE)
def get(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    return Response.json(rest.shapes_of(request).issue(repository, issue))


@routes.route("PATCH", ISSUE)
def edit(request: Request) -> Response:
    """Labels and assignees replace the set, as GitHub does."""
    repository, issue = rest.issue_of(request)
    world, call = request.sandbox.world, request.call
    body = rest.fields_of(request, **KINDS)
    issues.check_writable(repository)
    rest.require_write(request, repository)
    title = str(body["title"]) if body.get("title") is not None else None
    text = body["body"] or "" if "body" in body else None
    names, logins = rest.names(body.get("labels") or []), rest.names(body.get("assignees") or [], "login")
    issues.check_state(body.get("state"))
    labels.check_names(names)
    assignees.check(repository, call, logins)
    issues.edit(world, repository, issue, call, title, text)
    if body.get("labels") is not None:
        labels.replace(world, repository, issue, call, names)
    if body.get("assignees") is not None:
        assignees.replace(world, repository, issue, call, logins, body.get("agent_assignment"))
    if body.get("state") is not None:
        issues.set_state(world, repository, issue, call, body["state"], body.get("state_reason"))
    return Response.json(rest.shapes_of(request).issue(repository, issue))


@routes.route("GET", ISSUE + "/timeline")
def timeline(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    return rest.page(request, rest.shapes_of(request).timeline(repository, issue), lambda entry: entry)


@routes.route("GET", ISSUE + "/events")
def events(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    shapes = rest.shapes_of(request)
    kept = [entry for entry in issue.timeline if entry.event not in ("cross-referenced", "committed")]
    return rest.page(request, kept, lambda entry: shapes.entry(repository, entry))


@routes.route("POST", ISSUE + "/assignees")
def assign(request: Request) -> Response:
    repository, issue, body = _assignment(request)
    logins = rest.names(body.get("assignees") or [], "login")
    assignees.add(request.sandbox.world, repository, issue, request.call, logins, body.get("agent_assignment"))
    return Response.json(rest.shapes_of(request).issue(repository, issue), 201)


@routes.route("DELETE", ISSUE + "/assignees")
def unassign(request: Request) -> Response:
    repository, issue, body = _assignment(request)
    logins = rest.names(body.get("assignees") or [], "login")
    assignees.remove(request.sandbox.world, repository, issue, request.call, logins)
    return Response.json(rest.shapes_of(request).issue(repository, issue))


def _assignment(request: Request) -> tuple[Repository, Issue, dict[str, Any]]:
    repository, issue = rest.issue_of(request)
    body = rest.fields_of(request, assignees=list, agent_assignment=dict)
    rest.require_write(request, repository)
    return repository, issue, body


@routes.route("GET", ISSUE + "/assignees/{login}")
def can_assign_here(request: Request) -> Response:
    repository, _issue = rest.issue_of(request)
    return _assignable(repository, request.params["login"])


@routes.route("GET", rest.REPO + "/assignees/{login}")
def can_assign(request: Request) -> Response:
    return _assignable(rest.repository_of(request), request.params["login"])


def _assignable(repository: Repository, login: str) -> Response:
    if assignees.resolve(repository, login) is None:
        raise not_found()
    return Response.empty()


@routes.route("GET", rest.REPO + "/assignees")
def all_assignable(request: Request) -> Response:
    repository = rest.repository_of(request)
    extra = sorted(COPILOT_ASSIGNABLE) if repository.copilot_enabled else []
    shapes = rest.shapes_of(request)
    return rest.page(request, [*repository.collaborators, *extra], shapes.user)


@routes.route("PUT", ISSUE + "/lock")
def lock(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    body = rest.fields_of(request, lock_reason=str)
    rest.require_write(request, repository)
    issues.lock(request.sandbox.world, repository, issue, request.call, True, body.get("lock_reason"))
    return Response.empty()


@routes.route("DELETE", ISSUE + "/lock")
def unlock(request: Request) -> Response:
    repository, issue = rest.issue_of(request)
    rest.require_write(request, repository)
    issues.lock(request.sandbox.world, repository, issue, request.call, False)
    return Response.empty()
