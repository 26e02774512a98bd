"""What the REST routes share: finding things, reading bodies, pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from sandbox.errors import Refusal, forbidden
from sandbox.model import Issue, Repository
from sandbox.routing import Request, Response
from sandbox.shapes import Shapes

T = TypeVar("T")
PREFIX = "/api/v3"
REPO = "/repos/{owner}/{repo}"


def repository_of(request: Request) -> Repository:
    found = request.sandbox.world.repository(request.params["owner"], request.params["repo"])
    request.call.about(found.full_name)
    return found


def issue_of(request: Request) -> tuple[Repository, Issue]:
    repository = repository_of(request)
    request.call.number = number_of(request)
    return repository, request.sandbox.world.issue(repository, number_of(request))


def pull_of(request: Request) -> tuple[Repository, Issue]:
    repository = repository_of(request)
    request.call.number = number_of(request)
    return repository, request.sandbox.world.pull(repository, number_of(request))


def number_of(request: Request, name: str = "number") -> int:
    text = request.params[name]
    if not text.isascii() or not text.isdigit():
        raise Refusal(404, "Not Found", kind="NOT_FOUND")
    return int(text)


def shapes_of(request: Request) -> Shapes:
    return Shapes(request.sandbox.world, request.base_url)


def require_write(request: Request, repository: Repository) -> None:
    """The token's owner works on this repository, and the token may write."""
    call = request.call
    token = call.token
    if token and token.kind == "user" and not {"repo", "public_repo"} & set(token.scopes):
        raise forbidden("Resource not accessible by personal access token")
    if call.actor not in repository.collaborators:
        raise forbidden("Must have admin rights to Repository.")


def fields_of(request: Request, **kinds: type | tuple[type, ...]) -> dict[str, Any]:
    """The JSON object of the body; known fields of a wrong type are refused as GitHub does."""
    body = request.json()
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object")
    for name, kind in kinds.items():
        value = body.get(name)
        if value is not None and not isinstance(value, kind):
            wanted = kind.__name__ if isinstance(kind, type) else "value of another type"
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a {wanted}.")
    return body


def names(values: Sequence[Any], key: str = "name") -> list[str]:
    """Labels and assignees come as strings or as objects."""
    given = [value.get(key) if isinstance(value, dict) else value for value in values]
    found = [value for value in given if isinstance(value, str)]
    if len(found) != len(given):
        raise Refusal(422, "Invalid request.\n\nEvery item must be a string or an object with a name.")
    return found


def page(request: Request, items: Sequence[T], show: Callable[[T], Any]) -> Response:
    """One page of a list, with GitHub's Link header; faults may make it stale or empty."""
    items = visible(request, items)
    size = min(max(_positive(request, "per_page", 30), 1), 100)
    current = max(_positive(request, "page", 1), 1)
    last = max(1, -(-len(items) // size))
    shown = [show(item) for item in items[(current - 1) * size : current * size]]
    links = []
    if current > 1:
        links += [("prev", min(current - 1, last)), ("first", 1)]
    if current < last:
        links += [("next", current + 1), ("last", last)]
    headers = {"Link": ", ".join(f'<{_page_url(request, number)}>; rel="{rel}"' for rel, number in links)}
    return Response.json(shown, headers=headers if links else {})


def visible(request: Request, items: Sequence[T]) -> Sequence[T]:
    call = request.call
    if call.empty:
        return []
    if call.stale_before is None:
        return items
    return [item for item in items if not _younger(item, call.stale_before)]


def _younger(item: Any, moment: datetime) -> bool:
    created = getattr(item, "created_at", None)
    return created is not None and created > moment


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default


def _page_url(request: Request, number: int) -> str:
    return f"{request.base_url}{request.path}?{urlencode({**request.query, 'page': number})}"


def parse_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise Refusal(422, f"Invalid date {text!r}; use ISO 8601.") from error
    if moment.tzinfo is None:
        raise Refusal(422, f"Invalid date {text!r}; use ISO 8601 with a time zone.")
    return moment
