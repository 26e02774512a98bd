"""The classifier in force, and what its assessments cost."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Sum

from pipeline import clock
from pipeline.ai.endpoint import HttpEndpoint
from pipeline.ai.model_classifier import ModelClassifier
from pipeline.domain.classification import Assessment, Classifier, Usage
from pipeline.domain.rules_classifier import RulesClassifier
from pipeline.models import AiCall, RunItem


class DailyQuota:
    """Calls per UTC day, counted in the database, so that all workers share one quota.

    What another worker is asking at this very moment is counted once it is answered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way = 0  # taken for the present assessment, which has no row yet

    def take(self) -> bool:
        """Whether another call fits into today's quota."""
        midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        used = AiCall.objects.filter(at__gte=midnight).aggregate(n=Sum("calls"))["n"] or 0
        if used + self._under_way >= self._most:
            return False
        self._under_way += 1
        return True

    def record(self, usage: Usage) -> None:  # noqa: ARG002 - the signature is Budget's
        """What an assessment used is stored with its item by `account`."""
        self._under_way = 0


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
