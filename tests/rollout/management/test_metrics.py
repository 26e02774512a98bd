"""`rollout metrics`: what can be measured, in words."""

from __future__ import annotations

from rollout.metrics.registry import METRICS
from tests.rollout.management.conftest import Call


def test_every_metric_is_listed_with_what_it_means(call: Call) -> None:
    code, facts = call("metrics")
    assert (code, {row["metric"] for row in facts}) == (0, set(METRICS))
    assert all(row["definition"].endswith(".") for row in facts)


def test_a_name_that_no_metric_has_is_refused(call: Call) -> None:
    assert [row["metric"] for row in call("metrics", "survey")[1]] == ["survey_score"]
    code, why = call("metrics", "happiness")
    assert (code, "no metric with 'happiness'" in why["error"]) == (2, True)
