"""What rollouts say to Prometheus: where they stand, and the newest figure of every rule, as it was judged.

The figures are those of the registry of metrics, read from the kept evaluations: a scrape measures nothing anew, and an
alert that is built on it can disagree with no page.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Max, QuerySet
from prometheus_client.core import GaugeMetricFamily, Metric

from pipeline import clock
from pipeline.models import Operation
from rollout.domain import days
from rollout.models import Evaluation, Hold, Rollback, Rollout
from rollout.services import reconcile, situation

STANDING = ["rollout", "repository"]
RULE = [*STANDING, "rule", "subject", "metric"]
KNOB = ["repository", "operation"]


def rollout_metrics() -> Iterator[Metric]:
    """Rollouts at work, their rules, and the knobs of all operations."""
    rollouts = list(Rollout.objects.filter(state__in=reconcile.AT_WORK).select_related("repository"))
    yield from _standing(rollouts)
    yield from _rules(rollouts)
    yield from _knobs()


def _standing(rollouts: list[Rollout]) -> Iterator[Metric]:
    now = clock.now()
    state = GaugeMetricFamily(
        "controlplane_rollout", "Always 1; the labels say state and phase.", labels=[*STANDING, "state", "phase"]
    )
    day = GaugeMetricFamily("controlplane_rollout_day", "The plan's day.", labels=STANDING)
    checked = GaugeMetricFamily(
        "controlplane_rollout_reconciled_age_seconds", "Since the control loop last carried it.", labels=STANDING
    )
    for row in rollouts:
        state.add_metric([*_labels(row), row.state, row.phase], 1)
        if row.starts_on is not None:
            day.add_metric(_labels(row), days.day_of(row.starts_on, situation.today(row, now)))
        if row.reconciled_at is not None:
            checked.add_metric(_labels(row), (now - row.reconciled_at).total_seconds())
    yield from (state, day, checked)
    stops: list[tuple[str, str, QuerySet[Hold] | QuerySet[Rollback]]] = [
        ("holds", "Holds that are not released.", Hold.objects.filter(released_at__isnull=True)),
        ("rollbacks", "Rollbacks under way.", Rollback.objects.filter(state=Rollback.State.RUNNING)),
    ]
    for name, text, rows in stops:
        yield _counted(
            f"controlplane_rollout_open_{name}", text, rollouts, list(rows.values_list("rollout", flat=True))
        )


def _counted(name: str, text: str, rollouts: list[Rollout], found: list[int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=STANDING)
    for row in rollouts:
        family.add_metric(_labels(row), found.count(row.pk))
    return family


def _rules(rollouts: list[Rollout]) -> Iterator[Metric]:
    value = GaugeMetricFamily("controlplane_rule_value", "The figure as it was last judged.", labels=RULE)
    threshold = GaugeMetricFamily("controlplane_rule_threshold", "What it is judged against.", labels=RULE)
    sample = GaugeMetricFamily("controlplane_rule_sample_size", "How many it was computed from.", labels=RULE)
    verdict = GaugeMetricFamily("controlplane_rule_verdict", "Always 1.", labels=[*RULE, "verdict"])
    named = {row.pk: row for row in rollouts}
    for found in _newest(rollouts):
        labels = [*_labels(named[found.rollout_id]), found.rule, found.subject, found.metric]
        for family, number in ((value, found.value), (threshold, found.threshold), (sample, found.n)):
            if number is not None:
                family.add_metric(labels, number)
        verdict.add_metric([*labels, found.verdict], 1)
    yield from (value, threshold, sample, verdict)


def _newest(rollouts: list[Rollout]) -> QuerySet[Evaluation]:
    """The newest evaluation of every rule on every operation."""
    kept = Evaluation.objects.filter(rollout__in=rollouts).order_by()
    newest = kept.values("rollout", "rule", "subject").annotate(newest=Max("pk")).values("newest")
    return Evaluation.objects.filter(pk__in=newest).defer("rows", "parts").order_by("rollout", "rule", "subject")


def _knobs() -> Iterator[Metric]:
    now = clock.now()
    mode = GaugeMetricFamily("controlplane_operation_mode", "Always 1.", labels=[*KNOB, "mode"])
    limit = GaugeMetricFamily(
        "controlplane_operation_limit", "Issues a run may take on, and what binds.", labels=[*KNOB, "binding"]
    )
    lease = GaugeMetricFamily(
        "controlplane_operation_lease_seconds", "Until live writes end by themselves.", labels=KNOB
    )
    for row in Operation.objects.select_related("repository").order_by("repository", "name"):
        labels = [str(row.repository), row.name]
        mode.add_metric([*labels, row.mode], 1)
        limit.add_metric([*labels, row.limit_reason], row.limit)
        if row.live_until is not None:
            lease.add_metric(labels, max(0.0, (row.live_until - now).total_seconds()))
    yield from (mode, limit, lease)


def _labels(row: Rollout) -> list[str]:
    return [str(row.pk), str(row.repository)]
