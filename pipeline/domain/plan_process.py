"""process: guidance, scaffold and hand-over for an assigned issue.

Three requests, each begun only when everything before it is confirmed (docs/decisions/003-scaffold-and-handover.md):

    step 0  scaffold branch with its files, its pull request, the two sections
    step 1  the hand-over to Copilot, based on the scaffold branch
    step 2  labels and one summary comment; the issue is in state::copilot

Copilot reads title and body at the moment of assignment, so the guidance stands in the body before step 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.domain import changes, eligibility, guidance, ownership, scaffold
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.sections import read_section
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec
from pipeline.domain.workplan import Workplan, prepare, read_issue


@dataclass(frozen=True, slots=True)
class Task:
    """What is known besides the issue. `generation` counts hand-overs so far; `scaffold` is a branch made before.

    `under_way`: a hand-over of ours took place and the issue was never moved on for it.
    """

    issue_id: int
    repository: str
    default_branch: str
    now: datetime
    generation: int = 0
    scaffold: str = ""
    under_way: bool = False
    suspicions: tuple[str, ...] = ()
    written: Mapping[str, str | None] = field(default_factory=dict)  # heading → what we wrote there last


def plan(
    snapshot: IssueSnapshot,
    spec: WorkflowSpec | None,
    specialist: SpecialistSpec | None,
    task: Task,
    grammar: LabelGrammar,
) -> Plan:
    """Everything that makes an assigned issue ready for Copilot, and the hand-over itself."""
    refused = eligibility.refusal(snapshot, State.ASSIGNED, grammar)
    if refused:
        return skip("skipped", refused)
    if task.under_way:
        return _under_way(snapshot, grammar)
    if snapshot.copilot_assigned:
        return _assigned_already(grammar)
    if spec is None or specialist is None:
        return conflict("no workflow", _no_workflow(snapshot, grammar))
    foreign = ownership.not_ours(snapshot.body, (guidance.GUIDANCE, guidance.ASSIGNMENT), task.written)
    if foreign:
        return conflict("edited", foreign)
    if task.suspicions:
        return _ask(task, grammar)
    try:
        work = _prepared(snapshot, spec, specialist, task)
    except ValueError as error:  # a pattern that yields an unusable name: the workflow needs mending
        return conflict("no names", str(error))
    rendered = (
        (guidance.GUIDANCE, guidance.render_guidance(work)),
        (guidance.ASSIGNMENT, guidance.render_assignment(work)),
    )
    sections = ownership.as_written(snapshot.body, rendered)
    before = {heading: read_section(snapshot.body, heading) for heading, _ in sections}
    effects = [
        *([] if task.scaffold else _scaffold(work)),
        Planned(changes.WriteSections(sections), 0, before={"sections": before}),
        *_hand_over(snapshot, work, task, grammar),
    ]
    shown = {
        "workflow": spec.slug,
        "specialist": specialist.slug,
        "branch": work.branch,
        "due_at": work.due.isoformat(),
    }
    reason = f"Guidance by {specialist.name}, handed to Copilot on {work.branch}."
    return Plan(Verdict.CHANGE, "handed over", reason, tuple(effects), {2: State.COPILOT}, shown)


def _no_workflow(snapshot: IssueSnapshot, grammar: LabelGrammar) -> str:
    """What the labels say instead of one workflow in force, and what to do."""
    named = [grammar.workflow(slug) for slug in grammar.values(snapshot.labels, "workflow::")]
    if not named:
        return f"The issue has no label `{grammar.workflow('…')}`; set one on GitHub."
    if len(named) > 1:
        return f"The issue has several workflow labels ({', '.join(named)}); leave one of them on GitHub."
    return f"{named[0]} names no workflow in force with its specialist; switch it on here, or set another on GitHub."


def _prepared(snapshot: IssueSnapshot, spec: WorkflowSpec, specialist: SpecialistSpec, task: Task) -> Workplan:
    """The plan of work, on the branch of an earlier scaffold where there is one."""
    issue = read_issue(snapshot, task.repository, task.default_branch)
    work = prepare(spec, specialist, issue, task.now + spec.due)
    return replace(work, branch=task.scaffold) if task.scaffold else work


def _scaffold(work: Workplan) -> list[Planned]:
    base, where = work.issue.base_branch, f"{work.issue.repository}:{work.branch}"
    files = scaffold.scaffold_files(work)
    return [
        Planned(
            changes.CreateBranch(work.branch, base, scaffold.commit_message(work), files), subject=f"branch:{where}"
        ),
        Planned(
            changes.OpenPull(work.branch, base, scaffold.pull_title(work), scaffold.pull_body(work)),
            subject=f"pull:{where}",
        ),
    ]


def _under_way(snapshot: IssueSnapshot, grammar: LabelGrammar) -> Plan:
    """Never a second hand-over, even where GitHub shows no assignment yet: tracking repeats one that was lost."""
    reason = "It was handed over before, and only the labels were missing."
    return Plan(Verdict.CHANGE, "labelled", reason, tuple(_labels(snapshot, grammar, step=0)), {0: State.COPILOT})


def _assigned_already(grammar: LabelGrammar) -> Plan:
    """GitHub starts no session for who is assigned already, and a second one would double the work."""
    reason = (
        f"Copilot is assigned already: take it off on GitHub to have the issue processed, or set "
        f"`{grammar.state(State.COPILOT)}` to have it followed as it is."
    )
    return conflict("assigned already", reason)


def _labels(snapshot: IssueSnapshot, grammar: LabelGrammar, step: int) -> list[Planned]:
    copilot, assigned = grammar.state(State.COPILOT), grammar.state(State.ASSIGNED)
    there = [copilot] if has(snapshot.labels, copilot) else []
    return [
        Planned(changes.AddLabels((copilot,)), step, before={"labels": there}),
        Planned(changes.RemoveLabels((assigned,)), step, before={"labels": [assigned]}),
    ]


def _hand_over(snapshot: IssueSnapshot, work: Workplan, task: Task, grammar: LabelGrammar) -> list[Planned]:
    return [
        Planned(
            changes.AssignCopilot(work.branch, guidance.instructions(work)),
            1,
            subject=f"handover:{task.issue_id}:{task.generation + 1}",
            before={"assigned": False},
        ),
        *_labels(snapshot, grammar, step=2),
        Planned(changes.AddComment(guidance.render_summary(work)), 2),
    ]


def _ask(task: Task, grammar: LabelGrammar) -> Plan:
    """What the cleaner caught is never handed over unseen."""
    found = "; ".join(task.suspicions)
    comment = (
        f"**A person has to read this issue before it is handed over.** It contains what may be meant to steer "
        f"automation: {found}.\n\nEdit the text, then remove `{grammar.needs_clarification}`."
    )
    effects = (
        Planned(changes.AddLabels((grammar.needs_clarification,)), before={"labels": []}),
        Planned(changes.AddComment(comment)),
    )
    return Plan(Verdict.CHANGE, "needs clarification", f"The text needs a person: {found}.", effects)
