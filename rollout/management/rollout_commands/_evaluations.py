"""Evaluations by what a person typed."""

from __future__ import annotations

from typing import Any

from pipeline.services.operations import NotPossible
from rollout.models import Evaluation, Rollout
from rollout.services import explain


def chosen(rollout: Rollout, what: str) -> list[Evaluation]:
    """One by its number, the newest of a rule per operation, or the newest of every rule."""
    rows = Evaluation.objects.filter(rollout=rollout).select_related("rollout")
    if what.isdigit():
        rows = rows.filter(pk=int(what))
    elif what:
        rows = rows.filter(rule=what)
    newest: dict[tuple[str, str], Evaluation] = {}
    for row in rows.order_by("pk"):
        newest[(row.rule, row.subject)] = row
    if not newest:
        named = f" of {what!r}" if what else ""
        raise NotPossible(
            f"There is no evaluation{named}; criteria are measured when their gate is asked or looked at."
        )
    return list(newest.values())


def facts(row: Evaluation) -> dict[str, Any]:
    return {
        "evaluation": row.pk,
        "rule": row.rule,
        "subject": row.subject,
        "verdict": row.verdict,
        "value": row.value,
        "n": row.n,
        "comparator": row.comparator,
        "threshold": row.threshold,
        "window": [row.window_start, row.window_end],
        "floor": row.floor,
        "rows": row.rows,
        "sentence": explain.sentence(row),
    }
