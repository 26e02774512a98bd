"""Webhooks of a repository, their deliveries, and delivering again."""

from __future__ import annotations

import json
from typing import Any

from sandbox import rest
from sandbox.errors import not_found, validation_failed
from sandbox.model import Delivery, Hook, Repository
from sandbox.routing import Request, Response, Routes
from sandbox.shapes import Shapes, iso

routes = Routes(prefix=rest.PREFIX, github=True)
HOOKS = rest.REPO + "/hooks"
HOOK = HOOKS + "/{id}"


def _show(shapes: Shapes, repository: Repository, hook: Hook) -> dict[str, Any]:
    url = f"{shapes.repo_url(repository)}/hooks/{hook.id}"
    last = hook.deliveries[-1].status_code if hook.deliveries else None
    config = {"url": hook.url, "content_type": "json", "insecure_ssl": "0"}
    if hook.secret:
        config["secret"] = "********"  # noqa: S105 - as GitHub shows it
    return {
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config,
        "updated_at": iso(hook.created_at),
        "created_at": iso(hook.created_at),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": {"code": last, "status": "active" if last else "unused", "message": None},
    }


@routes.route("GET", HOOKS)
def listed(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    return rest.page(request, repository.hooks, lambda hook: _show(shapes, repository, hook))


@routes.route("POST", HOOKS)
def create(request: Request) -> Response:
    repository, world = rest.repository_of(request), request.sandbox.world
    body = rest.fields_of(request, config=dict, events=list, active=bool)
    rest.require_write(request, repository)
    config = body.get("config") or {}
    if not str(config.get("url", "")).startswith(("http://", "https://")):
        raise validation_failed("Hook", "url", "custom", "url must be a URL with a supported scheme: http, https")
    if any(hook.url == config["url"] for hook in repository.hooks):
        raise validation_failed("Hook", "url", "custom", "Hook already exists on this repository")
    events = rest.names(body.get("events") or ["push"])
    hook = Hook(
        world.next_id(), config["url"], str(config.get("secret") or ""), events, world.now(), body.get("active", True)
    )
    repository.hooks.append(hook)
    request.call.note("hook", None, hook.id, url=hook.url)
    request.sandbox.hooks.ping(repository, hook)
    world.touch()
    return Response.json(_show(rest.shapes_of(request), repository, hook), 201)


@routes.route("GET", HOOK)
def get(request: Request) -> Response:
    repository, hook = _hook(request)
    return Response.json(_show(rest.shapes_of(request), repository, hook))


@routes.route("DELETE", HOOK)
def delete(request: Request) -> Response:
    repository, hook = _hook(request)
    rest.require_write(request, repository)
    repository.hooks.remove(hook)
    request.call.note("hook", hook.id, None, url=hook.url)
    request.sandbox.world.touch()
    return Response.empty()


@routes.route("GET", HOOK + "/deliveries")
def deliveries(request: Request) -> Response:
    repository, hook = _hook(request)
    newest_first = list(reversed(hook.deliveries))
    return rest.page(request, newest_first, lambda delivery: _show_delivery(repository, delivery))


@routes.route("GET", HOOK + "/deliveries/{delivery}")
def delivery(request: Request) -> Response:
    repository, hook = _hook(request)
    found = _delivery(request, hook)
    shown = _show_delivery(repository, found) | {
        "url": hook.url,
        "request": {"headers": {"X-GitHub-Delivery": found.guid}, "payload": json.loads(found.payload)},
        "response": {"headers": {}, "payload": None},
    }
    return Response.json(shown)


@routes.route("POST", HOOK + "/deliveries/{delivery}/attempts")
def redeliver(request: Request) -> Response:
    repository, hook = _hook(request)
    request.sandbox.hooks.redeliver(repository, hook, _delivery(request, hook))
    return Response.json({}, 202)


def _show_delivery(repository: Repository, found: Delivery) -> dict[str, Any]:
    return {
        "id": found.id,
        "guid": found.guid,
        "delivered_at": iso(found.delivered_at),
        "redelivery": found.redelivery,
        "duration": found.duration,
        "status": "OK"
        if 200 <= found.status_code < 300
        else "failed to connect"
        if not found.status_code
        else "Invalid",
        "status_code": found.status_code,
        "event": found.event,
        "action": found.action,
        "installation_id": None,
        "repository_id": repository.id,
        "throttled_at": None,
    }


def _hook(request: Request) -> tuple[Repository, Hook]:
    repository = rest.repository_of(request)
    for hook in repository.hooks:
        if hook.id == rest.number_of(request, "id"):
            return repository, hook
    raise not_found()


def _delivery(request: Request, hook: Hook) -> Delivery:
    wanted = rest.number_of(request, "delivery")
    found = next((item for item in hook.deliveries if item.id == wanted), None)
    if found is None:
        raise not_found()
    return found
