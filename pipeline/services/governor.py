"""One governor for all workers of a token, through the database: quota, pacing, back-off, and a record of each call.

A write reserves its moment before it is sent: one short transaction locks the token's row, counts the writes of the
last minute and hour, moves `next_write_at` on, and leaves an ApiCall row without status. So a killed worker's write
still counts, and two processes never get the same moment. The sleep and the request come after the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from pipeline import clock
from pipeline.github.client import Call
from pipeline.github.port import QuotaExhausted
from pipeline.models import ApiCall, Repository, TokenBudget
from pipeline.services import telemetry

MAX_PACING = timedelta(seconds=5)  # a longer wait defers the item instead of holding a worker
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SHORTEST_BLOCK = timedelta(seconds=60)  # GitHub's rule where it names no time
LONGEST_BLOCK = timedelta(minutes=15)
POOLS = {"core": "", "graphql": "graphql_"}

_account: ContextVar[tuple[int | None, int | None]] = ContextVar("account", default=(None, None))


@contextmanager
def accounting(run_id: int | None, item_id: int | None) -> Iterator[None]:
    """Requests made inside are counted for this run and item."""
    token = _account.set((run_id, item_id))
    try:
        yield
    finally:
        _account.reset(token)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one token may do. `reserve_share` of the hourly quota is left to people."""

    write_spacing: timedelta = timedelta(seconds=1)
    writes_per_minute: int = 80
    writes_per_hour: int = 500
    reserve_share: float = 0.1

    @classmethod
    def of(cls, repository: Repository) -> Limits:
        return cls(
            timedelta(milliseconds=repository.write_spacing_ms),
            repository.writes_per_minute,
            repository.writes_per_hour,
            repository.reserve_share,
        )


