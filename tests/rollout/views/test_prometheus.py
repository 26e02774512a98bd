"""/metrics says of a rollout what its pages say."""

from __future__ import annotations

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from pipeline.models import Operation
from rollout.models import Evaluation, Hold, Rollout
from tests.factories import MOMENT
from tests.rollout.models.rows import make_evaluation

pytestmark = pytest.mark.django_db

Sample = tuple[str, dict[str, str], float]
RULE = {"rule": "assign-failing", "subject": "assign", "metric": "item_failure_rate"}


def scraped(prefix: str) -> list[Sample]:
    """The samples of these metrics, without what names the rollout."""
    text = Client().get("/metrics").content.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return [
        (
            each.name,
            {name: value for name, value in each.labels.items() if name not in {"rollout", "repository"}},
            each.value,
        )
        for each in samples
        if each.name.startswith(prefix)
    ]


def test_standing_of_a_rollout_at_work_is_told(rollout: Rollout) -> None:
    Hold.objects.create(rollout=rollout, operation="assign", by="olga", reason="Night.", at=MOMENT)

    found = scraped("controlplane_rollout")

    assert ("controlplane_rollout", {"state": "running", "phase": rollout.phase}, 1.0) in found
    assert ("controlplane_rollout_open_holds", {}, 1.0) in found
    assert ("controlplane_rollout_open_rollbacks", {}, 0.0) in found


def test_newest_figure_of_a_rule_is_told_and_no_older_one(rollout: Rollout) -> None:
    Evaluation.objects.all().delete()
    make_evaluation(rollout=rollout, **RULE, verdict="pass", value=0.1, threshold=0.2, n=50)
    make_evaluation(rollout=rollout, **RULE, verdict="breach", value=0.25, threshold=0.2, n=40)

    assert scraped("controlplane_rule") == [
        ("controlplane_rule_value", RULE, 0.25),
        ("controlplane_rule_threshold", RULE, 0.2),
        ("controlplane_rule_sample_size", RULE, 40.0),
        ("controlplane_rule_verdict", {**RULE, "verdict": "breach"}, 1.0),
    ]


def test_rule_without_a_value_has_a_verdict_and_no_figure(rollout: Rollout) -> None:
    Evaluation.objects.all().delete()
    make_evaluation(rollout=rollout, **RULE, verdict="inconclusive", value=None)

    assert [name for name, _labels, _value in scraped("controlplane_rule")] == [
        "controlplane_rule_sample_size",
        "controlplane_rule_verdict",
    ]


def test_finished_rollout_is_told_no_more(rollout: Rollout) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(state=Rollout.State.FINISHED)

    assert scraped("controlplane_rollout") + scraped("controlplane_rule") == []


def test_mode_limit_and_binding_term_of_an_operation_are_told(rollout: Rollout) -> None:
    Operation.objects.filter(name="assign").update(mode="dry_run", limit=7, limit_reason="quota")

    found = scraped("controlplane_operation")

    assert ("controlplane_operation_limit", {"operation": "assign", "binding": "quota"}, 7.0) in found
    assert ("controlplane_operation_mode", {"operation": "assign", "mode": "dry_run"}, 1.0) in found
