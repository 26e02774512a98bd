"""process: guidance, scaffold and hand-over for an assigned issue.

Three requests, each begun only when everything before it is confirmed (docs/decisions/003-scaffold-and-handover.md):

    step 0  scaffold branch with its files, its pull request, the two sections
    step 1  the hand-over to Copilot, based on the scaffold branch
    step 2  labels and one summary comment; the issue is in state::copilot

Copilot reads title and body at the moment of assignment, so the guidance stands in the body before step 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.domain import assessment_section, changes, discovery_section, eligibility, guidance
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.sections import read_section
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec


@dataclass(frozen=True, slots=True)
class Task:
    """What is known besides the issue. `generation` counts hand-overs so far; `scaffold` is a branch made before."""

    issue_id: int
    repository: str
    default_branch: str
    now: datetime
    generation: int = 0
    scaffold: str = ""
    suspicions: tuple[str, ...] = ()


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
    if spec is None or specialist is None:
        return conflict("no workflow", "The issue has no workflow label that is in force; set one on GitHub.")
    if task.suspicions:
        return _ask(task, grammar)
    facts = _facts(snapshot)
    branch = task.scaffold or guidance.branch_name(spec, facts)
    folder = guidance.folder_name(spec, facts)
    due_at = task.now + spec.due
    sections = (
        (guidance.GUIDANCE_HEADING, guidance.render_guidance(spec, specialist, facts, folder=folder)),
        (
            guidance.COPILOT_HEADING,
            guidance.render_copilot(spec, facts, branch=branch, folder=folder, due_at=due_at),
        ),
    )
    effects: list[Planned] = []
    if not task.scaffold:
        effects += _scaffold(spec, specialist, facts, task, branch, folder)
    before = {heading: read_section(snapshot.body, heading) for heading, _ in sections}
    effects.append(Planned(changes.WriteSections(sections), 0, before={"sections": before}))
    effects += _hand_over(snapshot, spec, facts, task, branch, due_at, grammar)
    shown = {"workflow": spec.slug, "specialist": specialist.slug, "branch": branch, "due_at": due_at.isoformat()}
    reason = f"Guidance by {specialist.name}, handed to Copilot on {branch}."
    return Plan(Verdict.CHANGE, "handed over", reason, tuple(effects), {2: State.COPILOT}, shown)


def _facts(snapshot: IssueSnapshot) -> guidance.IssueFacts:
    discovery = read_section(snapshot.body, discovery_section.HEADING)
    assessment = read_section(snapshot.body, assessment_section.HEADING)
    return guidance.IssueFacts(
        number=snapshot.number,
        title=snapshot.title,
        html_url=snapshot.html_url,
        discovery=discovery_section.parse_discovery(discovery) if discovery is not None else None,
        assessment=assessment_section.parse_assessment(assessment) if assessment is not None else None,
    )


def _scaffold(
    spec: WorkflowSpec,
    specialist: SpecialistSpec,
    facts: guidance.IssueFacts,
    task: Task,
    branch: str,
    folder: str,
) -> list[Planned]:
    files = guidance.scaffold_files(spec, specialist, facts, folder=folder)
    where = f"{task.repository}:{branch}"
    return [
        Planned(
            changes.CreateBranch(branch, task.default_branch, guidance.commit_message(spec, facts), files),
            subject=f"branch:{where}",
        ),
        Planned(
            changes.OpenPull(
                branch, task.default_branch, guidance.pull_title(spec, facts), guidance.pull_body(spec, facts, folder)
            ),
            subject=f"pull:{where}",
        ),
    ]


def _hand_over(
    snapshot: IssueSnapshot,
    spec: WorkflowSpec,
    facts: guidance.IssueFacts,
    task: Task,
    branch: str,
    due_at: datetime,
    grammar: LabelGrammar,
) -> list[Planned]:
    copilot, assigned = grammar.state(State.COPILOT), grammar.state(State.ASSIGNED)
    there = [copilot] if has(snapshot.labels, copilot) else []
    comment = guidance.summary_comment(spec, facts, branch=branch, due_at=due_at)
    return [
        Planned(
            changes.AssignCopilot(branch, guidance.instructions(spec, facts)),
            1,
            subject=f"handover:{task.issue_id}:{task.generation + 1}",
            before={"assigned": snapshot.copilot_assigned},
        ),
        Planned(changes.AddLabels((copilot,)), 2, before={"labels": there}),
        Planned(changes.RemoveLabels((assigned,)), 2, before={"labels": [assigned]}),
        Planned(changes.AddComment(comment), 2),
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
