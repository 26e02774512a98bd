"""assign: an issue in discovery gets its workflow and specialist, or a question to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.domain import assessment_section, changes, eligibility, ownership
from pipeline.domain.classification import Assessment, Candidate
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.sections import read_section
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.suspicion import text_hash
from pipeline.domain.workflows import WorkflowSpec

SAME = 1e-9  # two confidences closer than this are equal matches


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found out about the text. `suspicions` are the cleaner's findings, which need a person."""

    assessment: Assessment
    suspicions: tuple[str, ...] = ()
    outsider: str = ""  # the author, where somebody outside the team wrote the issue
    written: Mapping[str, str | None] = field(default_factory=dict)  # heading → what we wrote there last


def chosen_by_person(snapshot: IssueSnapshot, workflows: Mapping[str, WorkflowSpec], grammar: LabelGrammar) -> str:
    """A workflow label on an issue in discovery is a person's decision; empty when it is none that can be followed."""
    named = grammar.values(snapshot.labels, "workflow::")
    return named[0] if len(named) == 1 and named[0] in workflows else ""


def plan(
    snapshot: IssueSnapshot, reading: Reading, workflows: Mapping[str, WorkflowSpec], grammar: LabelGrammar
) -> Plan:
    """Assign at the workflow's upper threshold, ask a person otherwise."""
    refused = eligibility.refusal(snapshot, State.DISCOVERY, grammar)
    if refused:
        return skip("skipped", refused)
    foreign = ownership.not_ours(snapshot.body, [assessment_section.HEADING], reading.written)
    if foreign:
        return conflict("edited", foreign)
    chosen = chosen_by_person(snapshot, workflows, grammar)
    if chosen:
        decided = Candidate(chosen, 1.0, "A person set the workflow label.")
        return _assign(snapshot, reading, decided, workflows, grammar, by_person=True)
    doubt = _unclear_choice(snapshot, grammar) or _doubt(reading, workflows)
    if doubt:
        return _ask(reading, doubt, workflows, grammar)
    return _assign(snapshot, reading, _in_force(reading, workflows)[0], workflows, grammar, by_person=False)


def _unclear_choice(snapshot: IssueSnapshot, grammar: LabelGrammar) -> str:
    """Workflow labels that say nothing clear: ours beside them would only make one more."""
    named = [grammar.workflow(slug) for slug in grammar.values(snapshot.labels, "workflow::")]
    if not named:
        return ""
    if len(named) > 1:
        return f"The issue carries several workflow labels: {', '.join(named)}; leave one of them."
    return f"The issue carries {named[0]}, which is no workflow in force; take it off."


def _in_force(reading: Reading, workflows: Mapping[str, WorkflowSpec]) -> list[Candidate]:
    return [one for one in reading.assessment.candidates if one.workflow in workflows]


def _doubt(reading: Reading, workflows: Mapping[str, WorkflowSpec]) -> str:
    """Why a person has to say what this is; empty when the best match is clear."""
    if reading.outsider:
        return f"The issue was written by {reading.outsider}, who is not of the team."
    if reading.suspicions:
        return f"The text contains what may be meant to steer automation: {'; '.join(reading.suspicions)}."
    candidates = _in_force(reading, workflows)
    if not candidates:
        return "No workflow matches."
    best = candidates[0]
    equal = [one.workflow for one in candidates if abs(one.confidence - best.confidence) < SAME]
    if len(equal) > 1:
        return f"Several workflows match equally well: {', '.join(equal)}."
    spec = workflows[best.workflow]
    if best.confidence >= spec.assign_at:
        return ""
    if best.confidence >= spec.ask_at:
        return f"{spec.name} matches with {best.confidence:.0%}, below the {spec.assign_at:.0%} that it asks for."
    return f"The best match, {spec.name}, reaches only {best.confidence:.0%}."


def _assign(
    snapshot: IssueSnapshot,
    reading: Reading,
    best: Candidate,
    workflows: Mapping[str, WorkflowSpec],
    grammar: LabelGrammar,
    *,
    by_person: bool,
) -> Plan:
    spec = workflows[best.workflow]
    heading = assessment_section.HEADING
    content = assessment_section.render(reading.assessment, best, spec)
    add = (grammar.workflow(spec.slug), grammar.specialist(spec.specialist), grammar.state(State.ASSIGNED))
    gone = (grammar.triage, grammar.state(State.DISCOVERY))
    remove = tuple(name for name in gone if has(snapshot.labels, name))
    effects = [
        Planned(
            changes.WriteSections(ownership.as_written(snapshot.body, [(heading, content)])),
            before={"sections": {heading: read_section(snapshot.body, heading)}},
        ),
        Planned(changes.AddLabels(add), before={"labels": [name for name in add if has(snapshot.labels, name)]}),
    ]
    if remove:
        effects.append(Planned(changes.RemoveLabels(remove), before={"labels": list(remove)}))
    facts = {
        "workflow": spec.slug,
        "specialist": spec.specialist,
        "confidence": best.confidence,
        "by_person": by_person,
        "text": text_hash(snapshot.title, snapshot.body),
        "classifier": reading.assessment.usage.provider,
        "fell_back": reading.assessment.fell_back,
    }
    reason = f"{spec.name} ({best.confidence:.0%}): {best.rationale}"
    return Plan(Verdict.CHANGE, "assigned", reason, tuple(effects), {0: State.ASSIGNED}, facts)


def _ask(reading: Reading, doubt: str, workflows: Mapping[str, WorkflowSpec], grammar: LabelGrammar) -> Plan:
    comment = assessment_section.render_clarification(reading.assessment, doubt, workflows, grammar)
    effects = (
        Planned(changes.AddLabels((grammar.needs_clarification,)), before={"labels": []}),
        Planned(changes.AddComment(comment)),
    )
    facts = {
        "candidates": [
            {"workflow": one.workflow, "confidence": one.confidence} for one in reading.assessment.candidates[:5]
        ],
        "classifier": reading.assessment.usage.provider,
        "fell_back": reading.assessment.fell_back,
    }
    return Plan(Verdict.CHANGE, "needs clarification", doubt, effects, facts=facts)
