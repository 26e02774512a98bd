"""The repository itself, its branches and commits."""

from __future__ import annotations

from sandbox import git, rest, shapes_git
from sandbox.errors import forbidden, not_found
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)


@routes.route("GET", rest.REPO)
def get(request: Request) -> Response:
    return Response.json(shapes_git.full_repository(rest.shapes_of(request), rest.repository_of(request)))


@routes.route("GET", "/repositories/{id}")
def by_id(request: Request) -> Response:
    found = request.sandbox.world.repository_by_id(rest.number_of(request, "id"))
    if found is None:
        raise not_found()
    return Response.json(shapes_git.full_repository(rest.shapes_of(request), found))


@routes.route("PATCH", rest.REPO)
def edit(request: Request) -> Response:
    """`archived` and `description`. An archived repository can only be brought back."""
    repository = rest.repository_of(request)
    body = rest.fields_of(request, archived=bool, description=str)
    rest.require_write(request, repository)
    if repository.archived and body.get("archived") is not False:
        raise forbidden("Repository was archived so is read-only.")
    for name in ("archived", "description"):
        if body.get(name) is not None:
            request.call.note(name, getattr(repository, name), body[name])
            setattr(repository, name, body[name])
    request.sandbox.world.touch()
    return Response.json(shapes_git.full_repository(rest.shapes_of(request), repository))


@routes.route("GET", rest.REPO + "/branches")
def branches(request: Request) -> Response:
    repository, url = rest.repository_of(request), rest.shapes_of(request).api
    names = sorted(ref.removeprefix("heads/") for ref in repository.git.refs if ref.startswith("heads/"))

    def show(name: str) -> dict[str, object]:
        sha = repository.git.refs[f"heads/{name}"]
        commit = {"sha": sha, "url": f"{url}/repos/{repository.full_name}/commits/{sha}"}
        return {"name": name, "commit": commit, "protected": False}

    return rest.page(request, names, show)


@routes.route("GET", rest.REPO + "/branches/{branch:path}")
def branch(request: Request) -> Response:
    repository, name = rest.repository_of(request), request.params["branch"]
    if f"heads/{name}" not in repository.git.refs:
        return Response.json({"message": "Branch not found", "status": "404"}, 404)
    return Response.json(shapes_git.branch(rest.shapes_of(request), repository, name))


@routes.route("GET", rest.REPO + "/commits")
def commits(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    start = git.resolve(repository.git, request.query.get("sha") or repository.default_branch)
    found = [repository.git.commits[sha] for sha in git.ancestors(repository.git, start.sha)]
    if "since" in request.query:
        since = rest.parse_time(request.query["since"])
        found = [commit for commit in found if commit.created_at >= since]
    return rest.page(request, found, lambda commit: shapes_git.commit(shapes, repository, commit))


@routes.route("GET", rest.REPO + "/commits/{ref:path}")
def commit(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    found = git.resolve(repository.git, request.params["ref"])
    files = shapes_git.changed_files(shapes, repository, found.parents[0] if found.parents else None, found.sha)
    total = {name: sum(file[name] for file in files) for name in ("additions", "deletions")}
    stats = {**total, "total": sum(total.values())}
    return Response.json(shapes_git.commit(shapes, repository, found) | {"stats": stats, "files": files})


@routes.route("GET", rest.REPO + "/compare/{span:path}")
def compare(request: Request) -> Response:
    repository = rest.repository_of(request)
    base, dots, head = request.params["span"].partition("...")
    if not dots:
        raise not_found()
    ends = [git.resolve(repository.git, name.rpartition(":")[2]) for name in (base, head)]
    return Response.json(shapes_git.comparison(rest.shapes_of(request), repository, *ends))


@routes.route("GET", rest.REPO + "/collaborators/{login}")
def collaborator(request: Request) -> Response:
    if request.params["login"] not in rest.repository_of(request).collaborators:
        raise not_found()
    return Response.empty()
