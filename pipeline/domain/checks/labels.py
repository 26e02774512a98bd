"""Label drift: what the labels on GitHub say against the grammar, the workflows and our own state.

The `state.*` checks are made at every read of an issue too (services/issues.py), with the same sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta

from pipeline.domain import changes
from pipeline.domain.checks.values import Check, Fault, Repair, Severity, Subject
from pipeline.domain.cleaning import code
from pipeline.domain.eligibility import FEATURE
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Planned
from pipeline.domain.states import Cause, State, refusal

# Tracking takes a closed issue to done within the hour; after this long nobody has.
CLOSED_FOR = timedelta(hours=6)
AT_WORK = (State.ASSIGNED, State.COPILOT)
FAMILIES = ("monitor", "state", "workflow", "specialist")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def state_faults(labels: Iterable[str], state: State, grammar: LabelGrammar) -> dict[str, str]:
    """Check → sentence for the state labels of an issue that is in `state` by our own rows."""
    names = tuple(labels)
    states, unknown = grammar.states_in(names), grammar.unknown_states_in(names)
    faults: dict[str, str] = {}
    if unknown:
        faults["state.unknown"] = f"Unknown state label: {', '.join(unknown)}. Remove it on GitHub."
    if len(states) > 1:
        named = ", ".join(f"state::{one.value}" for one in states)
        faults["state.conflict"] = f"Conflicting state labels: {named}. Leave one of them on GitHub."
    if not states and state is not State.DISCOVERY:
        faults["state.missing"] = f"The label state::{state.value} is gone from GitHub. Set it again."
    if len(states) == 1 and states[0] is not state:
        why_not = refusal(state, states[0], Cause.HUMAN)
        if why_not is not None:
            faults["state.move"] = f"GitHub says state::{states[0].value}. {why_not}"
    return faults


def _state(check: str) -> Callable[[Subject], Fault | None]:
    def look(subject: Subject) -> Fault | None:
        found = state_faults(subject.issue.labels, subject.state, subject.grammar)
        return Fault(found[check], {"labels": list(subject.issue.labels)}) if check in found else None

    return look


def _set_done_again(subject: Subject) -> Repair | None:
    if subject.state is not State.DONE or subject.issue.is_open:
        return None
    return Repair((_added(subject, subject.grammar.state(State.DONE)),))


def _triage(subject: Subject) -> Fault | None:
    """Drift needs a state label that says so: an issue whose states conflict is a fault of another kind."""
    triage = subject.grammar.triage
    if subject.state is State.DISCOVERY or not has(subject.issue.labels, triage):
        return None
    return Fault(
        f"The issue is in state::{subject.state.value} and still carries {triage}. Remove that label on GitHub.",
        {"labels": list(subject.issue.labels)},
    )


def _triage_off(subject: Subject) -> Repair | None:
    """Only where GitHub's own state label agrees that triage is over."""
    if subject.grammar.states_in(subject.issue.labels) != (subject.state,):
        return None
    return Repair((_removed(subject.grammar.triage),))


def _closed(subject: Subject) -> Fault | None:
    issue = subject.issue
    if issue.is_open or subject.state is State.DONE:
        return None
    closed_at = issue.closed_at or issue.updated_at
    if subject.now - closed_at < CLOSED_FOR:
        return None
    return Fault(
        f"The issue was closed {closed_at:%Y-%m-%d %H:%M} UTC and is still in state::{subject.state.value}. "
        "Let tracking run, or reopen the issue on GitHub.",
        {"closed_at": closed_at.isoformat()},
    )


def _finish(subject: Subject) -> Repair | None:
    """What waits for Copilot is tracking's to judge: its hand-over has to get an outcome too."""
    labels, grammar = subject.issue.labels, subject.grammar
    if subject.state is State.COPILOT or subject.handover is not None or len(grammar.states_in(labels)) > 1:
        return None
    done = grammar.state(State.DONE)
    others = [grammar.state(state) for state in State if state is not State.DONE] + [grammar.triage]
    present = [name for name in others if has(labels, name)]
    effects = (_added(subject, done), *([_removed(*present)] if present else []))
    return Repair(effects, {0: State.DONE})


def outside(labels: Iterable[str], grammar: LabelGrammar) -> tuple[str, ...]:
    """Labels that mean to be ours and are not of the grammar: a family with another mark, or an impossible word."""
    prefix = re.escape(grammar.prefix)
    family = re.compile(rf"^{prefix}({'|'.join(FAMILIES)})s?\s*(:{{1,3}})\s*(.*)$", re.IGNORECASE)
    found = []
    for name in labels:
        match = family.match(name)
        if match and not _in_grammar(name, match[1].lower(), grammar):
            found.append(name)
    return tuple(found)


def _in_grammar(name: str, family: str, grammar: LabelGrammar) -> bool:
    words = grammar.values([name], f"{family}::")
    if not words:
        return False
    if family == "monitor":
        return words[0] == "triage"
    # An unknown state has a check of its own; a slug has to be possible, whether it is in force or not.
    return bool(words[0].strip()) if family == "state" else _SLUG.fullmatch(words[0]) is not None


