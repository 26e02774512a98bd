"""Why: one sentence, and the same verdict computed again from the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.models import RunItem
from rollout.domain.measures import Unit, Window
from rollout.domain.plan import Criterion, Source
from rollout.metrics.registry import METRICS
from rollout.models import Evaluation, Rollout, Tick
from rollout.services import evaluation, explain, triggers
from tests.factories import make_api_call, make_finding, make_handover, make_issue, make_transition
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
from tests.rollout.services.doing import Doing

NOW = START + 90 * HOUR

pytestmark = pytest.mark.django_db


def evaluated(rollout: Rollout, criterion: Criterion) -> Evaluation:
    made = evaluation.evaluate(rollout, criterion, now=NOW)
    return Evaluation.objects.get(pk=made.pk)  # as the database keeps it


def test_sentence_names_rule_verdict_figures_and_rows() -> None:
    rollout = make_rollout()
    make_runs(make_live(rollout.repository), "10:0 10:0", start=START + 50 * HOUR)
    assert explain.sentence(evaluated(rollout, FOUR_RUNS)) == (
        "“At least 4 scheduled runs complete successfully”: not enough data, because 2 over 48 hours; asked for: at "
        "least 4: not there yet; from 2 rows between 2026-11-04 02:05 UTC and 2026-11-04 04:05 UTC, counted since "
        "2026-11-02 00:00 UTC."
    )


def busy(rollout: Rollout) -> None:
    """Something for every metric to see."""
    repository = rollout.repository
    for name, text in (("assign", "10:1 x 10:4 10:0 0:0"), ("process", "5:1 5:5")):
        make_runs(make_live(repository, name), text)
    for number, outcome in enumerate(("completed", "lost", "working")):
        issue = make_issue(repository=repository, state="copilot", labels=["workflow::x", "monitor::triage"])
        for after in ("discovery", "assigned", "copilot"):
            make_transition(issue=issue, after=after, at=START + (number + 1) * HOUR)
        ended = START + 30 * HOUR if outcome == "completed" else None
        make_handover(issue=issue, outcome=outcome, requested_at=START + number * HOUR, ended_at=ended)
        make_finding(repository=repository, issue=issue, check_id="state.conflict", first_seen=START + HOUR)
        make_api_call(repository=repository, at=START + HOUR, limited="primary" if number else "")


@pytest.mark.parametrize("window", [Window(), Window(hours=96), Window(runs=3)], ids=["all", "hours", "runs"])
def test_replay_of_every_metric_gives_the_same_verdict_and_value(window: Window) -> None:
    rollout = make_rollout()
    busy(rollout)
    found = {slug: explain.replayed(evaluated(rollout, asked_of(slug, window))) for slug in METRICS}
    assert {slug: one.note for slug, one in found.items() if not one.same or one.changed} == {}
    assert len({one.verdict for one in found.values()}) >= 3


def asked_of(slug: str, window: Window) -> Criterion:
    metric = METRICS[slug]
    threshold = 0.4 if metric.unit is Unit.SHARE else 1.0
    return Criterion(
        slug, metric.title, Source.AUTOMATIC, slug, "", "", metric.unit, window, "<=", threshold, minimum_sample=2
    )


@pytest.mark.parametrize(("met", "source"), [(True, Source.MANUAL), (False, Source.BOTH)])
def test_replay_of_what_people_said(met: bool, source: Source) -> None:
    asked = replace(FOUR_RUNS, source=source)
    rollout = make_rollout(make_plan(asked))
    Tick.objects.create(rollout=rollout, criterion=asked.slug, met=met, note="Looked.", by="rita", at=NOW)
    kept = evaluated(rollout, asked)
    assert explain.replay(kept).value == kept.verdict


def test_replay_stays_and_says_so_when_rows_changed_since() -> None:
    asked = replace(FOUR_RUNS, metric="item_failure_rate", unit=Unit.SHARE, comparator="<=", threshold=0.2)
    rollout = make_rollout(make_plan(asked))
    run = make_runs(make_live(rollout.repository), "10:0", start=START + 60 * HOUR)[0]
    kept = evaluated(rollout, asked)
    RunItem.objects.filter(run=run).update(state=RunItem.State.FAILED)
    found = explain.replayed(kept)
    assert (found.verdict, found.same, found.changed) == ("pass", True, True)
    assert found.note.endswith("Some of these rows say something else today.")


def test_later_events_do_not_change_what_was_seen() -> None:
    asked = replace(FOUR_RUNS, metric="copilot_completion_48h", unit=Unit.SHARE, window=Window(), threshold=0.5)
    rollout = make_rollout(make_plan(asked))
    issue = make_issue(repository=rollout.repository, state="copilot")
    row = make_handover(issue=issue, requested_at=START + HOUR)
    kept = evaluated(rollout, asked)
    row.outcome, row.ended_at = "completed", NOW + HOUR
    row.save()
    found = explain.replayed(kept)
    assert (found.verdict.value, found.value, found.same, found.changed) == (kept.verdict, kept.value, True, False)


def test_evaluation_with_an_altered_rule_is_not_replayed() -> None:
    rollout = make_rollout()
    kept = evaluated(rollout, ANSWERED)
    kept.parts["rule"]["text"] = "Something else"
    with pytest.raises(explain.NotReplayable, match="does not hold the rule"):
        explain.replay(kept)


def test_altered_facts_do_not_replay_to_the_same() -> None:
    asked = replace(FOUR_RUNS, threshold=1)
    rollout = make_rollout(make_plan(asked))
    make_runs(make_live(rollout.repository), "10:0", start=START + 60 * HOUR)
    kept = evaluated(rollout, asked)
    kept.parts["facts"] = [[name, 0] for name, _done in kept.parts["facts"]]
    found = explain.replayed(kept)
    assert (found.same, found.verdict) == (False, "inconclusive")


@pytest.mark.parametrize("profile", ["literal", "guarded"])
@pytest.mark.parametrize("text", ["10:3 10:3 10:3 10:3", "10:0 x x", "10:0 10:0 10:0 10:0", "10:10"])
def test_every_trigger_evaluation_replays(profile: str, text: str) -> None:
    rollout = make_rollout(profile=profile)
    make_runs(make_live(rollout.repository), text)
    triggers.evaluate(rollout, now=START + 12 * HOUR, actions=Doing().actions())
    kept: Sequence[Evaluation] = list(Evaluation.objects.all())
    assert len(kept) >= 4
    notes = [found.note for row in kept if not (found := explain.replayed(row)).same or found.changed]
    assert notes == []
