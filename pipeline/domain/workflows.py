"""Workflows and specialists as values: what a `workflow::` label means and for whom its guidance is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One file that the agent has to deliver. `path` and `template` may hold `{placeholders}`."""

    name: str
    title: str
    description: str = ""
    template: str = ""
    path: str = ""
    required: bool = True
    order: int = 0


@dataclass(frozen=True, slots=True)
class SpecialistSpec:
    """A persona. `guidance` is the Markdown template of the `## Specialist Guidance` section."""

    slug: str
    name: str
    role: str
    objective: str
    guidance: str
    required_actions: tuple[str, ...] = ()
    quality_checklist: tuple[str, ...] = ()
    collaboration: str = ""
    escalation: str = ""
    version: str = "1.0"


@dataclass(frozen=True, slots=True)
class WorkflowSpec:
    """A `workflow::` schema. Shares are 0…1."""

    slug: str
    name: str
    description: str
    version: str
    trigger_labels: tuple[str, ...]
    content_keywords: tuple[str, ...]
    specialist: str
    deliverables: tuple[Deliverable, ...]
    branch_pattern: str = "workflow/{workflow}/issue-{number}"
    folder_pattern: str = "workflows/{workflow}/issue-{number}"
    due: timedelta = field(default=timedelta(hours=48))
    assign_at: float = 0.8
    ask_at: float = 0.6
    acceptance_criteria: tuple[str, ...] = ()
    minimum_words: int = 0
    required_sections: tuple[str, ...] = ()
