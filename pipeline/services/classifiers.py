"""The classifier in force, and what its assessments cost."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import F, Sum

from pipeline import clock
from pipeline.ai.endpoint import HttpEndpoint
from pipeline.ai.model_classifier import ModelClassifier
from pipeline.domain.classification import Assessment, Classifier, Usage
from pipeline.domain.rules_classifier import RulesClassifier
from pipeline.models import AiCall, AiDay, RunItem


class DailyQuota:
    """Calls per UTC day, counted in one row before each is made, so that all workers share one quota."""

    def __init__(self, most: int) -> None:
        self._most = most

    def take(self) -> bool:
        """Use one call of today's; False when there is none left."""
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        if not AiDay.objects.filter(day=today.date()).exists():
            # Calls of a day that began before there was a counter.
            made = AiCall.objects.filter(at__gte=today).aggregate(n=Sum("calls"))["n"] or 0
            AiDay.objects.get_or_create(day=today.date(), defaults={"calls": made})
        left = AiDay.objects.filter(day=today.date(), calls__lt=self._most)
        return left.update(calls=F("calls") + 1) == 1

    def record(self, usage: Usage) -> None:
        """What an assessment used is stored with its item by `account`."""


def in_force(run_id: int) -> Classifier:
    """As the settings say: rules, or a language model that falls back to the rules."""
    access = settings.CONTROLPLANE.ai
    return RulesClassifier() if access.classifier == "rules" else _model(access, run_id)


@lru_cache(maxsize=8)
def _model(access: Any, run_id: int) -> ModelClassifier:  # noqa: ARG001 - one for each run: it remembers failures
    """An endpoint that does not answer is given up for the rest of a run, instead of waiting for it at each issue."""
    endpoint = HttpEndpoint(
        name=access.endpoint.split("://", 1)[-1].split("/", 1)[0],
        base_url=access.endpoint,
        model=access.model,
        wire="anthropic" if access.format == "anthropic" else "openai",
        key=lambda: access.api_key,
        total_seconds=access.timeout.total_seconds(),
    )
    return ModelClassifier(endpoint, RulesClassifier(), DailyQuota(access.daily_quota))


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
