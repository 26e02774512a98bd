"""The API for stopping: look at a rollout, hold it, roll it back. By token, or by session with CSRF.

It has no way to start, approve or raise anything: a leaked token can only make things safer.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from pipeline.services.audit import ChainBusy
from pipeline.services.operations import NotPossible
from rollout.models import Rollout
from rollout.services import holds, stop
from rollout.views import reports

BY_TOKEN = "api"  # noqa: S105 - the name under which the log shows it
FIELDS = ("operation", "step", "reason", "confirmation", "trigger", "revert")
YES_OR_NO = ("yes", "no", "")
View = Callable[[HttpRequest, Rollout, str], JsonResponse]


class BadBody(ValueError):
    """What was sent cannot be read; `str()` says so in a sentence."""


def _open_to(permission: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """A bearer of the token, or somebody signed in with `permission` (and a CSRF token where something changes)."""

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @csrf_protect
        def by_session(request: HttpRequest, rollout: int) -> JsonResponse:
            if not request.user.is_authenticated:
                return _refused(401, "Sign in, or send the API's token as “Authorization: Bearer …”.")
            if not request.user.has_perm(permission):
                return _refused(403, f"{request.user.get_username()} may not do this; it takes {permission}.")
            return _answer(view, request, rollout, request.user.get_username())

        @csrf_exempt  # the token stands in its place; a session is checked above
        @wraps(view)
        def either(request: HttpRequest, rollout: int) -> HttpResponseBase:
            given = request.headers.get("Authorization", "")
            if not given:
                return by_session(request, rollout)
            if not _is_token(given):
                return _refused(401, "This token is not the API's; CONTROLPLANE_API_TOKEN names it.")
            return _answer(view, request, rollout, BY_TOKEN)

        return either

    return decorate


def _is_token(given: str) -> bool:
    """An empty setting lets no token in."""
    wanted: str = settings.CONTROLPLANE.api_token
    return bool(wanted) and hmac.compare_digest(given.encode(), f"Bearer {wanted}".encode())


def _answer(view: View, request: HttpRequest, key: int, actor: str) -> JsonResponse:
    rollout = Rollout.objects.filter(pk=key).select_related("plan", "repository").first()
    if rollout is None:
        return _refused(404, f"There is no rollout {key}.")
    try:
        return view(request, rollout, actor)
    except BadBody as error:
        return _refused(400, str(error))
    except (NotPossible, ValueError) as error:
        return _refused(409, str(error))
    except ChainBusy as error:
        return _refused(503, str(error))


@require_GET
@_open_to("rollout.view_rollout")
def look(request: HttpRequest, rollout: Rollout, actor: str) -> JsonResponse:  # noqa: ARG001 - all views have one form
    """GET /api/rollouts/<id>: what `rollout status --json` says."""
    return JsonResponse(reports.facts(rollout))


@require_POST
@_open_to("rollout.stop_rollout")
def hold(request: HttpRequest, rollout: Rollout, actor: str) -> JsonResponse:
    """POST /api/rollouts/<id>/hold {reason, operation?, step?}."""
    asked = _body(request)
    held = stop.hold(rollout, operation=asked["operation"], step=asked["step"], by=actor, reason=asked["reason"])
    return JsonResponse({"hold": held.pk, "scope": holds.scope(held), "by": held.by, "reason": held.reason})


@require_POST
@_open_to("rollout.add_rollback")
def roll_back(request: HttpRequest, rollout: Rollout, actor: str) -> JsonResponse:
    """POST /api/rollouts/<id>/rollback {reason, confirmation, step?, trigger?, revert?}."""
    asked = _body(request)
    if asked["revert"] not in YES_OR_NO:
        raise BadBody(f"The field revert is yes or no, not {asked['revert'][:20]!r}; nothing was changed.")
    made = stop.roll_back(
        rollout,
        step=asked["step"],
        by=actor,
        reason=asked["reason"],
        trigger=asked["trigger"],
        confirmation=asked["confirmation"],
        revert=asked["revert"] == "yes",
    )
    facts = {"scope": made.step or "everything", "state": made.state, "revert": made.revert_effects}
    return JsonResponse({"rollback": made.pk, **facts})


def _body(request: HttpRequest) -> dict[str, str]:
    """JSON or a form; unknown fields are refused, so that a misspelt scope never means everything."""
    sent: Mapping[str, Any] = request.POST
    if request.content_type == "application/json":
        try:
            sent = json.loads(request.body or b"{}")
        except ValueError as error:
            raise BadBody(f"The body is not JSON ({error}); nothing was changed.") from error
        if not isinstance(sent, dict):
            raise BadBody("The body has to be a JSON object; nothing was changed.")
    unknown = sorted(set(sent) - {*FIELDS, "csrfmiddlewaretoken"})
    if unknown:
        raise BadBody(f"There is no field {', '.join(unknown)}; known are {', '.join(FIELDS)}. Nothing was changed.")
    if any(not isinstance(value, str) for value in sent.values()):
        raise BadBody("Every field is a text; nothing was changed.")
    return {name: str(sent.get(name, "")) for name in FIELDS}


def _refused(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)
