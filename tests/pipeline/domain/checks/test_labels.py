"""Label drift: each check where it bites, where it does not, and where it nearly would."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain import changes, checks
from pipeline.domain.checks.labels import outside
from pipeline.domain.checks.values import Severity
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Verdict
from pipeline.domain.states import State
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import Life, with_labels
from tests.values import MOMENT

ASSIGNED, HANDED, DONE = healthy.assigned(), healthy.handed_over(), healthy.done()
LONG_AGO = MOMENT - timedelta(days=1)


def found(life: Life, **values: Any) -> set[str]:
    return set(checks.look(life.subject(**values))[0])


def closed(life: Life, **values: Any) -> Life:
    return replace(life, issue=replace(life.issue, **{"is_open": False, "closed_at": LONG_AGO, **values}))


WRONG = {
    "two states": (with_labels(ASSIGNED, "state::copilot"), {"state.conflict"}),
    "two states in other case": (with_labels(ASSIGNED, "State::Copilot"), {"state.conflict"}),
    "unknown state": (with_labels(ASSIGNED, "state::stuck"), {"state.unknown"}),
    "no state beyond discovery": (with_labels(ASSIGNED, without=["state::assigned"]), {"state.missing"}),
    "a state that no person can set": (
        with_labels(healthy.opened(), "state::copilot", without=["state::discovery"]),
        {"state.move"},
    ),
    "triage on assigned": (with_labels(ASSIGNED, "monitor::triage"), {"labels.triage"}),
    "triage on handed over": (with_labels(HANDED, "Monitor::Triage"), {"labels.triage"}),
    "closed a day ago": (closed(ASSIGNED), {"labels.closed"}),
    "another monitor label": (with_labels(ASSIGNED, "monitor::urgent"), {"labels.outside"}),
    "one colon": (with_labels(ASSIGNED, "state:assigned"), {"labels.outside"}),
    "spaces": (with_labels(ASSIGNED, "workflow :: osint"), {"labels.outside"}),
    "plural": (with_labels(ASSIGNED, "workflows::osint"), {"labels.outside"}),
    "impossible slug": (with_labels(ASSIGNED, "specialist::Ann B."), {"labels.outside", "labels.specialist"}),
    "workflow without a schema": (
        with_labels(healthy.opened(), "workflow::retired"),
        {"labels.workflow_unknown"},
    ),
    "no workflow on assigned": (
        with_labels(ASSIGNED, without=["workflow::osint-research"]),
        {"labels.workflow_count"},
    ),
    "two workflows on assigned": (
        with_labels(ASSIGNED, "workflow::other"),
        {"labels.workflow_count", "labels.workflow_unknown"},
    ),
    "specialist of another workflow": (with_labels(ASSIGNED, "specialist::analyst"), {"labels.specialist"}),
}  # fmt: skip

RIGHT = {
    "label of people": with_labels(ASSIGNED, "bug", "priority::high", "statement: x", "monitoring::x"),
    "discovery without a state label": with_labels(
        healthy.opened(), without=["state::discovery", "monitor::triage"]
    ),
    "triage in discovery": healthy.opened(),
    "other case": with_labels(ASSIGNED, "State::Assigned", without=["state::assigned"]),
    "closed an hour ago": closed(ASSIGNED, closed_at=MOMENT),
    "done and closed": DONE,
    "workflow set by a person in discovery": with_labels(healthy.opened(), "workflow::osint-research"),
    "two workflows in discovery": with_labels(healthy.opened(), "workflow::osint-research", "Workflow::OSINT-research"),
    "retired workflow of what is done": with_labels(DONE, "workflow::retired"),
    "retired workflow of a feature": with_labels(healthy.opened(), "workflow::retired", "feature"),
    "no specialist label": with_labels(ASSIGNED, without=["specialist::osint-researcher"]),
    "needs clarification": with_labels(ASSIGNED, "needs clarification"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_label_that_drifted_is_found(name: str) -> None:
    life, expected = WRONG[name]
    assert found(life, now=MOMENT + timedelta(hours=1)) == expected


@pytest.mark.parametrize("name", RIGHT)
def test_label_that_is_in_order_or_is_peoples_is_no_fault(name: str) -> None:
    assert found(RIGHT[name], now=MOMENT + timedelta(hours=1)) == set()


def test_labels_of_another_prefix_are_not_ours() -> None:
    grammar = LabelGrammar("cp/")
    assert outside(["state:assigned", "monitor::x"], grammar) == ()
    assert outside(["cp/state:assigned", "CP/monitor::x", "cp/state::done"], grammar) == (
        "cp/state:assigned",
        "CP/monitor::x",
    )


def test_nothing_is_judged_while_a_change_of_ours_is_under_way() -> None:
    faults, unseen = checks.look(with_labels(ASSIGNED, "monitor::triage").subject(busy=True))
    assert faults == {}
    assert set(unseen) == {check.id for check in checks.ISSUE_CHECKS}


def planned(life: Life, **values: Any) -> list[changes.Change]:
    return [row.change for row in checks.plan_repair(life.subject(**values)).effects]


def test_triage_label_is_taken_off_and_kept_for_a_revert() -> None:
    plan = checks.plan_repair(with_labels(ASSIGNED, "monitor::triage").subject())
    assert (plan.verdict, plan.outcome, plan.moves) == (Verdict.CHANGE, "repaired", {})
    assert [(row.change, row.before) for row in plan.effects] == [
        (changes.RemoveLabels(("monitor::triage",)), {"labels": ["monitor::triage"]})
    ]


def test_triage_label_stays_where_the_states_contradict_each_other() -> None:
    assert planned(with_labels(ASSIGNED, "monitor::triage", "state::discovery")) == []
    assert planned(with_labels(ASSIGNED, "monitor::triage", without=["state::assigned"])) == []


def test_closed_issue_becomes_done_with_one_state_label() -> None:
    plan = checks.plan_repair(closed(with_labels(ASSIGNED, "monitor::triage")).subject())
    assert [row.change for row in plan.effects] == [
        changes.AddLabels(("state::done",)),
        changes.RemoveLabels(("monitor::triage", "state::assigned")),
    ]
    assert plan.moves == {0: State.DONE}


def test_closed_issue_that_was_handed_over_is_left_to_tracking() -> None:
    assert found(closed(HANDED)) == {"labels.closed"}
    assert planned(closed(HANDED)) == []


def test_done_label_that_is_gone_is_set_again_on_a_closed_issue_only() -> None:
    gone = with_labels(DONE, without=["state::done"])
    assert planned(gone) == [changes.AddLabels(("state::done",))]
    assert planned(replace(gone, issue=replace(gone.issue, is_open=True))) == []


@pytest.mark.parametrize("name", ["two states", "unknown state", "a state that no person can set", "plural"])
def test_what_people_set_is_never_repaired(name: str) -> None:
    assert planned(WRONG[name][0]) == []


def test_repair_of_a_healthy_issue_is_skipped() -> None:
    assert checks.plan_repair(ASSIGNED.subject()).verdict is Verdict.SKIP


def test_every_check_explains_itself_and_its_repair() -> None:
    assert len(checks.BY_ID) == len(checks.ISSUE_CHECKS) + len(checks.WHOLE_CHECKS)
    for check in checks.BY_ID.values():
        assert check.title
        assert check.explanation.endswith(".")
        assert isinstance(check.severity, Severity)
    for issue_check in checks.ISSUE_CHECKS:
        assert issue_check.safety.endswith(".")
        assert (issue_check.repair is None) == issue_check.safety.startswith("No repair")
