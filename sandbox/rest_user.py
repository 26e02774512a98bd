"""Who the token belongs to, and what is left of its quota."""

from __future__ import annotations

from sandbox import rest
from sandbox.errors import not_found
from sandbox.routing import Request, Response, Routes
from sandbox.shapes import Json, iso

routes = Routes(prefix=rest.PREFIX, github=True)


def _public(request: Request, login: str) -> Json:
    account = request.sandbox.world.account(login)
    created = iso(request.sandbox.world.now())
    return rest.shapes_of(request).user(account.login) | {
        "name": account.login, "company": None, "blog": "", "location": None, "email": None, "hireable": None,
        "bio": None, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": created, "updated_at": created,
    }  # fmt: skip


@routes.route("GET", "/user")
def me(request: Request) -> Response:
    """Installation tokens have no user, and are told so."""
    if request.call.kind != "user":
        return Response.json({"message": "Resource not accessible by integration", "status": "403"}, 403)
    return Response.json(_public(request, request.call.actor))


@routes.route("GET", "/users/{login}")
def user(request: Request) -> Response:
    if request.params["login"].lower() not in request.sandbox.world.state.accounts:
        raise not_found()
    return Response.json(_public(request, request.params["login"]))


@routes.route("GET", "/rate_limit")
def rate_limit(request: Request) -> Response:
    sandbox, owner = request.sandbox, request.call.actor
    resources = {}
    for name in ("core", "graphql", "search"):
        standing = sandbox.limits.standing(owner, name, sandbox.world.precise_now())
        resources[name] = {
            "limit": standing.limit,
            "used": standing.used,
            "remaining": standing.remaining,
            "reset": int(standing.reset.timestamp()),
        }
    return Response.json({"resources": resources, "rate": resources["core"]})


@routes.route("GET", "/meta")
def meta(_request: Request) -> Response:
    return Response.json({"verifiable_password_authentication": False, "installed_version": "3.19.0"})
