"""What a client sees of limits and faults."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sandbox.errors import Refusal, forbidden, not_found, validation_failed
from sandbox.faults import Rule
from sandbox.issues import TOO_LONG
from sandbox.limits import PRIMARY_MESSAGE, SECONDARY_MESSAGE, Standing
from sandbox.routing import Request, Response
from sandbox.world import Moved

if TYPE_CHECKING:
    from sandbox.server import Sandbox

BEFORE = frozenset({"F502B", "F500", "F503", "F404H", "F404N", "F410", "F301", "F422L", "F403K"})
ERROR_PAGE = b"<html><head><title>Unicorn! &middot; GitHub</title></head><body><h1>Whoa there!</h1></body></html>"
SERVER_MESSAGES = {500: "Server Error", 502: "Server Error", 503: "Service Unavailable", 504: "Gateway Timeout"}
_ISSUE_PATH = re.compile(r"/repos/([^/]+)/([^/]+)/issues/(\d+)(/.+)?$")


def refusal(rule: Rule, sandbox: Sandbox, request: Request) -> Refusal | None:
    """What a fault says instead of doing the work; None when it does not concern this call."""
    status = int(rule.number("status", 0))
    if rule.code in ("F502B", "F500", "F503"):
        return _server_error(status or int(rule.code[1:4]))
    if rule.code == "F404N":
        return _too_young(rule, sandbox, request, status)
    if rule.code == "F410":
        return Refusal(410, "This issue was deleted", kind="NOT_FOUND")
    if rule.code == "F301":
        return _transferred(rule, request)
    if rule.code == "F422L":
        return validation_failed("Issue", "body", "custom", TOO_LONG)
    if rule.code == "F403K":
        if rule.params.get("archived"):
            return forbidden("Repository was archived so is read-only.")
        return forbidden("Unable to create comment because issue is locked.")
    return not_found()


def after(rule: Rule, response: Response) -> Response:
    """How the answer to work that was done is spoilt."""
    if rule.code == "F502A":
        return _server_error(int(rule.number("status", 502))).response()
    if rule.code == "FDROP":
        return Response(response.status, abort=True)
    if rule.code == "F412W":
        return precondition(rule)
    if rule.code == "FTRUNC":
        return _truncated(str(rule.params.get("how", "cut")), response)
    return response


def delay(rule: Rule | None, response: Response) -> Response:
    if rule and rule.code == "FSLOW":
        time.sleep(rule.number("ms", 30_000) / 1000)
    if rule and rule.code == "FLATE":
        time.sleep(rule.number("hang_ms", 0) / 1000)
    return response


def precondition(rule: Rule) -> Response:
    return Refusal(int(rule.number("status", 412)), "Precondition Failed").response()


def primary(resource: str, owner: str, standing: Standing, status: int) -> Response:
    """GraphQL says it with 200."""
    message = PRIMARY_MESSAGE.format(id=owner)
    if resource == "graphql":
        response = Response.json({"errors": [{"type": "RATE_LIMITED", "message": message}]})
    else:
        response = Refusal(status, message).response()
    response.headers |= standing.headers()
    return response


def secondary(request_id: str, wait: int | None, status: int) -> Response:
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return Refusal(status, SECONDARY_MESSAGE.format(id=request_id), headers=headers).response()


def moved(request: Request, pattern: str, target: Moved) -> Response:
    """Only reading the issue itself is led on; what hangs below it answers 404."""
    full_name, _, number = target.target.partition("#")
    location = f"{request.base_url}/api/v3/repos/{full_name}/issues/{number}"
    if request.method != "GET" or not pattern.endswith("/issues/{number}"):
        return not_found().response()
    body = {"message": "Moved Permanently", "url": location, "documentation_url": "https://docs.github.com/rest"}
    return Response.json(body, 301, {"Location": location})


def _server_error(status: int) -> Refusal:
    return Refusal(status, SERVER_MESSAGES.get(status, "Server Error"), kind="INTERNAL")


def _too_young(rule: Rule, sandbox: Sandbox, request: Request, status: int) -> Refusal | None:
    """None for issues old enough, and the hit is given back."""
    found = _ISSUE_PATH.search(request.path)
    key = f"{found[1]}/{found[2]}".lower() if found else ""
    repository = sandbox.world.state.repositories.get(key)
    issue = repository.issues.get(int(found[3])) if repository and found else None
    age = (sandbox.world.precise_now() - issue.created_at).total_seconds() if issue else 0.0
    if issue and age > rule.number("age_s", 10):
        rule.fired -= 1
        return None
    if status == 422:
        return validation_failed("Issue", "number", "missing", "Issue not found")
    return not_found()


def _transferred(rule: Rule, request: Request) -> Refusal:
    found = _ISSUE_PATH.search(request.path)
    if found and found[4]:
        return not_found()
    default = f"{request.base_url}/api/v3/repositories/1/issues/{found[3] if found else 1}"
    return Refusal(
        301, "Moved Permanently", kind="NOT_FOUND", headers={"Location": str(rule.params.get("location", default))}
    )


def _truncated(how: str, response: Response) -> Response:
    if how == "html":
        return Response(200, ERROR_PAGE, {"Content-Type": "text/html; charset=utf-8"})
    half = response.body[: len(response.body) // 2]
    if how == "short":
        return Response(response.status, half, dict(response.headers), declared_length=len(response.body))
    return Response(response.status, half, dict(response.headers))
