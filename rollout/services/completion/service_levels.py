"""Service levels as rows: shipped from the plan, taken from a rollout's own plan, changed by people; the closest holds.

A row that a person has changed is never changed by automation again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from django.db import transaction

from pipeline.models import Repository
from rollout.domain.measures import Unit
from rollout.domain.plan import Plan, Sla
from rollout.domain.plan_file import load_plan
from rollout.domain.service_levels import closest
from rollout.metrics.copilot import SPANS
from rollout.metrics.registry import METRICS
from rollout.models import ServiceLevel
from rollout.services import plans, shipped_rows

RULE = "rule:shipped"
SHIPPED = "Shipped with the release: the plan's service levels."


@transaction.atomic
def ship() -> int:
    """Make the rows of every repository say what the shipped plan says; how many were made or changed."""
    return sum(_put(None, sla, actor=RULE, reason=SHIPPED) for sla in _shipped())


@transaction.atomic
def adopt(repository: Repository, plan: Plan, *, actor: str) -> int:
    """What a rollout's own plan asks for otherwise than the shipped one becomes rows of its repository."""
    if not plan.slas:
        return 0
    ship()
    shipped = {sla.slug: sla for sla in _shipped()}
    own = set(ServiceLevel.objects.filter(repository=repository, workflow="").values_list("slug", flat=True))
    reason = f"{plan.title} {plan.version} of this repository says so."
    return sum(
        _put(repository, sla, actor=actor, reason=reason)
        for sla in plan.slas
        if sla.slug in own or shipped.get(sla.slug) != sla
    )


def in_force(repository_id: int, workflow: str = "") -> list[ServiceLevel]:
    """The levels that hold there, in the order of their slugs; where the closest one is switched off, none holds."""
    rows = ServiceLevel.objects.select_related("repository").order_by("slug", "pk")
    return [row for row in closest(rows, repository_id, workflow).values() if row.active]


def overrides(repository_id: int) -> list[str]:
    """Workflows that have a level of their own there."""
    rows = ServiceLevel.objects.exclude(workflow="").values_list("repository_id", "workflow").distinct()
    return sorted({workflow for owner, workflow in rows if owner in (None, repository_id)})


def refusal(metric: str, within: timedelta | None) -> str:
    """Why a level cannot be measured so, in one sentence; empty when it can."""
    known = METRICS.get(metric)
    shares = ", ".join(sorted(slug for slug, found in METRICS.items() if found.unit is Unit.SHARE))
    if known is None:
        return f"There is no metric {metric!r}; choose one of {shares}."
    if known.unit is not Unit.SHARE:
        return f"{metric} is no share, and a service level is one; choose one of {shares}."
    span, words = SPANS.get(metric, (None, ""))
    if span is not None and within is not None and span != within:
        fitting = next((slug for slug, (other, _words) in SPANS.items() if other == within), "")
        advice = f"choose {fitting}" if fitting else f"choose one of {', '.join(SPANS)}"
        return f"{metric} measures within {words}, not within {within}; {advice}, or leave “within” empty."
    return ""


@cache
def _shipped() -> tuple[Sla, ...]:
    return load_plan(plans.shipped_text()).slas


def _put(repository: Repository | None, sla: Sla, *, actor: str, reason: str) -> bool:
    """Whether a row was made or changed."""
    wanted = {
        "text": sla.text,
        "metric": sla.metric,
        "comparator": sla.comparator,
        "threshold": sla.threshold,
        "within": sla.within,
    }
    return shipped_rows.put(ServiceLevel, repository, {"slug": sla.slug}, wanted, actor=actor, reason=reason)
