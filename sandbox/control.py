"""`/_sandbox`: faults, configuration, time, people and the event log. No token; the sandbox listens on loopback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from sandbox import codec, people, seed
from sandbox.clock import ManualClock
from sandbox.errors import Refusal
from sandbox.faults import CODES, BadFault
from sandbox.model import Issue, Repository
from sandbox.routing import Handler, Request, Response, Routes

routes = Routes(prefix="/_sandbox")


def _guarded(handler: Callable[[Request, dict[str, Any]], Any]) -> Handler:
    """Under the world's lock, with the body as an object; what is wrong comes back as one sentence."""

    @wraps(handler)
    def guarded(request: Request) -> Response:
        if request.header("Origin", request.base_url) != request.base_url:
            return Response.json({"message": "A page of another site may not drive the sandbox."}, 403)
        body = request.json() or {}
        if not isinstance(body, dict):
            return Response.json({"message": "The body must be a JSON object."}, 400)
        try:
            with request.sandbox.world.lock:
                value = handler(request, body)
        except Refusal as refusal:
            return refusal.response()
        except KeyError as error:
            return Response.json({"message": f"The key {error} is missing."}, 400)
        except (BadFault, ValueError, TypeError) as error:
            return Response.json({"message": str(error)}, 400)
        return value if isinstance(value, Response) else Response.json(value)

    return guarded


@routes.route("GET", "/health")
@_guarded
def health(request: Request, _body: dict[str, Any]) -> Any:
    return {"ok": True, "repositories": [item.full_name for item in request.sandbox.world.state.repositories.values()]}


@routes.route("GET", "/faults")
@_guarded
def faults(request: Request, _body: dict[str, Any]) -> Any:
    return {"faults": request.sandbox.faults.listed(), "codes": CODES}


@routes.route("POST", "/faults")
@_guarded
def add_fault(request: Request, body: dict[str, Any]) -> Any:
    return Response.json(asdict(request.sandbox.faults.add(body)), 201)


@routes.route("DELETE", "/faults")
@_guarded
def clear_faults(request: Request, _body: dict[str, Any]) -> Any:
    return {"removed": request.sandbox.faults.remove()}


@routes.route("DELETE", "/faults/{id}")
@_guarded
def remove_fault(request: Request, _body: dict[str, Any]) -> Any:
    return {"removed": request.sandbox.faults.remove(request.number("id"))}


@routes.route("GET", "/events")
@_guarded
def events(request: Request, _body: dict[str, Any]) -> Any:
    after, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "5000"))
    return {"events": request.sandbox.log.after(after, limit)}


@routes.route("POST", "/config")
@_guarded
def configure(request: Request, body: dict[str, Any]) -> Any:
    request.sandbox.configure(body)
    return _config(request)


@routes.route("GET", "/config")
@_guarded
def config(request: Request, _body: dict[str, Any]) -> Any:
    return _config(request)


def _config(request: Request) -> dict[str, Any]:
    settings = request.sandbox.settings
    return {
        "latency_ms": settings.latency_ms,
        "speed": settings.speed,
        "limits": asdict(settings.limits),
        "copilot": settings.copilot.dump(),
    }


@routes.route("POST", "/advance")
@_guarded
def advance(request: Request, body: dict[str, Any]) -> Any:
    """`to` (ISO 8601) or `by` (seconds), for a sandbox on a virtual clock; without them: what is due by now."""
    world, clock = request.sandbox.world, request.sandbox.clock
    if body:
        if not isinstance(clock, ManualClock):
            raise ValueError("This sandbox runs on the wall clock; start it with --virtual-from to move its time.")
        clock.set(datetime.fromisoformat(body["to"]) if "to" in body else clock() + timedelta(seconds=body["by"]))
    request.sandbox.advance(clock())
    return {"now": world.precise_now().isoformat()}


@routes.route("POST", "/human")
@_guarded
def human(request: Request, body: dict[str, Any]) -> Any:
    """One act of a person: {"action", "repository", "number", "as", ...}; see `sandbox.people`."""
    return people.act(request.sandbox.world, body)


@routes.route("POST", "/tokens")
@_guarded
def add_token(request: Request, body: dict[str, Any]) -> Any:
    kind = body.get("kind", "user")
    if kind not in ("user", "installation", "app"):
        raise ValueError(f"Unknown kind of token {kind!r}; known are user, installation, app.")
    world = request.sandbox.world
    token = seed.add_token(
        world, body["value"], body.get("name", body["owner"]), body["owner"], kind, body.get("scopes", ["repo"])
    )
    for full_name in body.get("repositories", []):
        repository = world.named(full_name)
        if token.owner not in repository.collaborators:
            repository.collaborators.append(token.owner)
    return Response.json({"name": token.name, "owner": token.owner, "kind": token.kind}, 201)


@routes.route("DELETE", "/tokens/{value}")
@_guarded
def revoke_token(request: Request, _body: dict[str, Any]) -> Any:
    gone = request.sandbox.world.state.tokens.pop(request.params["value"], None)
    request.sandbox.world.touch()
    return {"removed": int(gone is not None)}


@routes.route("POST", "/repositories")
@_guarded
def add_repository(request: Request, body: dict[str, Any]) -> Any:
    world = request.sandbox.world
    if f"{body['owner']}/{body['name']}".lower() in world.state.repositories:
        raise ValueError(f"There is a repository {body['owner']}/{body['name']} already.")
    made = seed.add_repository(
        world, body["owner"], body["name"], files=body.get("files"), description=body.get("description", "")
    )
    made.collaborators += [login for login in body.get("collaborators", []) if login not in made.collaborators]
    made.copilot_enabled = request.sandbox.settings.copilot.assignable
    return Response.json({"full_name": made.full_name}, 201)


@routes.route("GET", "/state")
@_guarded
def state(request: Request, _body: dict[str, Any]) -> Any:
    """Repositories with their issues in short, and Copilot's sessions; `?repository=owner/name` for one."""
    world, wanted = request.sandbox.world, request.query.get("repository", "").lower()
    chosen = [item for key, item in world.state.repositories.items() if wanted in ("", key)]
    return {
        "now": world.precise_now().isoformat(),
        "repositories": {item.full_name: _summary(item) for item in chosen},
        "sessions": codec.dump(world.state.sessions),
        "extras": world.state.extras,
    }


def _summary(repository: Repository) -> dict[str, Any]:
    return {
        "archived": repository.archived,
        "refs": repository.git.refs,
        "labels": [label.name for label in repository.labels],
        "issues": [_issue(issue) for issue in repository.issues.values()],
    }


def _issue(issue: Issue) -> dict[str, Any]:
    names = ("number", "title", "body", "state", "state_reason", "labels", "assignees", "locked", "deleted", "moved_to")
    shape = {name: getattr(issue, name) for name in names}
    shape["comments"] = [comment.body for comment in issue.comments]
    shape["pull"] = (
        {"head": issue.pull.head, "base": issue.pull.base, "merged": bool(issue.pull.merged_at)} if issue.pull else None
    )
    return shape