def _outside(subject: Subject) -> Fault | None:
    found = outside(subject.issue.labels, subject.grammar)
    if not found:
        return None
    named = ", ".join(code(name, 50) for name in found)
    return Fault(
        f"Labels that look like ours and are not of the grammar: {named}. Correct or remove them on GitHub.",
        {"labels": list(found)},
    )


def _open(subject: Subject) -> bool:
    """Worked on, or about to be: what people keep out of the pipeline and what is over are not looked at."""
    return subject.issue.is_open and subject.state is not State.DONE and not has(subject.issue.labels, FEATURE)


def _slugs(subject: Subject, family: str) -> tuple[str, ...]:
    """Possible words only; others are outside of the grammar."""
    words = subject.grammar.values(subject.issue.labels, family)
    return tuple(word for word in words if _SLUG.fullmatch(word))


def _unknown_workflow(subject: Subject) -> Fault | None:
    unknown = [slug for slug in _slugs(subject, "workflow::") if slug not in subject.workflows]
    if not unknown or not _open(subject):
        return None
    named = ", ".join(f"workflow::{slug}" for slug in unknown)
    return Fault(
        f"No workflow in force stands behind {named}. Load or activate its schema, or set another label on GitHub.",
        {"workflows": unknown},
    )


def _workflow_count(subject: Subject) -> Fault | None:
    slugs = _slugs(subject, "workflow::")
    if len(slugs) == 1 or subject.state not in AT_WORK or not _open(subject):
        return None
    seen = f"{len(slugs)} workflow labels ({', '.join(slugs)})" if slugs else "no workflow label"
    return Fault(
        f"The issue is in state::{subject.state.value} and carries {seen}. Leave exactly one on GitHub.",
        {"workflows": list(slugs)},
    )


def _specialist(subject: Subject) -> Fault | None:
    spec = subject.workflow
    named = subject.grammar.values(subject.issue.labels, "specialist::")
    if spec is None or subject.state not in AT_WORK or not _open(subject):
        return None
    strange = [slug for slug in named if slug != spec.specialist]
    if not strange:
        return None
    return Fault(
        f"The workflow {spec.slug} is for the specialist {spec.specialist}, and the issue carries "
        f"{', '.join(code(f'specialist::{slug}', 60) for slug in strange)}. Correct the label on GitHub.",
        {"specialists": strange, "workflow": spec.slug},
    )


def _added(subject: Subject, name: str) -> Planned:
    there = [name] if has(subject.issue.labels, name) else []
    return Planned(changes.AddLabels((name,)), before={"labels": there})


def _removed(*names: str) -> Planned:
    return Planned(changes.RemoveLabels(names), before={"labels": list(names)})


_PEOPLE_WIN = "No repair: a person set these labels, and only a person can say which is meant."

CHECKS = (
    Check(
        "state.conflict", Severity.CRITICAL, "Several state labels",
        "An issue carries more than one state:: label, so nobody can tell where it stands.",
        _state("state.conflict"), _PEOPLE_WIN,
    ),
    Check(
        "state.unknown", Severity.WARNING, "Unknown state label",
        "A state:: label names no state of the pipeline.",
        _state("state.unknown"), _PEOPLE_WIN,
    ),
    Check(
        "state.missing", Severity.WARNING, "State label gone",
        "An issue beyond discovery carries no state:: label.",
        _state("state.missing"),
        "Only state::done on a closed issue is set again, since nothing follows from it; on an open one a person may "
        "have taken the label off to stop the pipeline.",
        _set_done_again,
    ),
    Check(
        "state.move", Severity.WARNING, "State label differs from ours",
        "GitHub's state label is one that the state machine cannot reach from our own state.",
        _state("state.move"), "No repair: a label that a person changed wins over our record.",
    ),
    Check(
        "labels.triage", Severity.WARNING, "Triage label beyond discovery",
        "monitor::triage stays on an issue that was assigned already (label drift, plan 3.1).",
        _triage,
        "Safe: the label is ours, and GitHub's own state label says that triage is over.",
        _triage_off,
    ),
    Check(
        "labels.closed", Severity.WARNING, "Closed and not done",
        "An issue was closed six hours ago or earlier and is not in state::done.",
        _closed,
        "Safe where it was never handed over: a closed issue is done, as tracking would write. One that was handed "
        "over is tracking's, which judges the hand-over as well.",
        _finish,
    ),
    Check(
        "labels.outside", Severity.NOTICE, "Label outside of the grammar",
        "A label uses one of our families (monitor, state, workflow, specialist) in a way that means nothing.",
        _outside, _PEOPLE_WIN,
    ),
    Check(
        "labels.workflow_unknown", Severity.WARNING, "Workflow label without a schema",
        "A workflow:: label names no workflow that is in force.",
        _unknown_workflow, _PEOPLE_WIN,
    ),
    Check(
        "labels.workflow_count", Severity.WARNING, "Not exactly one workflow",
        "An assigned issue carries no workflow label, or several.",
        _workflow_count, _PEOPLE_WIN,
    ),
    Check(
        "labels.specialist", Severity.WARNING, "Specialist of another workflow",
        "The specialist:: label is not the one that the workflow names.",
        _specialist, _PEOPLE_WIN,
    ),
)  # fmt: skip
