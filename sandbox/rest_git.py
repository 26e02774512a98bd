"""Git's own objects: refs, trees, commits, blobs."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from sandbox import git, issues, pulls, rest, shapes_git
from sandbox.errors import Refusal, not_found
from sandbox.model import Repository
from sandbox.routing import Request, Response, Routes

routes = Routes(prefix=rest.PREFIX, github=True)
GIT = rest.REPO + "/git"


@routes.route("GET", GIT + "/ref/{ref:path}")
def ref(request: Request) -> Response:
    repository = rest.repository_of(request)
    if request.params["ref"] not in repository.git.refs:
        raise not_found()
    return Response.json(shapes_git.ref(rest.shapes_of(request), repository, request.params["ref"]))


@routes.route("GET", GIT + "/matching-refs/{ref:path}")
def matching_refs(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    found = sorted(short for short in repository.git.refs if short.startswith(request.params["ref"]))
    return rest.page(request, found, lambda short: shapes_git.ref(shapes, repository, short))


@routes.route("POST", GIT + "/refs")
def create_ref(request: Request) -> Response:
    repository = _writable(request)
    body = rest.fields_of(request, ref=str, sha=str)
    if not body.get("ref") or not body.get("sha"):
        raise Refusal(422, 'Invalid request.\n\n"ref" and "sha" must be supplied.')
    short = git.create_ref(repository.git, body["ref"], body["sha"])
    request.call.note("ref", None, body["sha"], ref=body["ref"])
    request.sandbox.world.touch()
    shape = shapes_git.ref(rest.shapes_of(request), repository, short)
    return Response.json(shape, 201, {"Location": shape["url"]})


@routes.route("PATCH", GIT + "/refs/{ref:path}")
def move_ref(request: Request) -> Response:
    repository, short = _writable(request), request.params["ref"]
    body = rest.fields_of(request, sha=str, force=bool)
    before = repository.git.refs.get(short)
    if before is None:
        raise Refusal(422, "Reference does not exist")
    if body.get("sha") not in repository.git.commits:
        raise Refusal(422, "Object does not exist")
    if not body.get("force") and before not in git.ancestors(repository.git, body["sha"]):
        raise Refusal(422, "Update is not a fast forward")
    repository.git.refs[short] = body["sha"]
    request.call.note("ref", before, body["sha"], ref=f"refs/{short}")
    request.sandbox.world.touch()
    return Response.json(shapes_git.ref(rest.shapes_of(request), repository, short))


@routes.route("DELETE", GIT + "/refs/{ref:path}")
def delete_ref(request: Request) -> Response:
    pulls.delete_branch(request.sandbox.world, _writable(request), request.call, request.params["ref"])
    return Response.empty()


@routes.route("GET", GIT + "/trees/{sha:path}")
def tree(request: Request) -> Response:
    repository, sha = rest.repository_of(request), request.params["sha"]
    if sha not in repository.git.trees:
        sha = git.resolve(repository.git, sha).tree
    return Response.json(shapes_git.tree(rest.shapes_of(request), repository, sha, "recursive" in request.query))


@routes.route("POST", GIT + "/trees")
def create_tree(request: Request) -> Response:
    repository = _writable(request)
    body = rest.fields_of(request, base_tree=str, tree=list)
    base = body.get("base_tree")
    if base and base in repository.git.commits:
        base = repository.git.commits[base].tree
    if base and base not in repository.git.trees:
        raise Refusal(422, "base_tree is not a valid tree oid")
    files = dict(_tree_file(repository, item) for item in body.get("tree") or [])
    if not files:
        raise Refusal(422, "Invalid tree info")
    sha = git.with_files(repository.git, base, files)
    request.call.note("tree", None, sha)
    request.sandbox.world.touch()
    return Response.json(shapes_git.tree(rest.shapes_of(request), repository, sha, False), 201)


def _tree_file(repository: Repository, item: Any) -> tuple[str, bytes | None]:
    path = git.check_path(str(item.get("path") or "") if isinstance(item, dict) else "")
    if "content" in item:
        return path, str(item["content"]).encode()
    return path, git.blob(repository.git, item["sha"]) if item.get("sha") else None


@routes.route("GET", GIT + "/commits/{sha}")
def commit(request: Request) -> Response:
    repository = rest.repository_of(request)
    if request.params["sha"] not in repository.git.commits:
        raise not_found()
    found = repository.git.commits[request.params["sha"]]
    return Response.json(shapes_git.git_commit(rest.shapes_of(request), repository, found))


@routes.route("POST", GIT + "/commits")
def create_commit(request: Request) -> Response:
    repository, store = _writable(request), rest.repository_of(request).git
    body = rest.fields_of(request, message=str, tree=str, parents=list)
    if body.get("tree") not in store.trees:
        raise Refusal(422, "Tree SHA does not exist")
    if any(parent not in store.commits for parent in body.get("parents") or []):
        raise Refusal(422, "Parent SHA does not exist or is not a commit object")
    world, call = request.sandbox.world, request.call
    sha = git.commit(store, body["tree"], body.get("parents") or [], body.get("message") or "", call.actor, world.now())
    call.note("commit", None, sha)
    world.touch()
    return Response.json(shapes_git.git_commit(rest.shapes_of(request), repository, store.commits[sha]), 201)


@routes.route("GET", GIT + "/blobs/{sha}")
def blob(request: Request) -> Response:
    repository, sha = rest.repository_of(request), request.params["sha"]
    content = git.blob(repository.git, sha)
    return Response.json(
        {
            "sha": sha,
            "node_id": f"B_{sha}",
            "size": len(content),
            "url": f"{rest.shapes_of(request).repo_url(repository)}/git/blobs/{sha}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
    )


@routes.route("POST", GIT + "/blobs")
def create_blob(request: Request) -> Response:
    repository = _writable(request)
    body = rest.fields_of(request, content=str, encoding=str)
    text = body.get("content") or ""
    try:
        content = base64.b64decode(text, validate=False) if body.get("encoding") == "base64" else text.encode()
    except binascii.Error as error:
        raise Refusal(422, "content is not valid Base64") from error
    sha = git.put_blob(repository.git, content)
    request.sandbox.world.touch()
    url = f"{rest.shapes_of(request).repo_url(repository)}/git/blobs/{sha}"
    return Response.json({"sha": sha, "url": url}, 201)


def _writable(request: Request) -> Repository:
    repository = rest.repository_of(request)
    issues.check_writable(repository)
    rest.require_write(request, repository)
    return repository
