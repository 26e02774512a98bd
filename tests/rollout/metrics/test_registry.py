"""The registry: every metric that a plan may name, each with words a stakeholder can read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.models import Repository
from rollout.domain import plan_vocabulary
from rollout.domain.measures import Scope, Window
from rollout.metrics.base import Question, Sample
from rollout.metrics.registry import METRICS, UnknownMetric, metric
from tests.rollout.evidence_rows import HOUR, START
from tests.rollout.metrics.conftest import Ask

LOOKS = {"security_alerts", "conflicting_states", "data_corruption"}  # there "none" is what a look found


def test_registry_answers_to_every_word_of_the_plan_with_its_unit() -> None:
    assert {slug: METRICS[slug].unit for slug in plan_vocabulary.METRICS} == plan_vocabulary.METRICS


@pytest.mark.parametrize("slug", sorted(METRICS))
def test_definition_is_a_sentence(slug: str) -> None:
    found = metric(slug)
    assert found.definition.endswith(".")
    assert found.definition[0].isupper()
    assert found.title


@pytest.mark.parametrize("slug", sorted(METRICS))
def test_empty_repository_can_nowhere_be_judged(slug: str, ask: Ask) -> None:
    found = ask(slug)
    assert found.error == ""
    assert found.rows == ()
    assert found.value in {None, 0.0}
    assert found.n == 0 or slug in LOOKS


@pytest.mark.parametrize("slug", sorted(METRICS))
def test_stored_facts_of_nothing_reduce(slug: str) -> None:
    assert METRICS[slug].again([]).value in {None, 0.0}


def test_unknown_metric_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownMetric, match="There is no metric 'happiness'; choose one of ai_quota_used"):
        metric("happiness")


def test_fault_comes_back_as_error(repository: Repository) -> None:
    def fails(_question: Question) -> Sample:
        raise ValueError("the figures make no sense")

    broken = replace(METRICS["triage_drift"], collect=fails)
    found = broken.read(Scope(repository.pk), Window(), START, START + HOUR)
    assert (found.value, found.n, found.error) == (None, 0, "Triage drift: the figures make no sense")
