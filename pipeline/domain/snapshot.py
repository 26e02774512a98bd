"""What an operation knows about one GitHub issue when it plans: a value, never a row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

# Match Copilot on id or address: the login differs between REST ("Copilot") and GraphQL ("copilot-swe-agent").
COPILOT_USER_ID = 198982749
COPILOT_URL = "https://github.com/apps/copilot-swe-agent"
COPILOT_LOGINS = frozenset({"copilot", "copilot-swe-agent", "copilot-swe-agent[bot]"})


@dataclass(frozen=True, slots=True)
class Actor:
    """A GitHub account: `kind` is "User" or "Bot"."""

    login: str
    id: int | None = None
    kind: str = "User"

    @property
    def is_copilot(self) -> bool:
        return self.id == COPILOT_USER_ID or (self.kind == "Bot" and self.login.lower() in COPILOT_LOGINS)


@dataclass(frozen=True, slots=True)
class IssueSnapshot:
    """One issue as GitHub showed it at `read_at` (aware UTC)."""

    number: int
    node_id: str
    title: str
    body: str
    labels: tuple[str, ...]
    assignees: tuple[Actor, ...]
    is_open: bool
    state_reason: str | None
    locked: bool
    author: Actor
    author_association: str
    html_url: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    read_at: datetime

    @property
    def copilot_assigned(self) -> bool:
        return any(actor.is_copilot for actor in self.assignees)

    def fingerprint(self) -> str:
        """SHA-256 over all that a plan reads; equal fingerprints mean that a stored plan still fits."""
        facts = [
            self.title,
            self.body,
            sorted(name.lower() for name in self.labels),
            sorted(actor.login.lower() for actor in self.assignees),
            self.is_open,
            self.locked,
        ]
        return hashlib.sha256(json.dumps(facts, ensure_ascii=True).encode()).hexdigest()


_MOMENTS = ("created_at", "updated_at", "closed_at", "read_at")


def to_json(snapshot: IssueSnapshot) -> dict[str, Any]:
    """The snapshot as plain JSON values."""
    values = asdict(snapshot)
    for name in _MOMENTS:
        values[name] = values[name].isoformat() if values[name] else None
    return values


def from_json(values: dict[str, Any]) -> IssueSnapshot:
    """The inverse of `to_json`."""
    moments = {name: datetime.fromisoformat(values[name]) if values[name] else None for name in _MOMENTS}
    people = {
        "author": Actor(**values["author"]),
        "assignees": tuple(Actor(**actor) for actor in values["assignees"]),
        "labels": tuple(values["labels"]),
    }
    return IssueSnapshot(**{**values, **moments, **people})
