"""Foreign JSON becomes a small typed value at once, or a ShapeError that says which field was wrong.

REST and GraphQL name the same account differently ("Copilot", "copilot-swe-agent"); here they become one Actor, so
that a snapshot has the same fingerprint whichever way it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pipeline.domain.facts import Branch, Comment, Pull, TimelineEvent
from pipeline.domain.snapshot import COPILOT_LOGINS, COPILOT_USER_ID, Actor, IssueSnapshot
from pipeline.github.port import ActionsWorkflow, RepositoryFacts

T = TypeVar("T")
GHOST = Actor("ghost")  # GitHub's own stand-in for a deleted account


class ShapeError(ValueError):
    """A field is absent or of the wrong kind."""


def field(data: Any, name: str, kind: type[T]) -> T:
    """`data[name]` of exactly this kind; a dotted name goes deeper."""
    value = data
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ShapeError(f"field {name!r} is missing")
        value = value[part]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ShapeError(f"field {name!r} should be {kind.__name__}, not {type(value).__name__}")
    return value


def optional(data: Any, name: str, kind: type[T]) -> T | None:
    """The same, or None where it is absent or null."""
    return None if not isinstance(data, Mapping) or data.get(name) is None else field(data, name, kind)


def moment(data: Any, name: str) -> datetime:
    """A time as aware UTC."""
    written = field(data, name, str)
    try:
        value = datetime.fromisoformat(written)
    except ValueError as error:
        raise ShapeError(f"field {name!r} is no time: {written[:40]!r}") from error
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def maybe_moment(data: Any, name: str) -> datetime | None:
    return None if not isinstance(data, Mapping) or data.get(name) is None else moment(data, name)


def entries(data: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    """Each entry of a list through `read`."""
    if not isinstance(data, list):
        raise ShapeError(f"a list was expected, not {type(data).__name__}")
    return tuple(read(entry) for entry in data)


def nodes(data: Any, name: str) -> list[Any]:
    """The nodes of a GraphQL connection, without nulls; none where the server left the connection out."""
    connection = optional(data, name, dict)
    return [] if connection is None else [node for node in field(connection, "nodes", list) if node is not None]


# --- REST ---


def actor(data: Any) -> Actor:
    """An account, in REST's or GraphQL's words; null is a deleted one."""
    if data is None:
        return GHOST
    login = field(data, "login", str)
    kind = optional(data, "type", str) or optional(data, "__typename", str) or "User"
    number = optional(data, "databaseId" if "__typename" in data else "id", int)
    seen = Actor(login, number, kind)
    if seen.is_copilot or login.lower() in COPILOT_LOGINS - {"copilot"}:
        return Actor("Copilot", COPILOT_USER_ID, "Bot")
    if kind == "Bot" and "__typename" in data and not login.endswith("[bot]"):
        return Actor(f"{login}[bot]", number, kind)
    return seen


def label_name(data: Any) -> str:
    return data if isinstance(data, str) else field(data, "name", str)


def is_pull(data: Any) -> bool:
    """Whether an entry of the issue list is a pull request."""
    return isinstance(data, Mapping) and data.get("pull_request") is not None


def issue(data: Any, read_at: datetime) -> IssueSnapshot:
    return IssueSnapshot(
        number=field(data, "number", int),
        node_id=optional(data, "node_id", str) or "",
        title=field(data, "title", str),
        body=optional(data, "body", str) or "",
        labels=entries(data.get("labels"), label_name),
        assignees=entries(data.get("assignees") or [], actor),
        is_open=field(data, "state", str) == "open",
        state_reason=optional(data, "state_reason", str),
        locked=optional(data, "locked", bool) or False,
        author=actor(data.get("user")),
        author_association=optional(data, "author_association", str) or "NONE",
        html_url=field(data, "html_url", str),
        created_at=moment(data, "created_at"),
        updated_at=moment(data, "updated_at"),
        closed_at=maybe_moment(data, "closed_at"),
        read_at=read_at,
    )


def repository(data: Any) -> RepositoryFacts:
    return RepositoryFacts(
        node_id=optional(data, "node_id", str) or "",
        full_name=field(data, "full_name", str),
        default_branch=field(data, "default_branch", str),
        archived=optional(data, "archived", bool) or False,
        has_issues=optional(data, "has_issues", bool) is not False,
        html_url=field(data, "html_url", str),
    )


def comment(data: Any) -> Comment:
    return Comment(
        id=field(data, "id", int),
        author=actor(data.get("user")),
        body=optional(data, "body", str) or "",
        html_url=field(data, "html_url", str),
        created_at=moment(data, "created_at"),
    )


def branch(data: Any) -> Branch:
    """The answer about one branch."""
    message = field(data, "commit.commit.message", str)
    return Branch(field(data, "name", str), field(data, "commit.sha", str), message)


def pull(data: Any) -> Pull:
    return Pull(
        number=field(data, "number", int),
        node_id=optional(data, "node_id", str) or "",
        title=field(data, "title", str),
        body=optional(data, "body", str) or "",
        is_open=field(data, "state", str) == "open",
        is_draft=optional(data, "draft", bool) or False,
        merged_at=maybe_moment(data, "merged_at"),
        closed_at=maybe_moment(data, "closed_at"),
        head=field(data, "head.ref", str),
        base=field(data, "base.ref", str),
        head_sha=field(data, "head.sha", str),
        author=actor(data.get("user")),
        html_url=field(data, "html_url", str),
        created_at=moment(data, "created_at"),
        updated_at=moment(data, "updated_at"),
        conflicts=optional(data, "mergeable", bool) is False and data.get("mergeable_state") == "dirty",
    )


def event(data: Any) -> TimelineEvent:
    """Leniently: Copilot's events are undocumented, so only the event's name is asked for."""
    who = data.get("actor") or data.get("user") if isinstance(data, Mapping) else None
    source = data.get("source") if isinstance(data, Mapping) else None
    origin = source.get("issue") if isinstance(source, Mapping) else None
    return TimelineEvent(
        event=field(data, "event", str),
        at=maybe_moment(data, "created_at") or maybe_moment(data, "submitted_at"),
        actor=actor(who) if isinstance(who, Mapping) and "login" in who else None,
        pull_number=optional(origin, "number", int) if is_pull(origin) else None,
        pull_repository=_home(origin) if is_pull(origin) else "",
        body=str(data.get("body") or ""),
        message=str(data.get("failure_message") or ""),
        raw=dict(data),
    )


def _home(origin: Any) -> str:
    """The full name of the repository that an issue or pull request lives in; "" where the answer does not tell."""
    named = origin.get("repository")
    if isinstance(named, Mapping) and isinstance(named.get("full_name"), str):
        return str(named["full_name"])
    return "/".join(str(origin.get("repository_url") or "").split("/")[-2:])


def actions_workflow(data: Any) -> ActionsWorkflow:
    return ActionsWorkflow(
        field(data, "id", int), field(data, "name", str), field(data, "path", str), field(data, "state", str)
    )


# --- GraphQL ---


def graphql_issue(data: Any, read_at: datetime) -> IssueSnapshot:
    reason = optional(data, "stateReason", str)
    return IssueSnapshot(
        number=field(data, "number", int),
        node_id=field(data, "id", str),
        title=field(data, "title", str),
        body=field(data, "body", str),
        labels=tuple(field(node, "name", str) for node in nodes(data, "labels")),
        assignees=tuple(actor(node) for node in nodes(data, "assignedActors")),
        is_open=field(data, "state", str) == "OPEN",
        state_reason=reason.lower() if reason else None,
        locked=field(data, "locked", bool),
        author=actor(data.get("author")),
        author_association=optional(data, "authorAssociation", str) or "NONE",
        html_url=field(data, "url", str),
        created_at=moment(data, "createdAt"),
        updated_at=moment(data, "updatedAt"),
        closed_at=maybe_moment(data, "closedAt"),
        read_at=read_at,
    )


def graphql_pull(data: Any) -> Pull:
    return Pull(
        number=field(data, "number", int),
        node_id=field(data, "id", str),
        title=field(data, "title", str),
        body=optional(data, "body", str) or "",
        is_open=field(data, "state", str) == "OPEN",
        is_draft=field(data, "isDraft", bool),
        merged_at=maybe_moment(data, "mergedAt"),
        closed_at=maybe_moment(data, "closedAt"),
        head=field(data, "headRefName", str),
        base=field(data, "baseRefName", str),
        head_sha=field(data, "headRefOid", str),
        author=actor(data.get("author")),
        html_url=field(data, "url", str),
        created_at=moment(data, "createdAt"),
        updated_at=moment(data, "updatedAt"),
        conflicts=optional(data, "mergeable", str) == "CONFLICTING",
        checks_fail=any(_fails(node) for node in nodes(data, "commits")),
    )


def _fails(node: Any) -> bool:
    """Whether the checks of a pull request's commit fail as a whole; without checks, or without the right, not."""
    commit = field(node, "commit", dict)
    rollup = optional(commit, "statusCheckRollup", dict)
    return rollup is not None and optional(rollup, "state", str) in {"FAILURE", "ERROR"}
