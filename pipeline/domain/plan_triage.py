"""triage: what a person decided about one issue that stands between two states (plan, "Data Cleanup").

A person chose each of these, so that the issue goes back is a revert in the state machine's words, and that it is done
is the pipeline's own move. Work of the agent that is there already (its pull request) is left for people to look at.
"""

from __future__ import annotations

from enum import StrEnum

from pipeline.domain import changes
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State


class Choice(StrEnum):
    """What is to be done with the issue."""

    TRIAGE = "triage"  # back to discovery, to be classified anew
    LEAVE = "leave"
    COMPLETE = "complete"
    REASSIGN = "reassign"  # back to assigned: Copilot is taken off, the next live processing hands it over again


TARGET = {Choice.TRIAGE: State.DISCOVERY, Choice.COMPLETE: State.DONE, Choice.REASSIGN: State.ASSIGNED}
WAITING = (State.ASSIGNED, State.COPILOT)


def plan(choice: Choice, state: State, snapshot: IssueSnapshot, grammar: LabelGrammar) -> Plan:
    """`state` is where the issue stands by our own rows; it may have moved on since the person chose."""
    if choice is Choice.LEAVE:
        return skip("left", "It was decided to leave the issue as it is.")
    target = TARGET[choice]
    if state not in WAITING:
        return skip("moved on", f"The issue has moved on to state::{state.value} since; it was left as it is.")
    if state is target:
        return skip("there already", f"The issue already waits in state::{target.value}.")
    if snapshot.locked:
        return conflict("locked", "The issue is locked; unlock it on GitHub and apply the choice again.")
    if choice is not Choice.COMPLETE and not snapshot.is_open:
        return conflict("closed", "The issue was closed since; complete it, or reopen it on GitHub first.")
    effects = _effects(choice, target, snapshot, grammar)
    last = max(row.step for row in effects)
    reason = f"A person chose: {choice.value}."
    return Plan(Verdict.CHANGE, choice.value, reason, effects, {last: target}, {"choice": choice.value})


def _effects(choice: Choice, target: State, snapshot: IssueSnapshot, grammar: LabelGrammar) -> tuple[Planned, ...]:
    """First and alone Copilot, so that no label says otherwise while the agent still is assigned; then the rest."""
    found: list[Planned] = []
    if choice is not Choice.COMPLETE and snapshot.copilot_assigned:
        found.append(Planned(changes.UnassignCopilot(), before={"assigned": True}))
    step = len(found)
    add, remove = _labels(choice, target, snapshot, grammar)
    found.append(Planned(changes.AddLabels(add), step, before={"labels": [n for n in add if has(snapshot.labels, n)]}))
    if remove:
        found.append(Planned(changes.RemoveLabels(remove), step, before={"labels": list(remove)}))
    if choice is Choice.COMPLETE and snapshot.is_open:
        found.append(Planned(changes.CloseIssue("completed"), step, before={"is_open": True}))
    return tuple(found)


def _labels(
    choice: Choice, target: State, snapshot: IssueSnapshot, grammar: LabelGrammar
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """To add and to remove: whatever contradicted itself before, one state label is left."""
    triage = choice is Choice.TRIAGE
    add = (grammar.state(target), *((grammar.triage,) if triage else ()))
    gone = [grammar.state(state) for state in State if state is not target]
    if triage:
        gone += [grammar.workflow(slug) for slug in grammar.values(snapshot.labels, "workflow::")]
        gone += [grammar.specialist(slug) for slug in grammar.values(snapshot.labels, "specialist::")]
    else:
        gone.append(grammar.triage)
    return add, tuple(name for name in gone if has(snapshot.labels, name))
