"""The classifier in force, its daily quota, and what its assessments cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from pipeline import clock
from pipeline.ai.model_classifier import ModelClassifier
from pipeline.domain.classification import Usage
from pipeline.domain.rules_classifier import RulesClassifier
from pipeline.models import AiCall
from pipeline.services import classifiers
from pipeline.services.classifiers import DailyQuota
from tests.factories import make_ai_call, make_item
from tests.values import assessment

pytestmark = pytest.mark.usefixtures("time")


def configure(settings: Settings, **values: Any) -> None:
    access = replace(settings.CONTROLPLANE.ai, **values)
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, ai=access)


def test_rules_are_the_default() -> None:
    assert isinstance(classifiers.in_force(1), RulesClassifier)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_language_model_is_in_force_when_it_is_configured(settings: Settings, wire: str) -> None:
    configure(settings, classifier="model", endpoint="http://127.0.0.1:1/v1", model="m", format=wire)
    assert isinstance(classifiers.in_force(1), ModelClassifier)


def test_one_run_keeps_its_language_model_and_what_it_knows_of_failures(settings: Settings) -> None:
    configure(settings, classifier="model", endpoint="http://127.0.0.1:1/v1", model="m")
    assert classifiers.in_force(1) is classifiers.in_force(1)
    assert classifiers.in_force(1) is not classifiers.in_force(2)


def test_quota_is_that_of_the_utc_day_and_of_all_workers(time: clock.VirtualClock) -> None:
    one, other = DailyQuota(2), DailyQuota(2)
    assert (one.take(), other.take()) == (True, True)
    assert (one.take(), other.take()) == (False, False)
    time.advance(timedelta(hours=16))
    assert one.take()


def test_call_counts_against_the_quota_before_its_assessment_is_recorded() -> None:
    quota = DailyQuota(3)
    assert [quota.take() for _ in range(5)] == [True, True, True, False, False]
    assert not AiCall.objects.exists()


def test_calls_of_today_from_before_there_was_a_counter_count(time: clock.VirtualClock) -> None:
    make_ai_call(at=clock.now() - timedelta(days=1), calls=99)
    make_ai_call(at=clock.now(), calls=2)
    assert [DailyQuota(3).take() for _ in range(2)] == [True, False]


def test_quota_counts_the_calls_of_an_assessment_that_has_no_row_yet() -> None:
    quota = DailyQuota(1)
    assert [quota.take(), quota.take()] == [True, False]


def test_quota_of_none_takes_nothing() -> None:
    assert not DailyQuota(0).take()


def test_assessment_is_accounted_to_its_item() -> None:
    item = make_item()
    made = assessment(("osint", 0.9), usage=Usage("x" * 99, "m" * 99, 2, 300, 40), fell_back="y" * 999)
    classifiers.account(item, made)
    row = AiCall.objects.get()
    assert (row.item, row.run, row.repository) == (item, item.run, item.run.repository)
    assert (row.calls, row.tokens_in, row.tokens_out) == (2, 300, 40)
    assert (len(row.provider), len(row.model), len(row.fell_back)) == (40, 80, 300)
