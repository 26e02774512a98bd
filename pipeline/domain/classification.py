"""The classifier's port: an issue's text and the workflows in force → an assessment.

The text is data, never instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pipeline.domain.workflows import WorkflowSpec


class Urgency(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class IssueText:
    """What a classifier may see of an issue."""

    number: int
    title: str
    body: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One workflow that may fit; `confidence` 0…1; `rationale` names what was matched where."""

    workflow: str
    confidence: float
    rationale: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an assessment cost; zeros for the rules."""

    provider: str
    model: str = ""
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Assessment:
    """The content of `## AI Assessment`. `candidates` are sorted, best first; empty means nothing matched.

    `fell_back` is empty, or one sentence why the language model was not used and the rules were.
    """

    summary: str
    candidates: tuple[Candidate, ...]
    key_topics: tuple[str, ...]
    indicators: tuple[str, ...]
    urgency: Urgency
    content_type: str
    usage: Usage
    fell_back: str = ""


class Classifier(Protocol):
    """Rules or a language model. Raises nothing of its own: a model that fails falls back to the rules."""

    name: str

    def assess(self, issue: IssueText, workflows: Sequence[WorkflowSpec]) -> Assessment: ...