class Governor:
    """The meter of one token's client (`pipeline.github.client.Meter`)."""

    def __init__(self, token_key: str, limits: Limits, repository_id: int | None = None, label: str = "") -> None:
        self._token_key = token_key
        self._limits = limits
        self._repository_id = repository_id
        self._label = label[:200]

    def admit(self, write: bool, protocol: str, *, method: str = "", route: str = "") -> int | None:
        """Return after our turn has come, or raise QuotaExhausted when it is further off than a short wait.

        The result is a write's ticket for `record`.
        """
        if not write:
            self._refuse_if_spent(self._budget(), protocol, clock.now())
            return None
        ticket, wait = self._reserve(protocol, method, route)
        if wait > timedelta(0):
            clock.sleep(wait.total_seconds())
            self._still_allowed(ticket, protocol)
        return ticket

    def record(self, call: Call, ticket: int | None = None) -> datetime | None:
        """Count one request and learn from its headers; returns until when to wait when GitHub refused for limits."""
        now = clock.now()
        self._store(call, ticket, now)
        told = _standing(call.headers)
        if told is None and not call.limited:
            return None
        with transaction.atomic():
            budget = self._locked()
            changed = _learn(budget, told) if told else []
            until = None
            if call.limited:
                until = self._block(budget, call, now)
                changed += ["blocked_until", "blocked_reason"]
            if changed:
                budget.save(update_fields=changed)
        return until

    # --- a write's moment ---

    def _reserve(self, protocol: str, method: str, route: str) -> tuple[int, timedelta]:
        with transaction.atomic():
            budget = self._locked()
            now = clock.now()
            self._refuse_if_spent(budget, protocol, now)
            at = max(now, budget.next_write_at or now, *self._free_again(now))
            if at - now > MAX_PACING:
                raise QuotaExhausted(
                    f"The pace of writes for this token is used up; the next may go out at {at:%H:%M:%S} UTC. "
                    "Nothing was sent.",
                    until=at,
                    secondary=True,
                )
            TokenBudget.objects.filter(pk=budget.pk).update(next_write_at=at + self._limits.write_spacing)
            row = self._row(at, protocol, method, route, write=True)
            row.save(force_insert=True)
        return row.pk, at - now

    def _free_again(self, now: datetime) -> list[datetime]:
        """When the last minute's and hour's allowance has room again; `now` or earlier where it has."""
        return [
            self._room(now, MINUTE, self._limits.writes_per_minute),
            self._room(now, HOUR, self._limits.writes_per_hour),
        ]

    def _room(self, now: datetime, window: timedelta, allowed: int) -> datetime:
        """The moment at which fewer than `allowed` writes lie in the window before it."""
        if allowed < 1:
            return now + window
        # Reserved moments may lie a little ahead of now; they count as well.
        writes = ApiCall.objects.filter(token_key=self._token_key, write=True, at__gt=now - window).order_by("-at")
        times = list(writes.values_list("at", flat=True)[allowed - 1 : allowed])
        return times[0] + window if times else now

    def _still_allowed(self, ticket: int, protocol: str) -> None:
        """After a sleep: another worker may have been told to wait meanwhile."""
        try:
            self._refuse_if_spent(self._budget(), protocol, clock.now())
        except QuotaExhausted:
            ApiCall.objects.filter(pk=ticket).delete()
            raise

    def _refuse_if_spent(self, budget: TokenBudget, protocol: str, now: datetime) -> None:
        if budget.blocked_until and budget.blocked_until > now:
            raise QuotaExhausted(
                f"GitHub asked this token to wait until {budget.blocked_until:%Y-%m-%d %H:%M:%S} UTC "
                f"({budget.blocked_reason or 'limits'}). Nothing was sent.",
                until=budget.blocked_until,
                secondary=budget.blocked_reason.startswith("secondary"),
            )
        pool = POOLS["graphql" if protocol == "graphql" else "core"]
        limit, remaining, reset_at = (getattr(budget, pool + name) for name in ("limit", "remaining", "reset_at"))
        if limit is None or remaining is None or reset_at is None or reset_at <= now:
            return
        if remaining <= limit * self._limits.reserve_share:
            raise QuotaExhausted(
                f"{remaining} of {limit} requests are left in this token's hour, which is the share kept for people; "
                f"the hour ends at {reset_at:%H:%M:%S} UTC. Nothing was sent.",
                until=reset_at,
            )

    # --- rows ---

    def _budget(self) -> TokenBudget:
        defaults = {"label": self._label}
        return TokenBudget.objects.get_or_create(token_key=self._token_key, defaults=defaults)[0]

    def _locked(self) -> TokenBudget:
        # SQLite has no row locks: there the write comes first and takes the database's.
        if not TokenBudget.objects.filter(token_key=self._token_key).update(token_key=F("token_key")):
            self._budget()
        return TokenBudget.objects.select_for_update().get(token_key=self._token_key)

    def _store(self, call: Call, ticket: int | None, now: datetime) -> None:
        answered = {"status": call.status, "duration_ms": call.duration_ms, "limited": call.limited}
        run_id, item_id = _account.get()
        made = {"protocol": call.protocol, "method": call.method, "route": call.route, "write": call.write, **answered}
        telemetry.emit("api", run=run_id, item=item_id, **made)
        if ticket is not None and ApiCall.objects.filter(pk=ticket).update(**answered):
            return
        row = self._row(now, call.protocol, call.method, call.route, write=call.write)
        row.status, row.duration_ms, row.limited = call.status, call.duration_ms, call.limited
        row.save(force_insert=True)

    def _row(self, at: datetime, protocol: str, method: str, route: str, *, write: bool) -> ApiCall:
        run_id, item_id = _account.get()
        return ApiCall(
            at=at,
            repository_id=self._repository_id,
            run_id=run_id,
            item_id=item_id,
            token_key=self._token_key,
            protocol=protocol,
            method=method[:10],
            route=route[:200],
            write=write,
        )

    def _block(self, budget: TokenBudget, call: Call, now: datetime) -> datetime:
        until = max(_asked_wait(call, now) or now + self._backoff(now), budget.blocked_until or now)
        budget.blocked_until = until
        budget.blocked_reason = f"{call.limited} limit, seen on {call.method} {call.route}"[:300]
        return until

    def _backoff(self, now: datetime) -> timedelta:
        """At least a minute, doubled with each secondary limit of the last half hour."""
        recent = ApiCall.objects.filter(token_key=self._token_key, at__gt=now - HOUR / 2, limited="secondary").count()
        return min(SHORTEST_BLOCK * int(2 ** max(recent - 1, 0)), LONGEST_BLOCK)


@dataclass(frozen=True, slots=True)
class _Standing:
    pool: str
    limit: int
    remaining: int
    reset_at: datetime


def _standing(headers: Mapping[str, str]) -> _Standing | None:
    """What the x-ratelimit headers say of one of the pools that we use."""
    pool = POOLS.get(headers.get("x-ratelimit-resource", "core"))
    numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
    if pool is None or not all(number.isdigit() for number in numbers):
        return None
    limit, remaining, reset = map(int, numbers)
    return _Standing(pool, limit, remaining, datetime.fromtimestamp(reset, UTC))


def _learn(budget: TokenBudget, told: _Standing) -> list[str]:
    """Take in newer figures; answers arrive out of order, so within one hour the lowest remainder is the newest."""
    names = [told.pool + name for name in ("limit", "remaining", "reset_at")]
    _, remaining, reset_at = (getattr(budget, name) for name in names)
    if reset_at is not None and reset_at > told.reset_at:
        return []
    if reset_at == told.reset_at and remaining is not None and remaining <= told.remaining:
        return []
    for name, value in zip(names, (told.limit, told.remaining, told.reset_at), strict=True):
        setattr(budget, name, value)
    return names


def _asked_wait(call: Call, now: datetime) -> datetime | None:
    """Until when GitHub itself asked us to wait: retry-after, or the end of a used-up hour."""
    after = call.headers.get("retry-after", "")
    if after.isdigit():
        return now + timedelta(seconds=int(after))
    reset = call.headers.get("x-ratelimit-reset", "")
    if call.limited == "primary" and reset.isdigit():
        return max(datetime.fromtimestamp(int(reset), UTC), now + timedelta(seconds=1))
    return None
