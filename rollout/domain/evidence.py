"""What makes two measurements the same evidence, and from when evidence counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum
from typing import Any

from rollout.domain.measures import Reading


def hash_of(wording: dict[str, Any]) -> str:
    """Of a rule as `stored.written` gives it: another wording is another rule."""
    return _digest(wording)


def key(rule_hash: str, subject: str, verdict: str, reading: Reading) -> str:
    """The same for the same rule, window, rows and values, in whatever order these came. Neither floor nor clock."""
    facts = reading.parts.get("facts")
    return _digest(
        [
            rule_hash,
            subject,
            verdict,
            reading.value,
            reading.error,
            _plain(reading.start),
            _plain(reading.end),
            sorted((row.model, row.id) for row in reading.rows),
            sorted(map(_json, facts)) if facts is not None else None,
        ]
    )


def floor(moments: Iterable[datetime | None], *, earliest: datetime) -> datetime:
    """The latest of phase start, limit or mode change, last decision and last human clear."""
    return max((moment for moment in moments if moment is not None), default=earliest)


def highest_since(changes: Iterable[tuple[datetime, int]], first: int) -> datetime | None:
    """When the limit last rose above everything before it.

    Only a new height is a new regime: a limit that quota or backlog moves up and down must not start evidence over
    and over, or a failing operation would never be judged.
    """
    top, at = first, None
    for moment, limit in sorted(changes):
        if limit > top:
            top, at = limit, moment
    return at


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=_plain).encode()).hexdigest()


def same(one: Iterable[Any], other: Iterable[Any]) -> bool:
    """Whether two sets of facts are the same, in whatever order, and whether or not one was stored meanwhile."""
    return sorted(map(_json, one)) == sorted(map(_json, other))


def _json(fact: Any) -> str:
    return json.dumps(fact, sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
