"""Every call to the GitHub API passes here: token, faults, limits, the work itself, conditional answers, the log."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox import graphql_http, outcomes
from sandbox.call import Call, split_effect
from sandbox.errors import Refusal
from sandbox.events import stamp
from sandbox.faults import Rule, Target
from sandbox.graphql_execute import Spoil
from sandbox.model import Token
from sandbox.routing import BadJson, Request, Response, Route
from sandbox.world import Moved

if TYPE_CHECKING:
    from sandbox.server import Sandbox

SAFE = ("GET", "HEAD")
SOUND = Spoil()
EFFECT_HEADER = "X-Controlplane-Effect"


@dataclass
class Passage:
    """One call on its way through. `field` names the work in the log: the route, or for GraphQL nothing."""

    sandbox: Sandbox
    request: Request
    route: Route
    call: Call
    target: Target
    began: datetime
    rule: Rule | None = None
    limited_until: datetime | None = None

    @property
    def code(self) -> str | None:
        return self.rule.code if self.rule else None

    @property
    def resource(self) -> str:
        return "graphql" if self.target.fields else "core"

    @property
    def writes(self) -> bool:
        if self.target.fields:
            return "mutation" in self.target.fields
        return self.request.method not in SAFE


def serve(sandbox: Sandbox, request: Request, route: Route) -> Response:
    """The answer to one call of the GitHub API; sleeps (latency, slow faults) happen outside the lock."""
    began = sandbox.world.precise_now()
    if sandbox.settings.latency_ms:
        time.sleep(sandbox.settings.latency_ms / 1000)
    with sandbox.world.lock:
        passage = _enter(sandbox, request, route, began)
        response = _answer(passage)
        response.headers.setdefault("X-GitHub-Request-Id", passage.call.request_id or "")
        _log_request(passage, response)
    return outcomes.delay(passage.rule, response)


def _enter(sandbox: Sandbox, request: Request, route: Route, began: datetime) -> Passage:
    token = sandbox.token_of(request)
    effect, request_hash = split_effect(request.headers.get(EFFECT_HEADER))
    call = Call(
        actor=token.owner if token else "nobody",
        kind=token.kind if token else "user",
        token=token,
        request_id=uuid.uuid4().hex[:16].upper(),
        effect=effect,
        hash=request_hash,
        features=request.header("GraphQL-Features"),
    )
    request._call = call
    path = request.path.removeprefix("/api/v3")
    fields = graphql_http.top_fields(request) if route.handler is graphql_http.serve else ()
    target = Target(request.method, route.pattern, path, token.name if token else None, fields)
    passage = Passage(sandbox, request, route, call, target, began, sandbox.faults.take(target))
    call.fault = passage.code
    return passage


def _answer(passage: Passage) -> Response:
    token = passage.call.token
    if token is None or passage.code == "F401":
        return Refusal(401, "Bad credentials").response()
    refused = _limits(passage, token)
    if refused is not None:
        return refused
    response = _faulty(passage) if passage.rule else work(passage)
    response = _conditional(passage, token, response)
    owner, now = token.owner, passage.sandbox.world.precise_now()
    for name, value in passage.sandbox.limits.standing(owner, passage.resource, now).headers().items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-OAuth-Scopes", ", ".join(token.scopes))
    return response


def _limits(passage: Passage, token: Token) -> Response | None:
    sandbox, now = passage.sandbox, passage.sandbox.world.precise_now()
    if passage.target.pattern == "/rate_limit":
        return None
    if sandbox.limits.secondary(token.owner, now, 5 if passage.writes else 1, passage.writes):
        return _secondary(passage, sandbox.limits.config.retry_after, 403)
    if not sandbox.limits.spend(token.owner, passage.resource, now):
        standing = sandbox.limits.standing(token.owner, passage.resource, now)
        passage.limited_until = standing.reset
        return outcomes.primary(passage.resource, token.owner, standing, 403)
    if passage.code == "F403P" and passage.rule:
        reset = now + timedelta(seconds=passage.rule.number("reset_s", 60))
        passage.limited_until = reset
        standing = sandbox.limits.exhaust(passage.resource, reset)
        return outcomes.primary(passage.resource, token.owner, standing, int(passage.rule.number("status", 403)))
    if passage.code == "F403S" and passage.rule:
        wait = passage.rule.params.get("retry_after", 60)
        return _secondary(passage, wait, int(passage.rule.number("status", 403)))
    return None


def _secondary(passage: Passage, wait: int | None, status: int) -> Response:
    passage.limited_until = passage.sandbox.world.precise_now() + timedelta(seconds=60 if wait is None else wait)
    return outcomes.secondary(passage.call.request_id or "", wait, status)


def _faulty(passage: Passage) -> Response:
    """The fault's way of answering, with the work done or not."""
    rule = passage.rule
    if rule is None:
        return work(passage)
    sandbox, request, call = passage.sandbox, passage.request, passage.call
    if rule.code in outcomes.BEFORE:
        refusal = outcomes.refusal(rule, sandbox, request)
        if refusal is None:
            return work(passage)
        if passage.target.fields and refusal.status < 500:
            return work(passage, Spoil(rule.graphql, refusal))
        return refusal.response()
    if rule.code == "FLATE":
        due = sandbox.world.precise_now() + timedelta(seconds=rule.number("late_s", 0.7))
        sandbox.later(due, lambda: work(passage))
        return Response(status=0, abort=True)
    if rule.code == "FSTALE":
        call.stale_before = sandbox.world.precise_now() - timedelta(seconds=rule.number("lag_s", 30))
    call.empty = rule.code == "FEMPTY"
    call.ignore = rule.code == "FIGN"
    if rule.code == "F412W" and not rule.params.get("applied", True):
        return outcomes.precondition(rule)
    spoil = Spoil(rule.graphql, ignore=call.ignore, limit=rule.params.get("fields"))
    return outcomes.after(rule, work(passage, spoil))


