"""What GitHub and the language model allow, and how much of it was used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour

from pipeline.models import AiCall, ApiCall, TokenBudget
from rollout.domain.measures import Unit
from rollout.metrics import reducing
from rollout.metrics.base import MOST_ROWS, Measured, Question, Sample, names, rows_of

REQUESTS_PER_HOUR = 5000  # GitHub's allowance where no answer told ours yet


def _calls(question: Question) -> QuerySet[ApiCall]:
    rows = ApiCall.objects.filter(repository=question.scope.repository_id, at__gte=question.start, at__lte=question.now)
    return question.of_operation(rows, "run__operation__name")


def _refused(question: Question, calls: QuerySet[ApiCall], n: int, newest: datetime | None) -> Sample:
    found = list(question.only(calls).order_by("-at").values_list("pk", "at", "method", "route", "limited")[:MOST_ROWS])
    told = [
        f"{limited} limit on {method} {route} at {at:%Y-%m-%d %H:%M:%S}" for _k, at, method, route, limited in found
    ]
    keys = [row[0] for row in found]
    return Sample(keys, rows_of(ApiCall, keys), n, newest, question.start, None, names(told[:3]))


def _violations(question: Question) -> Sample:
    calls = _calls(question)
    seen = calls.aggregate(n=Count("pk"), newest=Max("at"))
    return _refused(question, calls.exclude(limited=""), seen["n"], seen["newest"])


def _exhausted(question: Question) -> Sample:
    """Only refused calls are read, so that a trigger may ask at any time; one call within the window is a look."""
    calls = _calls(question)
    refused = calls.filter(limited="primary")
    newest = calls.order_by("-at").annotate(refused=Exists(refused)).values_list("at", "refused")
    last, any_refused = newest.first() or (None, False)
    return _refused(question, refused if any_refused else calls.none(), 1 if last else 0, last)


def _github_used(question: Question) -> Sample:
    """Facts: [hour, requests, allowed] of every hour with requests, per token."""
    budgets = {row.token_key: row for row in TokenBudget.objects.all()}
    hours = _calls(question).annotate(hour=TruncHour("at")).order_by().values("hour", "token_key")
    facts: list[Any] = []
    newest: datetime | None = None
    for row in hours.annotate(used=Count("pk"), newest=Max("at")).order_by("hour"):
        budget = budgets.get(row["token_key"])
        allowed = budget.limit if budget and budget.limit else REQUESTS_PER_HOUR
        facts.append([f"{row['hour']:%Y-%m-%d %H:00}", row["used"], allowed])
        newest = max(newest or row["newest"], row["newest"])
    rows = rows_of(TokenBudget, (row.pk for row in budgets.values()))
    return Sample(facts, rows, None, newest, question.start, None)


def _ai_used(question: Question) -> Sample:
    """Facts: [day, calls, allowed]. Rules make no calls: their days count as 0.

    The quota is a day's, so a window that begins within a day looks at all of it that counts as evidence.
    """
    allowed = settings.CONTROLPLANE.ai.daily_quota
    start = max(question.floor, question.start.replace(hour=0, minute=0, second=0, microsecond=0))
    rows = AiCall.objects.filter(repository=question.scope.repository_id, at__gte=start, at__lte=question.now)
    rows = question.of_operation(rows, "run__operation__name")
    days = rows.annotate(day=TruncDay("at")).order_by().values("day").annotate(used=Sum("calls"), newest=Max("at"))
    found = list(days.order_by("day"))
    if not allowed and any(row["used"] for row in found):
        return Sample(error="The language model was called and no daily quota is set; set AI_DAILY_QUOTA.")
    facts = [[f"{row['day']:%Y-%m-%d}", row["used"], allowed or 1] for row in found]
    return Sample(facts, (), None, max((row["newest"] for row in found), default=None), start, None)


FAMILY = (
    Measured(
        "rate_limit_violations",
        "Rate limit violations",
        "Requests that GitHub refused because a limit, the hourly one or the one against bursts, was passed.",
        Unit.COUNT,
        _violations,
        reducing.count,
    ),
    Measured(
        "quota_exhausted",
        "GitHub quota used up",
        "Requests that GitHub refused because the hour's quota was used up.",
        Unit.COUNT,
        _exhausted,
        reducing.count,
    ),
    Measured(
        "github_quota_used",
        "GitHub quota used",
        "Requests to GitHub in the busiest hour, as a share of what the token is allowed in an hour.",
        Unit.SHARE,
        _github_used,
        reducing.busiest,
    ),
    Measured(
        "ai_quota_used",
        "AI quota used",
        "Calls of the language model on the busiest day, as a share of the daily quota; rules make no calls.",
        Unit.SHARE,
        _ai_used,
        reducing.busiest,
    ),
)
