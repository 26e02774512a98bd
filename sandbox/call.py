"""Who acts on the world, under which faults, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.model import Token


@dataclass
class Call:
    """One actor's dealings with the world: a request to the API, a step of Copilot, or a person's act."""

    actor: str
    kind: str  # user | installation | app | copilot | human
    token: Token | None = None
    request_id: str | None = None
    effect: str | None = None
    hash: str | None = None
    features: str = ""  # header GraphQL-Features
    ignore: bool = False  # fault FIGN: labels and assignees are dropped in silence
    stale_before: datetime | None = None  # fault FSTALE: lists leave out what is younger
    empty: bool = False  # fault FEMPTY: lists come back empty
    fault: str | None = None
    repository: str | None = None
    number: int | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, before: Any = None, after: Any = None, **more: Any) -> None:
        """Record what changed, for the log."""
        self.changes.append({"what": what, "before": before, "after": after, **more})

    def about(self, repository: str, number: int | None = None) -> None:
        self.repository = repository
        if number is not None:
            self.number = number

    def for_field(self, effect: str | None, request_hash: str | None) -> Call:
        """The same caller for one field of a GraphQL mutation."""
        return Call(
            self.actor, self.kind, self.token, self.request_id, effect, request_hash, self.features,
            self.ignore, self.stale_before, self.empty, self.fault,
        )  # fmt: skip


def split_effect(text: str | None) -> tuple[str | None, str | None]:
    """`<key>:<hash>` as the caller sends it; keys may hold colons, hashes do not."""
    if not text:
        return None, None
    key, colon, request_hash = text.rpartition(":")
    return (key, request_hash) if colon else (text, None)
