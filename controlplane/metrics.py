"""/metrics: computed from the database when it is read, so it is right with any number of processes.

Another room adds its own by naming a function in `settings.METRIC_SOURCES`; the function takes nothing and yields
Prometheus metric families.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

import controlplane
from controlplane import heartbeats
from pipeline.models import Effect, Heartbeat, Issue, Run, RunItem, TokenBudget


class DatabaseCollector(Collector):
    """Asks every registered source at scrape time."""

    def collect(self) -> Iterator[Metric]:
        for path in settings.METRIC_SOURCES:
            yield from import_string(path)()


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    token = settings.CONTROLPLANE.metrics_token
    if not token and settings.CONTROLPLANE.mode == "production":
        return _refused("Set CONTROLPLANE_METRICS_TOKEN to open this page in production.\n")
    if token and not hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {token}"):
        return _refused("Send the header Authorization: Bearer <CONTROLPLANE_METRICS_TOKEN>.\n")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def service_metrics() -> Iterator[Metric]:
    """What the service knows of itself and of its rows."""
    info = GaugeMetricFamily("controlplane_info", "Always 1; the labels say which version.", labels=["version"])
    info.add_metric([controlplane.__version__], 1)
    yield info
    beats = GaugeMetricFamily("controlplane_heartbeat_age_seconds", "Since a part last reported.", labels=["part"])
    for name in Heartbeat.objects.values_list("name", flat=True):
        if (age := heartbeats.age(name)) is not None:
            beats.add_metric([name], age.total_seconds())
    yield beats
    yield _counted("controlplane_issues", "Issues by pipeline state.", Issue.objects.values_list("state"), ["state"])
    yield _counted(
        "controlplane_runs", "Runs by kind and state.", Run.objects.values_list("kind", "state"), ["kind", "state"]
    )
    yield _counted("controlplane_run_items", "Items of runs by state.", RunItem.objects.values_list("state"), ["state"])
    yield _counted("controlplane_effects", "Effects by state.", Effect.objects.values_list("state"), ["state"])
    yield _quota()


def _counted(name: str, text: str, rows: QuerySet[Any, Any], labels: list[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    counted = rows.order_by(*labels).annotate(number=Count("pk"))
    for *values, number in counted:
        family.add_metric([str(value) for value in values], number)
    return family


def _quota() -> GaugeMetricFamily:
    family = GaugeMetricFamily("controlplane_github_quota_remaining", "Calls left to a token.", labels=["token", "api"])
    for budget in TokenBudget.objects.all():
        for api, left in (("rest", budget.remaining), ("graphql", budget.graphql_remaining)):
            if left is not None:
                family.add_metric([str(budget), api], left)
    return family


def _refused(text: str) -> HttpResponse:
    return HttpResponse(text, status=403, content_type="text/plain")
