"""I5: every history is a path of the state machine, and GitHub agrees or a finding says how it differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.domain.invariants.log import Remote
from pipeline.domain.invariants.values import IssueFact, Place, Violation, digest
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.states import Cause, State, allowed


def history(issue: IssueFact) -> list[Violation]:
    """Numbered without gaps, each step from where the one before ended, each allowed, the last one the state."""
    named, broken, before = _named(issue.place), [], ""
    for expected, step in enumerate(issue.history, start=1):
        if step.sequence != expected:
            broken.append(_broken("sequence", f"Transition {expected} of {named} is missing."))
            break
        if step.before != before:
            begins, ended = step.before or "nothing", before or "nothing"
            sentence = f"Transition {step.sequence} of {named} begins in {begins}; the one before ended in {ended}."
            broken.append(_broken("chain", sentence))
        elif not allowed(State(before) if before else None, State(step.after), Cause(step.cause)):
            moved = f"{before or 'new'} → {step.after} by {step.cause}"
            sentence = f"Transition {step.sequence} of {named}, {moved}, is not allowed."
            broken.append(_broken("move", sentence))
        before = step.after
    if not broken and before != issue.state:
        sentence = f"{named} is in {issue.state}, and its history ends in {before or 'nothing'}."
        broken.append(_broken("last", sentence))
    return broken


def agreement(issues: Iterable[IssueFact], world: Mapping[Place, Remote]) -> list[Violation]:
    """At rest the world's issue is as our row has it, first of all its one state label, or a finding is open."""
    broken = []
    for issue in issues:
        remote = world.get(issue.place)
        if remote is None or issue.findings:
            continue
        named = _named(issue.place)
        if remote.gone != (not issue.present):
            broken.append(
                _broken("presence", f"{named} is {'gone' if remote.gone else 'there'}, and our row says otherwise.")
            )
        elif not remote.gone:
            broken += _labels(issue, remote, named) or _record(issue, remote, named)
    return broken


def _record(issue: IssueFact, remote: Remote, named: str) -> list[Violation]:
    """Our copy is what the next plan is made from."""
    differs = {
        "title": remote.title != issue.title,
        "labels": {name.lower() for name in remote.labels} != {name.lower() for name in issue.labels},
        "text": digest(remote.body) != issue.body_hash,
    }
    wrong = [name for name, is_so in differs.items() if is_so]
    return [_broken("record", f"Our row of {named} has another {' and '.join(wrong)} than GitHub.")] if wrong else []


def _labels(issue: IssueFact, remote: Remote, named: str) -> list[Violation]:
    grammar = LabelGrammar(issue.prefix)
    states = [state.value for state in grammar.states_in(remote.labels)]
    # An issue that people labelled `site-monitor` alone waits in discovery without a state label.
    if states != [issue.state] and not (not states and issue.state == State.DISCOVERY.value):
        shown = ", ".join(states) or "none"
        return [_broken("label", f"{named} is in {issue.state}, and GitHub shows the states: {shown}.")]
    if has(remote.labels, grammar.triage) and issue.state != State.DISCOVERY.value:
        return [_broken("triage", f"{named} is in {issue.state} and still carries {grammar.triage}.")]
    return []


def _named(place: Place) -> str:
    return f"{place[0]}#{place[1]}"


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I5", f"states.{check}", sentence)
