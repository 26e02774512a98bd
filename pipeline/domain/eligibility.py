"""May an operation take this issue on? One sentence why not, the same for planners and selections."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State

FEATURE = "feature"
LOCKED = "The issue is locked; unlock it on GitHub to have it worked on."


def labels_refuse(labels: Iterable[str], grammar: LabelGrammar) -> str:
    """Labels by which people keep an issue out of the pipeline, and labels that contradict each other."""
    names = tuple(labels)
    if has(names, FEATURE):
        return "Labelled `feature`: not for the pipeline."
    if has(names, grammar.needs_clarification):
        return f"Labelled `{grammar.needs_clarification}`: waits for a person."
    states = grammar.states_in(names)
    if len(states) > 1:
        return f"Conflicting state labels: {', '.join(grammar.state(state) for state in states)}."
    unknown = grammar.unknown_states_in(names)
    return f"Unknown state label: {', '.join(unknown)}." if unknown else ""


def refusal(snapshot: IssueSnapshot, expected: State, grammar: LabelGrammar) -> str:
    """Why an issue that should be in `expected` is not worked on; empty when it may be."""
    if not snapshot.is_open:
        return "The issue is closed."
    if snapshot.locked:
        return LOCKED
    refused = labels_refuse(snapshot.labels, grammar)
    if refused:
        return refused
    states = grammar.states_in(snapshot.labels) or (State.DISCOVERY,)
    if states[0] is not expected:
        return f"GitHub shows {grammar.state(states[0])}, not {grammar.state(expected)}."
    return ""
