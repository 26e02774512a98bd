"""The port to monitored content: a URL in, a small typed answer or one of our errors out.

FetchError
├── Refused     will not be fetched: private address, scheme, port, redirect to one, too large; a person must look
└── Unreachable try again later: timeout, connection, 5xx, 429
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class FetchError(Exception):
    """`str()` is one sentence with the URL and the cause."""


class Refused(FetchError):
    pass


class Unreachable(FetchError):
    pass


@dataclass(frozen=True, slots=True)
class Fetched:
    """`not_modified`: the validators still held and `content` is empty."""

    url: str  # after redirects
    content: bytes
    content_type: str
    etag: str
    last_modified: str
    not_modified: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing found in a source."""

    url: str
    title: str
    excerpt: str
    published_at: datetime | None


class Fetcher(Protocol):
    def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """Raises FetchError only."""
        ...
