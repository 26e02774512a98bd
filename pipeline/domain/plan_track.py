"""track: what is to be written once a hand-over has been judged."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain import changes
from pipeline.domain.handover import Judgement, Outcome
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Planned, Verdict, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State


@dataclass(frozen=True, slots=True)
class Tracked:
    """`repeats` so far of at most `most_repeats`; `generation` of the hand-over that was judged."""

    issue_id: int
    state: State
    generation: int
    base_branch: str
    repeats: int
    most_repeats: int
    instructions: str = ""


def plan(tracked: Tracked, judgement: Judgement, snapshot: IssueSnapshot, grammar: LabelGrammar) -> Plan:
    """Done issues are closed off; a lost hand-over is repeated; what failed goes to a person."""
    facts: dict[str, object] = {"outcome": judgement.outcome.value, "generation": tracked.generation}
    if not snapshot.is_open:
        return _done(judgement, snapshot, grammar, facts)
    if judgement.outcome is Outcome.LOST and tracked.repeats < tracked.most_repeats:
        return _again(tracked, judgement, snapshot, facts)
    if judgement.outcome in {Outcome.LOST, Outcome.FAILED, Outcome.REJECTED}:
        return _to_a_person(judgement, snapshot, grammar, facts)
    return skip("unchanged", judgement.reason, **facts)


def _done(judgement: Judgement, snapshot: IssueSnapshot, grammar: LabelGrammar, facts: dict[str, object]) -> Plan:
    done = grammar.state(State.DONE)
    others = [grammar.state(state) for state in State if state is not State.DONE] + [grammar.triage]
    effects = [
        Planned(
            changes.AddLabels((done,)), before={"labels": [n for n in snapshot.labels if n.lower() == done.lower()]}
        ),
    ]
    present = tuple(name for name in others if has(snapshot.labels, name))
    if present:
        effects.append(Planned(changes.RemoveLabels(present), before={"labels": list(present)}))
    return Plan(Verdict.CHANGE, "done", judgement.reason, tuple(effects), {0: State.DONE}, facts)


def _again(tracked: Tracked, judgement: Judgement, snapshot: IssueSnapshot, facts: dict[str, object]) -> Plan:
    """Take the agent off, then assign it anew: GitHub starts a session only on a new assignment."""
    effects: list[Planned] = []
    step = 0
    if snapshot.copilot_assigned:
        effects.append(Planned(changes.UnassignCopilot(), step=0, before={"assigned": True}))
        step = 1
    effects.append(
        Planned(
            changes.AssignCopilot(tracked.base_branch, tracked.instructions),
            step=step,
            subject=f"handover:{tracked.issue_id}:{tracked.generation + 1}",
            before={"assigned": False},
        )
    )
    reason = f"{judgement.reason} Handing over again ({tracked.repeats + 1} of {tracked.most_repeats})."
    return Plan(Verdict.CHANGE, "handed over again", reason, tuple(effects), facts=facts)


def _to_a_person(
    judgement: Judgement, snapshot: IssueSnapshot, grammar: LabelGrammar, facts: dict[str, object]
) -> Plan:
    clarification, assigned, copilot = (
        grammar.needs_clarification,
        grammar.state(State.ASSIGNED),
        grammar.state(State.COPILOT),
    )
    comment = (
        f"The hand-over to Copilot ended without a result: {judgement.reason}\n\n"
        f"It waits for a person now. Remove the label `{clarification}` to have it processed and handed over again."
    )
    effects: list[Planned] = []
    step = 0
    if snapshot.copilot_assigned:  # first and alone: labels must not say "assigned" while the agent still is
        effects.append(Planned(changes.UnassignCopilot(), before={"assigned": True}))
        step = 1
    effects += [
        Planned(changes.AddLabels((clarification, assigned)), step, before={"labels": []}),
        Planned(changes.RemoveLabels((copilot,)), step, before={"labels": [copilot]}),
        Planned(changes.AddComment(comment), step),
    ]
    return Plan(Verdict.CHANGE, "needs a person", judgement.reason, tuple(effects), {step: State.ASSIGNED}, facts)
