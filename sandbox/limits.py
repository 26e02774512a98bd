"""Primary and secondary rate limits, per owner of a token as GitHub counts them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

PRIMARY_MESSAGE = "API rate limit exceeded for user ID {id}."
SECONDARY_MESSAGE = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID {id}."
)
WINDOW = timedelta(hours=1)
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass
class LimitConfig:
    """None switches a limit off."""

    core: int = 5_000
    graphql: int = 5_000
    content_per_minute: int | None = None
    content_per_hour: int | None = None
    points_per_minute: int | None = None
    retry_after: int = 60

    def update(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"Unknown limit {name!r}; known are {', '.join(self.__dataclass_fields__)}.")
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"The limit {name} is {value!r}; it must be a whole number, or null for none.")
            setattr(self, name, value)


@dataclass
class _Pool:
    used: int = 0
    reset: datetime = BEFORE_ALL


@dataclass
class _Account:
    pools: dict[str, _Pool] = field(default_factory=dict)
    content: deque[datetime] = field(default_factory=deque)
    points: deque[tuple[datetime, int]] = field(default_factory=deque)


@dataclass(frozen=True)
class Standing:
    """What the x-ratelimit headers say."""

    resource: str
    limit: int
    remaining: int
    used: int
    reset: datetime

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(int(self.reset.timestamp())),
            "X-RateLimit-Resource": self.resource,
        }


class Limits:
    """In memory: a restart gives everyone a fresh hour. Used under the world's lock."""

    def __init__(self, config: LimitConfig) -> None:
        self.config = config
        self._accounts: dict[str, _Account] = {}

    def standing(self, owner: str, resource: str, now: datetime) -> Standing:
        pool, limit = self._pool(owner, resource, now), self._limit(resource)
        return Standing(resource, limit, max(0, limit - pool.used), min(pool.used, limit), pool.reset)

    def spend(self, owner: str, resource: str, now: datetime, cost: int = 1) -> bool:
        """False when nothing was left; then nothing is counted."""
        pool = self._pool(owner, resource, now)
        if pool.used + cost > self._limit(resource):
            return False
        pool.used += cost
        return True

    def refund(self, owner: str, resource: str, now: datetime) -> None:
        """A 304 costs nothing."""
        self._pool(owner, resource, now).used -= 1

    def exhaust(self, resource: str, reset: datetime) -> Standing:
        """The fault of an exhausted quota; the pool is left as it was."""
        limit = self._limit(resource)
        return Standing(resource, limit, 0, limit, reset)

    def secondary(self, owner: str, now: datetime, points: int, creates: bool) -> bool:
        """Count one call against the secondary limits; True when it is one too many."""
        account = self._accounts.setdefault(owner.lower(), _Account())
        while account.content and account.content[0] <= now - WINDOW:
            account.content.popleft()
        while account.points and account.points[0][0] <= now - timedelta(minutes=1):
            account.points.popleft()
        if self._beyond(account, now, points, creates):
            return True
        account.points.append((now, points))
        if creates:
            account.content.append(now)
        return False

    def _beyond(self, account: _Account, now: datetime, points: int, creates: bool) -> bool:
        config = self.config
        minute = sum(1 for moment in account.content if moment > now - timedelta(minutes=1))
        return (
            (creates and config.content_per_minute is not None and minute >= config.content_per_minute)
            or (creates and config.content_per_hour is not None and len(account.content) >= config.content_per_hour)
            or (
                config.points_per_minute is not None
                and sum(cost for _, cost in account.points) + points > config.points_per_minute
            )
        )

    def _limit(self, resource: str) -> int:
        return self.config.graphql if resource == "graphql" else self.config.core

    def _pool(self, owner: str, resource: str, now: datetime) -> _Pool:
        pool = self._accounts.setdefault(owner.lower(), _Account()).pools.setdefault(resource, _Pool())
        if now >= pool.reset:
            pool.used, pool.reset = 0, now.replace(microsecond=0) + WINDOW
        return pool
