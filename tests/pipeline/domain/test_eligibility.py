"""Which issues an operation may take on, and the sentence why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.domain.eligibility import labels_refuse, refusal
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.states import State
from tests.values import snapshot

G = LabelGrammar()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("expected", State)
def test_issue_is_taken_on_exactly_in_the_expected_state(state: State, expected: State) -> None:
    issue = snapshot(labels=("site-monitor", G.state(state).upper()))
    sentence = refusal(issue, expected, G)
    assert (sentence == "") is (state is expected)
    if sentence:
        assert sentence == f"GitHub shows state::{state.value}, not state::{expected.value}."


def test_issue_without_a_state_label_counts_as_in_discovery() -> None:
    issue = snapshot(labels=("site-monitor",))
    assert refusal(issue, State.DISCOVERY, G) == ""
    assert refusal(issue, State.ASSIGNED, G) != ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"is_open": False}, "closed"),
        ({"locked": True}, "locked; unlock it on GitHub"),
        ({"labels": ("state::discovery", "Feature")}, "`feature`"),
        ({"labels": ("state::discovery", "Needs Clarification")}, "waits for a person"),
        ({"labels": ("state::discovery", "state::done")}, "Conflicting state labels: state::discovery, state::done."),
        ({"labels": ("state::limbo",)}, "Unknown state label: limbo."),
        ({"labels": ("state::discovery", "state::limbo")}, "Unknown state label: limbo."),
    ],
)
def test_issue_is_left_alone_with_the_reason(values: dict[str, Any], words: str) -> None:
    assert words in refusal(replace(snapshot(), **values), State.DISCOVERY, G)


def test_prefix_belongs_to_our_labels_and_not_to_feature() -> None:
    grammar = LabelGrammar("cp/")
    assert "feature" in labels_refuse(("feature",), grammar)
    assert labels_refuse(("needs clarification", "state::limbo"), grammar) == ""
    assert "waits for a person" in labels_refuse(("cp/needs clarification",), grammar)
    assert "cp/state::done, not cp/state::discovery" in refusal(
        snapshot(labels=("cp/state::done",)), State.DISCOVERY, grammar
    )
