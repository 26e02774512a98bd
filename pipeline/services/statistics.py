"""Statistics of one run (plan 1.1): outcomes, duration, workflows, labels, API and AI calls."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Count, Sum

from pipeline import clock
from pipeline.models import AiCall, ApiCall, Effect, Issue, Run, RunItem

WITHIN_MINUTES, AT_MOST_MINUTES = 15, 30  # plan 1.3: success criterion and rollback line of the daily run


def of(run: Run) -> dict[str, Any]:
    """Counted from the rows; a daily run counts its parts too."""
    runs = [run.pk, *run.children.values_list("pk", flat=True)]
    items = RunItem.objects.filter(run__in=runs)
    seconds = (clock.now() - (run.started_at or run.created_at)).total_seconds()
    result: dict[str, Any] = {
        "items": items.count(),
        "by_state": _counts(items, "state"),
        "by_outcome": _counts(items.exclude(outcome=""), "outcome"),
        "by_error": _counts(items.exclude(error_type=""), "error_type"),
        "workflows": _counts(items.filter(issue__workflow__isnull=False), "issue__workflow__slug"),
        "labels": _labels(runs),
        "duration_seconds": round(seconds, 1),
        "seconds_per_item": _per_item(items),
        "api_calls": _counts(ApiCall.objects.filter(run__in=runs), "route"),
        "api_writes": ApiCall.objects.filter(run__in=runs, write=True).count(),
        "api_limited": ApiCall.objects.filter(run__in=runs).exclude(limited="").count(),
        "ai": _ai(runs),
        "effects": _counts(Effect.objects.filter(item__run__in=runs), "state"),
    }
    if "validation" in run.statistics:  # written when its issues were looked at
        result["validation"] = run.statistics["validation"]
    if run.children.exists():
        result["within_15_minutes"] = seconds <= WITHIN_MINUTES * 60
        result["within_30_minutes"] = seconds <= AT_MOST_MINUTES * 60
        result["system"] = _system(run)
    return result


def _counts(rows: Any, field: str) -> dict[str, int]:
    found = rows.order_by().values_list(field).annotate(n=Count("pk")).order_by(field)
    return {str(value): count for value, count in found}


def _labels(runs: list[int]) -> dict[str, int]:
    """How often each label was added by applied effects of the run."""
    counter: Counter[str] = Counter()
    rows = Effect.objects.filter(item__run__in=runs, kind="add_labels", state=Effect.State.APPLIED)
    for payload in rows.values_list("payload", flat=True):
        counter.update(payload.get("labels", []))
    return dict(counter.most_common())


def _per_item(items: Any) -> float | None:
    """Mean seconds of the items that were worked; None when there was none, which is not zero."""
    spans = [
        (finished - started).total_seconds()
        for started, finished in items.filter(started_at__isnull=False, finished_at__isnull=False).values_list(
            "started_at", "finished_at"
        )
    ]
    return round(sum(spans) / len(spans), 2) if spans else None


def _ai(runs: list[int]) -> dict[str, int]:
    rows = AiCall.objects.filter(run__in=runs)
    sums = rows.aggregate(calls=Sum("calls"), tokens_in=Sum("tokens_in"), tokens_out=Sum("tokens_out"))
    return {
        "assessments": rows.count(),
        "fell_back": rows.exclude(fell_back="").count(),
        **{name: value or 0 for name, value in sums.items()},
    }


def _system(run: Run) -> dict[str, int]:
    """The state of the whole repository, for the daily summary (plan 1.3)."""
    present = Issue.objects.filter(repository=run.repository, presence=Issue.Presence.PRESENT)
    return {**dict.fromkeys(Issue.State.values, 0), **_counts(present, "state")}
