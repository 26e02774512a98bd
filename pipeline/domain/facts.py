"""Facts that GitHub tells about an issue beyond the issue itself, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.domain.snapshot import Actor, IssueSnapshot


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    author: Actor
    body: str
    html_url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    sha: str
    message: str = ""  # of the head commit


@dataclass(frozen=True, slots=True)
class Pull:
    number: int
    node_id: str
    title: str
    body: str
    is_open: bool
    is_draft: bool
    merged_at: datetime | None
    closed_at: datetime | None
    head: str
    base: str
    head_sha: str
    author: Actor
    html_url: str
    created_at: datetime
    updated_at: datetime
    conflicts: bool = False  # GitHub says that it cannot be merged; while it has not worked that out: False
    checks_fail: bool = False  # of its newest commit; only GraphQL tells, where the token may see it


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One entry of an issue's or pull request's timeline, parsed leniently; `raw` keeps what we do not name."""

    event: str
    at: datetime | None
    actor: Actor | None
    pull_number: int | None = None  # cross-referenced: the pull request that names this issue
    pull_repository: str = ""  # and the full name of where it lives; empty where GitHub did not say
    body: str = ""  # commented
    message: str = ""  # failure_message
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandoverFacts:
    """What one batch read says of a handed-over issue: its own state and the pull requests that refer to it."""

    issue: IssueSnapshot | None  # None: GitHub returned no such node
    node_id: str
    pulls: tuple[Pull, ...]
