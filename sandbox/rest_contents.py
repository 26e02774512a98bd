"""Files and folders by path."""

from __future__ import annotations

import base64
import binascii

from sandbox import git, issues, rest, shapes_git
from sandbox.errors import Refusal, not_found
from sandbox.model import Repository
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)


@routes.route("GET", rest.REPO + "/contents")
@routes.route("GET", rest.REPO + "/contents/{path:path}")
def get(request: Request) -> Response:
    """A file with its text, or the list of a folder."""
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    path, at = request.params.get("path", "").strip("/"), request.query.get("ref") or repository.default_branch
    found = git.entry(repository.git, git.resolve(repository.git, at).tree, path)
    if found is None:
        raise not_found()
    kind, sha = found
    if kind == "blob":
        return Response.json(shapes_git.content(shapes, repository, path, kind, sha, at, True))
    prefix = f"{path}/" if path else ""
    entries = repository.git.trees[sha].items()
    return Response.json(
        [
            shapes_git.content(shapes, repository, prefix + name, inner, held, at, False)
            for name, (_, inner, held) in entries
        ]
    )


@routes.route("PUT", rest.REPO + "/contents/{path:path}")
def put(request: Request) -> Response:
    """One file in one commit; the sha of the present file is asked for when there is one."""
    repository, path = rest.repository_of(request), git.check_path(request.params["path"].strip("/"))
    issues.check_writable(repository)
    body = rest.fields_of(request, message=str, content=str, sha=str, branch=str)
    rest.require_write(request, repository)
    branch = body.get("branch") or repository.default_branch
    before = git.entry(repository.git, git.head(repository.git, branch).tree, path)
    _check_sha(path, before, body.get("sha"))
    try:
        content = base64.b64decode(body.get("content") or "")
    except binascii.Error as error:
        raise Refusal(422, "content is not valid Base64") from error
    sha = commit_files(request, repository, branch, {path: content}, body.get("message") or f"Update {path}")
    shapes = rest.shapes_of(request)
    blob = git.put_blob(repository.git, content)
    return Response.json(
        {
            "content": shapes_git.content(shapes, repository, path, "blob", blob, branch, False),
            "commit": shapes_git.git_commit(shapes, repository, repository.git.commits[sha]),
        },
        200 if before else 201,
    )


@routes.route("DELETE", rest.REPO + "/contents/{path:path}")
def delete(request: Request) -> Response:
    repository, path = rest.repository_of(request), request.params["path"].strip("/")
    issues.check_writable(repository)
    body = rest.fields_of(request, message=str, sha=str, branch=str) | request.query
    rest.require_write(request, repository)
    branch = body.get("branch") or repository.default_branch
    before = git.entry(repository.git, git.head(repository.git, branch).tree, path)
    if before is None:
        raise not_found()
    _check_sha(path, before, body.get("sha"))
    sha = commit_files(request, repository, branch, {path: None}, body.get("message") or f"Delete {path}")
    shapes = rest.shapes_of(request)
    commit = shapes_git.git_commit(shapes, repository, repository.git.commits[sha])
    return Response.json({"content": None, "commit": commit})


def commit_files(request: Request, repository: Repository, branch: str, files: git.Files, message: str) -> str:
    world, call, store = request.sandbox.world, request.call, repository.git
    head = git.head(store, branch)
    tree = git.with_files(store, head.tree, files)
    sha = git.commit(store, tree, [head.sha], message, call.actor, world.now())
    store.refs[f"heads/{branch}"] = sha
    call.note("ref", head.sha, sha, ref=f"refs/heads/{branch}", files=sorted(files))
    world.touch()
    return sha


def _check_sha(path: str, before: tuple[str, str] | None, sha: str | None) -> None:
    if before is None:
        return
    if before[0] == "tree":
        raise Refusal(422, f"{path} is a directory")
    if sha is None:
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if sha != before[1]:
        raise Refusal(409, f"{path} does not match {sha}")
