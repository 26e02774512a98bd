"""The classifier in force, and what its assessments cost."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Sum

from pipeline import clock
from pipeline.ai.endpoint import HttpEndpoint
from pipeline.ai.model_classifier import ModelClassifier
from pipeline.domain.classification import Assessment, Classifier, Usage
from pipeline.domain.rules_classifier import RulesClassifier
from pipeline.models import AiCall, RunItem


class DailyQuota:
    """Calls per UTC day, counted in the database, so that all workers share one quota."""

    def __init__(self, most: int) -> None:
        self._most = most

    def take(self) -> bool:
        """Whether another call fits into today's quota."""
        midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        used = AiCall.objects.filter(at__gte=midnight).aggregate(n=Sum("calls"))["n"] or 0
        return used < self._most

    def record(self, usage: Usage) -> None:
        """What an assessment used is stored with its item by `account`."""


def in_force() -> Classifier:
    """As the settings say: rules, or a language model that falls back to the rules."""
    access = settings.CONTROLPLANE.ai
    rules = RulesClassifier()
    if access.classifier == "rules":
        return rules
    endpoint = HttpEndpoint(
        name=access.endpoint.split("://", 1)[-1].split("/", 1)[0],
        base_url=access.endpoint,
        model=access.model,
        wire="anthropic" if access.format == "anthropic" else "openai",
        key=lambda: access.api_key,
        total_seconds=access.timeout.total_seconds(),
    )
    return ModelClassifier(endpoint, rules, DailyQuota(access.daily_quota))


def account(item: RunItem, assessment: Assessment) -> None:
    """One row per assessment: who made it, what it cost, whether the rules stood in."""
    usage = assessment.usage
    AiCall.objects.create(
        at=clock.now(),
        repository=item.run.repository,
        run=item.run,
        item=item,
        provider=usage.provider[:40],
        model=usage.model[:80],
        calls=usage.calls,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        fell_back=assessment.fell_back[:300],
    )
