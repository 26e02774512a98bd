"""Criteria measured and kept: once per evidence, floors, ticks of people."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from rollout.domain.measures import Unit, Window
from rollout.domain.plan import Criterion, NoData, Ramp, RampStep, Source
from rollout.models import Evaluation, Rollout, Tick
from rollout.services import evaluation, explain
from tests.factories import make_finding, make_issue
from tests.rollout.evidence_rows import (
    ANSWERED,
    FOUR_RUNS,
    HOUR,
    START,
    make_live,
    make_plan,
    make_rollout,
    make_runs,
)

NOW = START + 24 * HOUR
RATE = Criterion(
    "rate", "Few failures", Source.AUTOMATIC, "item_failure_rate", operation="assign", unit=Unit.SHARE,
    window=Window(runs=4), comparator="<=", threshold=0.2,
)  # fmt: skip
CONFLICTS = Criterion("clean", "No conflicts", Source.AUTOMATIC, "conflicting_states", comparator="==")

pytestmark = pytest.mark.django_db


def evaluated(rollout: Rollout, criterion: Criterion = FOUR_RUNS, now: datetime = NOW, **values: Any) -> Evaluation:
    return evaluation.evaluate(rollout, criterion, now=now, **values)


def ticked(rollout: Rollout, met: bool = True, at: datetime = NOW, criterion: str = "answered") -> Tick:
    return Tick.objects.create(
        rollout=rollout, criterion=criterion, met=met, note="Read ten of them.", by="rita", at=at
    )


def test_four_completed_runs_pass_with_rows_and_reason() -> None:
    rollout = make_rollout()
    runs = make_runs(make_live(rollout.repository), "10:0 10:1 10:0 10:0")
    found = evaluated(rollout)
    assert (found.verdict, found.value, found.n) == ("pass", 4.0, 4)
    assert found.rows == [["pipeline.run", run.pk] for run in runs]
    assert found.reason == "4 over 48 hours; asked for: at least 4."


def test_repeated_evaluation_of_the_same_evidence_writes_nothing() -> None:
    rollout = make_rollout()
    make_runs(make_live(rollout.repository), "10:0")
    first = evaluated(rollout)
    assert [evaluated(rollout, now=NOW + hours * HOUR).pk for hours in range(3)] == [first.pk] * 3
    assert Evaluation.objects.count() == 1


def test_new_run_is_new_evidence() -> None:
    rollout, operation = make_rollout(), None
    operation = make_live(rollout.repository)
    make_runs(operation, "10:0 10:0 10:0")
    first = evaluated(rollout)
    make_runs(operation, "10:0", start=START + 9 * HOUR)
    second = evaluated(rollout)
    assert (first.verdict, second.verdict) == ("inconclusive", "pass")
    assert evaluation.latest(rollout, "assign-runs") == second


def test_late_run_gives_the_verdict_of_runs_in_order() -> None:
    one, other = make_rollout(), make_rollout()
    make_runs(make_live(one.repository), "10:0 10:9 10:0 10:0")
    operation = make_live(other.repository)
    make_runs(operation, "10:0", start=START + HOUR)
    make_runs(operation, "10:0 10:0", start=START + 5 * HOUR)
    make_runs(operation, "10:9", start=START + 3 * HOUR)
    assert evaluated(one, RATE).verdict == evaluated(other, RATE).verdict == "breach"


def test_evidence_that_comes_back_is_a_row_of_its_own() -> None:
    rollout = make_rollout(make_plan(CONFLICTS))
    clean = evaluated(rollout, CONFLICTS)
    issue = make_issue(repository=rollout.repository)
    finding = make_finding(
        repository=rollout.repository, issue=issue, check_id="state.conflict", first_seen=START + HOUR
    )
    dirty = evaluated(rollout, CONFLICTS)
    finding.resolved_at = NOW
    finding.save()
    again = [evaluated(rollout, CONFLICTS, now=NOW) for _twice in range(2)]
    assert [clean.verdict, dirty.verdict, again[0].verdict] == ["pass", "breach", "pass"]
    assert again[0] == again[1] == evaluation.latest(rollout, "clean")
    assert again[0].pk not in {clean.pk, dirty.pk}


def test_evidence_before_the_phase_does_not_count() -> None:
    rollout = make_rollout(phase_started_on=NOW.date())
    make_runs(make_live(rollout.repository), "10:0 10:0 10:0 10:0")
    assert evaluated(rollout).verdict == "inconclusive"


def test_prerequisite_of_a_ramp_looks_back_over_the_phase_before() -> None:
    plan = make_plan(ANSWERED)
    step = replace(plan.phases[0].steps[0], ramps=(Ramp("assign", (RampStep(1, 2, 15),), (FOUR_RUNS,)),))
    plan = replace(plan, phases=(replace(plan.phases[0], steps=(step,)),))
    rollout = make_rollout(plan, phase_started_on=NOW.date())
    make_runs(make_live(rollout.repository), "10:0 10:0 10:0 10:0")
    assert evaluated(rollout).verdict == "pass"


def test_reworded_rule_is_judged_anew() -> None:
    rollout = make_rollout()
    make_runs(make_live(rollout.repository), "10:0")
    stricter = replace(FOUR_RUNS, threshold=1)
    assert evaluated(rollout).pk != evaluated(rollout, stricter).pk
    assert evaluated(rollout, stricter).verdict == "pass"


def test_unknown_metric_is_an_error_in_one_sentence() -> None:
    found = evaluated(make_rollout(), replace(FOUR_RUNS, metric="happiness"))
    assert found.verdict == "error"
    assert "There is no metric 'happiness'" in found.reason


def test_ignored_lack_of_data_is_left_out_of_the_fold() -> None:
    found = evaluated(make_rollout(), replace(FOUR_RUNS, no_data=NoData.IGNORE))
    assert (found.verdict, evaluation.counts(found)) == ("inconclusive", False)


@pytest.mark.parametrize(("met", "verdict"), [(True, "pass"), (False, "breach")])
def test_manual_criterion_is_what_the_person_says(met: bool, verdict: str) -> None:
    rollout = make_rollout()
    ticked(rollout, met)
    found = evaluated(rollout, ANSWERED)
    assert (found.verdict, found.n) == (verdict, 1)
    assert "rita says it is" in found.reason


def test_manual_criterion_shows_what_was_measured_beside_the_answer() -> None:
    rollout, manual = make_rollout(), replace(RATE, source=Source.MANUAL)
    make_runs(make_live(rollout.repository), "10:6")
    ticked(rollout, criterion=manual.slug)
    found = evaluated(rollout, manual)
    assert (found.verdict, found.value, found.n) == ("pass", 0.6, 10)
    assert "rita says it is met: Read ten of them. Measured: 60 % over the last 4 runs" in found.reason
    assert explain.replayed(found).same


def test_unanswered_criterion_is_inconclusive() -> None:
    assert evaluated(make_rollout(), ANSWERED).reason == "Nobody has answered it yet."


def test_answer_from_before_the_floor_is_stale() -> None:
    rollout = make_rollout()
    ticked(rollout, at=START - HOUR)
    assert evaluated(rollout, ANSWERED).verdict == "stale"


def test_newest_answer_counts() -> None:
    rollout = make_rollout()
    ticked(rollout, met=False)
    first = evaluated(rollout, ANSWERED)
    ticked(rollout, met=True, at=NOW + HOUR)
    second = evaluated(rollout, ANSWERED, now=NOW + HOUR)
    assert (first.verdict, second.verdict) == ("breach", "pass")


@pytest.mark.parametrize(
    ("runs", "met", "verdict"),
    [("10:0 " * 4, True, "pass"), ("10:0 " * 4, False, "breach"), ("10:0", True, "inconclusive")],
)
def test_both_is_the_worse_of_measure_and_person(runs: str, met: bool, verdict: str) -> None:
    rollout, both = make_rollout(), replace(FOUR_RUNS, source=Source.BOTH)
    make_runs(make_live(rollout.repository), runs)
    ticked(rollout, met, criterion=both.slug)
    assert evaluated(rollout, both).verdict == verdict


def test_latest_of_what_was_never_judged_is_none() -> None:
    assert evaluation.latest(make_rollout(), "assign-runs") is None
