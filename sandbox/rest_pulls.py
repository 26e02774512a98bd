"""Pull requests: list, open, read, edit, merge, review."""

from __future__ import annotations

from sandbox import git, issues, pulls, rest, shapes_git
from sandbox.errors import Refusal, not_found, validation_failed
from sandbox.model import Issue
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)
PULLS = rest.REPO + "/pulls"
PULL = PULLS + "/{number}"
VERDICTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


@routes.route("GET", PULLS)
def listed(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    found = [issue for issue in repository.issues.values() if _wanted(request, issue)]
    by_update = request.query.get("sort") == "updated"
    downwards = request.query.get("direction", "desc") != "asc"
    found.sort(key=lambda issue: (issue.updated_at if by_update else issue.created_at, issue.number), reverse=downwards)
    return rest.page(request, found, lambda issue: shapes_git.simple_pull(shapes, repository, issue))


def _wanted(request: Request, issue: Issue) -> bool:
    query = request.query
    if issue.pull is None or issue.deleted:
        return False
    head = query.get("head", "").rpartition(":")[2]
    return (
        query.get("state", "open") in ("all", issue.state)
        and head in ("", issue.pull.head)
        and query.get("base", "") in ("", issue.pull.base)
    )


@routes.route("POST", PULLS)
def create(request: Request) -> Response:
    repository = rest.repository_of(request)
    body = rest.fields_of(request, title=str, body=str, head=str, base=str, draft=bool)
    rest.require_write(request, repository)
    for name in ("title", "head", "base"):
        if not body.get(name):
            raise validation_failed("PullRequest", name, "missing_field")
    issue = pulls.create(
        request.sandbox.world, repository, request.call, body["title"], body.get("body") or "",
        body["head"], body["base"], bool(body.get("draft")),
    )  # fmt: skip
    shape = shapes_git.pull_request(rest.shapes_of(request), repository, issue)
    return Response.json(shape, 201, {"Location": shape["url"]})


@routes.route("GET", PULL)
def get(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    return Response.json(shapes_git.pull_request(rest.shapes_of(request), repository, issue))


@routes.route("PATCH", PULL)
def edit(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    world, call = request.sandbox.world, request.call
    body = rest.fields_of(request, title=str, body=str, state=str, base=str)
    rest.require_write(request, repository)
    text = body["body"] or "" if "body" in body else None
    state = body.get("state")
    issues.check_state(state)
    pulls.edit(world, repository, issue, call, body.get("title"), text, body.get("base"))
    if state and state != issue.state:
        act = pulls.close if state == "closed" else pulls.reopen
        act(world, repository, issue, call)
    return Response.json(shapes_git.pull_request(rest.shapes_of(request), repository, issue))


@routes.route("GET", PULL + "/files")
def files(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    head, base = shapes_git.shas(repository, issue)
    meeting = git.merge_base(repository.git, head, base)
    shown = shapes_git.changed_files(rest.shapes_of(request), repository, meeting, head)
    return rest.page(request, shown, lambda file: file)


@routes.route("GET", PULL + "/commits")
def commits(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    head, base = shapes_git.shas(repository, issue)
    shapes = rest.shapes_of(request)
    found = git.ahead(repository.git, base, head)
    return rest.page(request, found, lambda commit: shapes_git.commit(shapes, repository, commit))


@routes.route("GET", PULL + "/merge")
def is_merged(request: Request) -> Response:
    _repository, issue = rest.pull_of(request)
    if pulls.half(issue).merged_at is None:
        raise not_found()
    return Response.empty()


@routes.route("PUT", PULL + "/merge")
def merge(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    body = rest.fields_of(request, sha=str, commit_title=str)
    rest.require_write(request, repository)
    if body.get("sha") and body["sha"] != pulls.head_sha(repository, issue):
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    sha = pulls.merge(request.sandbox.world, repository, issue, request.call, body.get("commit_title"))
    return Response.json({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@routes.route("GET", PULL + "/reviews")
def reviews(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    shapes = rest.shapes_of(request)
    found = pulls.half(issue).reviews
    return rest.page(request, found, lambda item: shapes_git.review(shapes, repository, issue, item))


@routes.route("POST", PULL + "/reviews")
def review(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    body = rest.fields_of(request, event=str, body=str)
    rest.require_write(request, repository)
    if body.get("event") not in VERDICTS:
        raise validation_failed("PullRequestReview", "event", "invalid")
    world, verdict = request.sandbox.world, VERDICTS[body["event"]]
    made = pulls.review(world, repository, issue, request.call, verdict, body.get("body") or "")
    return Response.json(shapes_git.review(rest.shapes_of(request), repository, issue, made))


@routes.route("POST", PULL + "/requested_reviewers")
def request_reviewers(request: Request) -> Response:
    repository, issue = rest.pull_of(request)
    body = rest.fields_of(request, reviewers=list)
    rest.require_write(request, repository)
    for login in rest.names(body.get("reviewers") or [], "login"):
        pulls.request_review(request.sandbox.world, repository, issue, request.call, login)
    return Response.json(shapes_git.simple_pull(rest.shapes_of(request), repository, issue), 201)
