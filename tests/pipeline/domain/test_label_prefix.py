"""A repository's label prefix stands before every label of ours that a plan sets or takes off, and in what it says."""

from __future__ import annotations

import pytest

from pipeline.domain import changes, plan_assign, plan_process, plan_track, plan_triage
from pipeline.domain.handover import Judgement, Outcome
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan
from pipeline.domain.states import State
from tests.values import COPILOT, MOMENT, assessment, snapshot, specialist, workflow

G = LabelGrammar("cp/")
SPECS = {"osint": workflow("osint"), "review": workflow("review")}
DISCOVERED = snapshot(labels=("cp/site-monitor", "cp/monitor::triage", "cp/state::discovery"))
ASSIGNED = snapshot(labels=("cp/site-monitor", "cp/state::assigned", "cp/workflow::osint"))
HANDED = snapshot(labels=("cp/site-monitor", "cp/state::copilot"), assignees=(COPILOT,))
TRACKED = plan_track.Tracked(3, State.COPILOT, 1, "work", 2, 2)
TASK = plan_process.Task(issue_id=3, repository="acme/watch", default_branch="main", now=MOMENT)


def assigned(*candidates: tuple[str, float]) -> Plan:
    return plan_assign.plan(DISCOVERED, plan_assign.Reading(assessment(*candidates)), SPECS, G)


PLANS = {
    "assigned": assigned(("osint", 0.9)),
    "asked": assigned(("osint", 0.7)),
    "handed over": plan_process.plan(ASSIGNED, SPECS["osint"], specialist(), TASK, G),
    "given to a person": plan_track.plan(TRACKED, Judgement(Outcome.FAILED, "It failed."), HANDED, G),
    "done": plan_track.plan(TRACKED, Judgement(Outcome.COMPLETED, "Closed."), snapshot(is_open=False), G),
    "sent back": plan_triage.plan(plan_triage.Choice.TRIAGE, State.COPILOT, HANDED, G),
}


@pytest.mark.parametrize("made", PLANS.values(), ids=PLANS.keys())
def test_every_label_of_a_plan_carries_the_prefix(made: Plan) -> None:
    labelled = [e.change for e in made.effects if isinstance(e.change, changes.AddLabels | changes.RemoveLabels)]
    names = [name for change in labelled for name in change.labels]
    assert names
    assert all(name.startswith("cp/") for name in names)


@pytest.mark.parametrize("name", ["asked", "given to a person"])
def test_comment_names_the_label_as_it_is_on_github(name: str) -> None:
    (said,) = [e.change.body for e in PLANS[name].effects if isinstance(e.change, changes.AddComment)]
    assert "`cp/needs clarification`" in said