def work(passage: Passage, spoil: Spoil = SOUND) -> Response:
    """Do what was asked and log the write; the world's lock is held (again, when it lands late)."""
    request = passage.request
    with passage.sandbox.world.lock:
        try:
            if passage.target.fields:
                response = graphql_http.run(request, spoil)
            else:
                _check_conditions(request)
                response = passage.route.handler(request)
        except Moved as moved:
            response = outcomes.moved(request, passage.target.pattern, moved)
        except Refusal as refusal:
            response = refusal.response()
        except BadJson:
            response = Refusal(400, "Problems parsing JSON").response()
        if passage.writes and not passage.target.fields:
            _log_mutation(passage, response)
    return response


def _check_conditions(request: Request) -> None:
    conditional = request.headers.get("If-Match") or request.headers.get("If-None-Match")
    if conditional and request.method not in SAFE:
        message = "Conditional request headers are not allowed in unsafe requests unless supported by the endpoint"
        raise Refusal(400, message)


def _conditional(passage: Passage, token: Token, response: Response) -> Response:
    """ETags differ by token; a 304 is free."""
    if passage.request.method not in SAFE or response.status != 200 or response.abort:
        return response
    digest = hashlib.sha256(token.value.encode() + b"\0" + response.body).hexdigest()
    etag = f'W/"{digest}"'
    response.headers["ETag"] = etag
    response.headers.setdefault("Cache-Control", "private, max-age=60, s-maxage=60")
    if passage.request.header("If-None-Match") != etag:
        return response
    passage.sandbox.limits.refund(token.owner, passage.resource, passage.sandbox.world.precise_now())
    headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    return Response(304, b"", headers)


def _log_mutation(passage: Passage, response: Response) -> None:
    call = passage.call
    done = response.status < 300
    passage.sandbox.world.log.write(
        "mutation", actor=call.actor, actor_kind=call.kind, token=passage.target.token, request_id=call.request_id,
        method=passage.request.method, path=passage.target.path, repository=call.repository, number=call.number,
        field=f"{passage.request.method} {passage.route.pattern}", effect=call.effect, hash=call.hash,
        applied=done and not (call.ignore and not call.changes), status=response.status, fault=call.fault,
        changes=call.changes or None,
    )  # fmt: skip


def _log_request(passage: Passage, response: Response) -> None:
    call = passage.call
    seen = not response.abort and response.declared_length is None
    passage.sandbox.world.log.write(
        "request", actor=call.actor, actor_kind=call.kind, token=passage.target.token, request_id=call.request_id,
        method=passage.request.method, path=passage.target.path, field=passage.route.pattern,
        status=response.status, answered=response.status if seen else None, fault=call.fault,
        hash=hashlib.sha256(passage.request.body).hexdigest()[:16] if passage.request.body else None,
        began=stamp(passage.began), limited_until=stamp(passage.limited_until) if passage.limited_until else None,
    )  # fmt: skip
