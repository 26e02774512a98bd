"""The effective limit of an operation, or of a part of one, term by term, from what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from pipeline.models import ApiCall, Handover, Issue, Kind, Operation, Repository, Run, RunItem, TokenBudget
from pipeline.services.credentials import CredentialMissing, resolve, token_key
from rollout.domain import limits
from rollout.domain.desired import OperationNow, Situation, name_of, planned_limit
from rollout.domain.limits import Limit, Term
from rollout.domain.timetable import runs_per_day
from rollout.models import Override, Rollout
from rollout.services import situation as situations

MEASURED_RUNS = 5  # the newest finished live runs, from which the requests per issue are measured
ASSUMED_CALLS = 10.0  # requests per issue, until a run has shown how many it takes
DOWNSTREAM_DAYS = 7  # so many days of the next stage's work may wait before it
NEXT_STAGE = {Kind.MONITOR: Kind.ASSIGN, Kind.ASSIGN: Kind.PROCESS}
WAITS_IN = {Kind.ASSIGN: Issue.State.DISCOVERY, Kind.PROCESS: Issue.State.ASSIGNED}


@dataclass(frozen=True, slots=True)
class Facts:
    """What all operations of a rollout share, read once."""

    rows: Mapping[str, Operation]
    waiting: Mapping[str, int]
    open_handovers: int
    budget: TokenBudget | None
    overrides: Mapping[str, Override]


def effective(rollout: Rollout, operation: Operation, now: datetime) -> Limit:
    """The limit of one operation now, with every term and the binding one."""
    rows = situations.managed(rollout)
    situation = situations.read(rollout, now, rows)
    return _limit(rollout, situation, facts(rollout, rows, now), operation.name, now)


def every(rollout: Rollout, situation: Situation, rows: list[Operation], now: datetime) -> dict[str, Limit]:
    """The limits of all operations, and of their parts as "daily:process", that the plan limits."""
    names = [name for now_ in situation.operations for name in _names(now_)]
    named = [name for name in names if planned_limit(situation, name)[0].value is not None]
    found = facts(rollout, rows, now) if named else None
    return {name: _limit(rollout, situation, found, name, now) for name in named if found is not None}


def _names(now: OperationNow) -> list[str]:
    return [now.name, *(name_of(now.name, part) for part in now.parts)]


def facts(rollout: Rollout, rows: list[Operation], now: datetime) -> Facts:
    active = Override.objects.filter(rollout=rollout, ended_at__isnull=True, expires_at__gt=now).order_by("pk")
    handovers = Handover.objects.filter(issue__repository_id=rollout.repository_id, outcome__in=Handover.OPEN)
    return Facts(
        rows={row.name: row for row in rows},
        waiting=_waiting(rollout.repository_id),
        open_handovers=handovers.count(),
        budget=_budget(rollout.repository),
        overrides={row.operation: row for row in active},  # the newest wins
    )


def _limit(rollout: Rollout, situation: Situation, found: Facts, name: str, now: datetime) -> Limit:
    operation, _, part = name.partition(":")
    row = found.rows.get(operation)
    planned, _ = planned_limit(situation, name)
    if row is None:
        return limits.effective([planned])
    kind = part or row.kind
    override = found.overrides.get(name)
    return limits.effective(
        [
            planned,
            limits.override(override.limit, override.owner, override.expires_at) if override else limits.override(None),
            _quota(rollout, found.budget, row, kind, now),
            limits.work_in_progress(rollout.wip_cap if kind == Kind.PROCESS else None, found.open_handovers),
            _downstream(situation, found, kind),
            limits.backlog(found.waiting.get(kind) if kind in WAITS_IN else None),
        ]
    )


def _waiting(repository_id: int) -> dict[str, int]:
    """How many issues wait for each stage, by kind of operation."""
    present = Issue.objects.filter(
        repository_id=repository_id,
        state__in=[state.value for state in WAITS_IN.values()],
        presence=Issue.Presence.PRESENT,
        is_open=True,
    )
    by_state = {row["state"]: row["n"] for row in present.order_by().values("state").annotate(n=Count("pk"))}
    return {kind.value: by_state.get(state.value, 0) for kind, state in WAITS_IN.items()}


def _budget(repository: Repository) -> TokenBudget | None:
    try:
        key = token_key(resolve(repository.token_reference))
    except CredentialMissing:
        return None
    return TokenBudget.objects.filter(token_key=key).first()


def _quota(rollout: Rollout, budget: TokenBudget | None, row: Operation, kind: str, now: datetime) -> Term:
    if budget is None:
        return limits.quota([], reserve_share=rollout.reserve_share, calls_per_item=ASSUMED_CALLS)
    blocked = ""
    if budget.blocked_until is not None and budget.blocked_until > now:
        blocked = f"GitHub asked to wait until {budget.blocked_until:%Y-%m-%d %H:%M} UTC."
    pools = [
        limits.Quota("REST", budget.limit, _left(budget.limit, budget.remaining, budget.reset_at, now)),
        limits.Quota(
            "GraphQL",
            budget.graphql_limit,
            _left(budget.graphql_limit, budget.graphql_remaining, budget.graphql_reset_at, now),
        ),
    ]
    # Measuring is worth a query only where the answer could bind.
    calls = calls_per_item(row, kind) if any(_is_near(pool, rollout, row) for pool in pools) else ASSUMED_CALLS
    return limits.quota(pools, reserve_share=rollout.reserve_share, calls_per_item=calls, blocked=blocked)


def _is_near(pool: limits.Quota, rollout: Rollout, row: Operation) -> bool:
    if pool.limit is None or pool.remaining is None:
        return False
    return pool.remaining - rollout.reserve_share * pool.limit < 100 * max(row.limit, 1)


def _left(limit: int | None, remaining: int | None, reset_at: datetime | None, now: datetime) -> int | None:
    """What is left now; after the hour's end it is the whole again."""
    return limit if reset_at is not None and reset_at <= now else remaining


def calls_per_item(row: Operation, kind: str) -> float:
    """Requests per issue of the newest live runs of that kind; an assumption until there is one."""
    newest = Run.objects.filter(operation=row, kind=kind, mode="live", finished_at__isnull=False)
    newest = newest.order_by("-nominal_at", "-pk")  # a part has no slot of its own
    runs = list(newest.values_list("pk", flat=True)[:MEASURED_RUNS])
    items = RunItem.objects.filter(run__in=runs).exclude(Q(state="skipped") | Q(state="cancelled")).count()
    return ApiCall.objects.filter(run__in=runs).count() / items if items else ASSUMED_CALLS


def _downstream(situation: Situation, found: Facts, kind: str) -> Term:
    stage = NEXT_STAGE.get(Kind(kind))
    following = next((other for other in situation.operations if stage and _kind(found, other) == stage), None)
    if stage is None or following is None:
        return limits.downstream(None, 0, days=DOWNSTREAM_DAYS)
    if following.cron is None:
        return limits.downstream(None, 0, days=DOWNSTREAM_DAYS, stage=following.name)
    planned = planned_limit(situation, following.name)[0].value
    per_day = runs_per_day(following.cron) * (following.limit if planned is None else planned)
    return limits.downstream(per_day, found.waiting.get(stage.value, 0), days=DOWNSTREAM_DAYS, stage=following.name)


def _kind(found: Facts, operation: OperationNow) -> str:
    row = found.rows.get(operation.name)
    return row.kind if row is not None else ""
