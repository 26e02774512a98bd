"""Statistics of one run (plan 1.1): outcomes, duration, workflows, labels, API and AI calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, Sum

from pipeline import clock
from pipeline.models import AiCall, ApiCall, Effect, Issue, Run, RunItem

WITHIN_MINUTES, AT_MOST_MINUTES = 15, 30  # plan 1.3: success criterion and rollback line of the daily run


def of(run: Run) -> dict[str, Any]:
    """Counted from the rows, in one query a table; a daily run counts its parts too."""
    parts = list(run.children.values_list("pk", flat=True))
    runs = [run.pk, *parts]
    seconds = (clock.now() - (run.started_at or run.created_at)).total_seconds()
    result: dict[str, Any] = {
        **_items(runs),
        "duration_seconds": round(seconds, 1),
        **_api(runs),
        "ai": _ai(runs),
        **_effects(runs),
    }
    if "validation" in run.statistics:  # written when its issues were looked at
        result["validation"] = run.statistics["validation"]
    if parts:
        result["within_15_minutes"] = seconds <= WITHIN_MINUTES * 60
        result["within_30_minutes"] = seconds <= AT_MOST_MINUTES * 60
        result["system"] = _system(run)
    return result


def _items(runs: list[int]) -> dict[str, Any]:
    fields = ("state", "outcome", "error_type", "issue__workflow__slug", "started_at", "finished_at")
    rows = list(RunItem.objects.filter(run__in=runs).order_by().values_list(*fields))
    return {
        "items": len(rows),
        "by_state": _counts(row[0] for row in rows),
        "by_outcome": _counts(row[1] for row in rows),
        "by_error": _counts(row[2] for row in rows),
        "workflows": _counts(row[3] for row in rows),
        "seconds_per_item": _mean([row[5] - row[4] for row in rows if row[4] and row[5]]),
    }


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value).items()))


def _mean(spans: list[timedelta]) -> float | None:
    """Mean seconds of the items that were worked; None when there was none, which is not zero."""
    return round(sum(span.total_seconds() for span in spans) / len(spans), 2) if spans else None


def _api(runs: list[int]) -> dict[str, Any]:
    calls = ApiCall.objects.filter(run__in=runs).order_by("route").values("route")
    rows = list(calls.annotate(n=Count("pk"), writes=Count("pk", Q(write=True)), limits=Count("pk", ~Q(limited=""))))
    return {
        "api_calls": {row["route"]: row["n"] for row in rows},
        "api_writes": sum(row["writes"] for row in rows),
        "api_limited": sum(row["limits"] for row in rows),
    }


def _effects(runs: list[int]) -> dict[str, dict[str, int]]:
    """How many stand in each state, and how often each label was added."""
    effects = Effect.objects.filter(item__run__in=runs).order_by()
    states = dict(effects.values_list("state").annotate(n=Count("pk")))
    labels: Counter[str] = Counter()
    if states.get(Effect.State.APPLIED):
        added = effects.filter(kind="add_labels", state=Effect.State.APPLIED).values_list("payload", flat=True)
        labels.update(label for payload in added for label in payload.get("labels", []))
    return {"labels": dict(labels.most_common()), "effects": dict(sorted(states.items()))}


def _ai(runs: list[int]) -> dict[str, int]:
    found = AiCall.objects.filter(run__in=runs).aggregate(
        assessments=Count("pk"),
        fell_back=Count("pk", ~Q(fell_back="")),
        calls=Sum("calls"),
        tokens_in=Sum("tokens_in"),
        tokens_out=Sum("tokens_out"),
    )
    return {name: value or 0 for name, value in found.items()}


def _system(run: Run) -> dict[str, int]:
    """The state of the whole repository, for the daily summary (plan 1.3)."""
    present = Issue.objects.filter(repository=run.repository, presence=Issue.Presence.PRESENT)
    counted = present.order_by().values_list("state").annotate(n=Count("pk"))
    return {**dict.fromkeys(Issue.State.values, 0), **dict(counted)}
