"""The label grammar: our labels with a prefix in front, compared without case."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.states import State

PREFIXES = st.sampled_from(["", "cp/", "Team ", "x::"])
NOISE = st.lists(st.text(max_size=20), max_size=6)


@given(PREFIXES, st.sampled_from(State), NOISE)
def test_state_label_written_is_the_state_read(prefix: str, state: State, noise: list[str]) -> None:
    grammar = LabelGrammar(prefix)
    assert state in grammar.states_in([*noise, grammar.state(state).upper()])


@given(PREFIXES, st.lists(st.sampled_from(State), max_size=6))
def test_states_come_in_pipeline_order_each_once(prefix: str, states: list[State]) -> None:
    grammar = LabelGrammar(prefix)
    found = grammar.states_in([grammar.state(state) for state in states])
    assert found == tuple(state for state in State if state in states)


def test_unknown_state_labels_are_named_and_are_no_states() -> None:
    labels = ["state::limbo", "State::DONE", "state::"]
    assert LabelGrammar().states_in(labels) == (State.DONE,)
    assert LabelGrammar().unknown_states_in(labels) == ("limbo", "")


def test_labels_without_the_prefix_are_not_ours() -> None:
    grammar = LabelGrammar("cp/")
    assert grammar.states_in(["state::done"]) == ()
    assert not grammar.is_ours(["state::done", "site-monitor"])
    assert grammar.is_ours(["CP/state::done"])
    assert grammar.is_ours(["cp/Site-Monitor"])


def test_values_keep_their_order_in_lower_case() -> None:
    labels = ["workflow::Beta", "bug", "Workflow::alpha", "workflow-not"]
    assert LabelGrammar().values(labels, "workflow::") == ("beta", "alpha")


def test_prefix_stands_in_front_of_every_label() -> None:
    grammar = LabelGrammar("cp/")
    made = [
        grammar.site_monitor,
        grammar.triage,
        grammar.needs_clarification,
        grammar.workflow("osint"),
        grammar.specialist("analyst"),
        *(grammar.state(state) for state in State),
    ]
    assert all(name.startswith("cp/") for name in made)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=20))
def test_has_ignores_case(name: str) -> None:
    assert has([name.upper()], name.lower())
    assert not has([], name)
