"""Issues as our own planners make them, carried through the pipeline without a server: what no check may object to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pipeline.domain import changes, plan_assign, plan_monitor, plan_process
from pipeline.domain.checks import naming, reading
from pipeline.domain.checks.values import Found, HandoverNow, Subject
from pipeline.domain.classification import Assessment
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.plan_assign import Reading
from pipeline.domain.sections import splice
from pipeline.domain.snapshot import Actor, IssueSnapshot
from pipeline.domain.states import State
from tests.pipeline.domain.samples import ASSESSMENT, SPECIALIST, WORKFLOW
from tests.values import COPILOT, MOMENT, snapshot

G = LabelGrammar()
URL = "https://github.example/acme/watch"
US = Actor("watch-bot", 7, "Bot")
WORKFLOWS = {WORKFLOW.slug: WORKFLOW}
LATER = MOMENT + timedelta(hours=1)


@dataclass(frozen=True)
class Life:
    """An issue, where our rows have it, and what was handed over."""

    issue: IssueSnapshot
    state: State = State.DISCOVERY
    handover: HandoverNow | None = None
    written: frozenset[str] = frozenset()

    def subject(self, **values: Any) -> Subject:
        """As the service would build it an hour later; every reference is there."""
        sections = reading.sections(self.issue.body)
        named = naming.named(sections, self.handover, URL, "main") if self.state is not State.DISCOVERY else ()
        defaults: dict[str, Any] = {
            "issue": self.issue,
            "state": self.state,
            "grammar": G,
            "now": LATER,
            "workflows": WORKFLOWS,
            "sections": sections,
            "written": self.written,
            "handover": self.handover,
            "handed_over_at": self.handover.requested_at if self.handover else None,
            "read": self.issue,
            "named": named,
            "found": dict.fromkeys(named, Found(True, 400)),
        }
        return Subject(**{**defaults, **values})


def found(title: str = "New pier", excerpt: str = "A pier was extended.", **values: Any) -> plan_monitor.Found:
    defaults: dict[str, Any] = {
        "id": 1,
        "source": "Harbour news",
        "url": "https://news.example/a",
        "title": title,
        "excerpt": excerpt,
        "found_at": MOMENT,
        "labels": (),
    }
    return plan_monitor.Found(**{**defaults, **values})


def opened(one: plan_monitor.Found | None = None, number: int = 12, at: datetime = MOMENT) -> Life:
    (effect,) = plan_monitor.plan(one or found(), G).effects
    create = effect.change
    assert isinstance(create, changes.CreateIssue)
    body = f"<!-- cp:marker{number}:{number:032x} -->\n\n{create.body}"
    place = {"number": number, "node_id": f"I_{number}", "html_url": f"{URL}/issues/{number}"}
    made = snapshot(
        **place, title=create.title, body=body, labels=create.labels, author=US, created_at=at, updated_at=at
    )
    return Life(made)


def assigned(life: Life | None = None, assessment: Assessment = ASSESSMENT) -> Life:
    life = life or opened()
    return _carried(life, plan_assign.plan(life.issue, Reading(assessment), WORKFLOWS, G))


def handed_over(life: Life | None = None) -> Life:
    life = life or assigned()
    task = plan_process.Task(life.issue.number, "acme/watch", "main", MOMENT)
    plan = plan_process.plan(life.issue, WORKFLOW, SPECIALIST, task, G)
    carried = _carried(life, plan)
    return replace(carried, handover=HandoverNow("working", MOMENT, str(plan.facts["branch"]), 70, 71))


def done(life: Life | None = None) -> Life:
    life = life or handed_over()
    labels = (*(name for name in life.issue.labels if "state::" not in name), G.state(State.DONE))
    issue = replace(life.issue, labels=labels, is_open=False, state_reason="completed", closed_at=MOMENT)
    return replace(life, issue=issue, state=State.DONE, handover=HandoverNow("completed", MOMENT, is_open=False))


def asked(life: Life | None = None) -> Life:
    """A person has to choose the workflow."""
    life = life or opened()
    return replace(life, issue=replace(life.issue, labels=(*life.issue.labels, G.needs_clarification)))


def _carried(life: Life, plan: Plan) -> Life:
    assert plan.verdict is Verdict.CHANGE, plan.reason
    issue, written = life.issue, life.written
    for effect in plan.effects:
        issue = _applied(issue, effect.change)
        if isinstance(effect.change, changes.WriteSections):
            written |= {heading for heading, _ in effect.change.sections}
    state = list(plan.moves.values())[-1] if plan.moves else life.state
    return replace(life, issue=issue, state=state, written=written)


def _applied(issue: IssueSnapshot, change: changes.Change) -> IssueSnapshot:
    match change:
        case changes.AddLabels(labels):
            return replace(issue, labels=(*issue.labels, *(one for one in labels if not has(issue.labels, one))))
        case changes.RemoveLabels(labels):
            return replace(issue, labels=tuple(one for one in issue.labels if not has(labels, one)))
        case changes.WriteSections(sections):
            return replace(issue, body=splice(issue.body, sections))
        case changes.AssignCopilot():
            return replace(issue, assignees=(*issue.assignees, COPILOT))
        case _:
            return issue


def with_labels(life: Life, *add: str, without: Sequence[str] = ()) -> Life:
    kept = tuple(name for name in life.issue.labels if name not in without)
    return replace(life, issue=replace(life.issue, labels=(*kept, *add)))


def with_text(life: Life, heading: str, text: str) -> Life:
    """A line more at the end of a section of ours."""
    content = f"{reading.sections(life.issue.body)[heading]}\n\n{text}"
    return replace(life, issue=replace(life.issue, body=splice(life.issue.body, [(heading, content)])))
