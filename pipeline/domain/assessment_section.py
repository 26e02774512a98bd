"""The content of `## AI Assessment`, written and read back; and the comment that asks a person to choose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.classification import Assessment, Candidate, Usage
from pipeline.domain.cleaning import code, one_line
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.sections import contained
from pipeline.domain.workflows import WorkflowSpec

HEADING = "AI Assessment"
MAX_CANDIDATES = 5
MAX_CHOICES = 10
NONE = "(none)"

_FIELD = re.compile(r"^- \*\*([A-Z][a-z ]{2,30}):\*\*(?: (.*))?$")
_ITEM = re.compile(r"^  - (.*)$")
_RECOMMENDED = re.compile(r"^`([a-z0-9-]+)`.*?, confidence ([0-9]{1,3}) %$")


@dataclass(frozen=True, slots=True)
class AssessmentFacts:
    """What guidance needs of an assessment. `workflow` is "" and `confidence` None when nothing was recommended."""

    summary: str
    workflow: str
    confidence: float | None
    rationale: str
    key_topics: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    urgency: str = ""
    content_type: str = ""


def render(assessment: Assessment, best: Candidate | None = None, spec: WorkflowSpec | None = None) -> str:
    """The content below the heading. `best` is what was decided, where that is not the first candidate."""
    best = best or (assessment.candidates[0] if assessment.candidates else None)
    others = [item for item in assessment.candidates if best is None or item.workflow != best.workflow]
    lines = [
        f"- **Summary:** {one_line(assessment.summary, 600) or NONE}",
        f"- **Recommended workflow:** {_named(best, spec) if best else NONE}",
        f"- **Rationale:** {(one_line(best.rationale, 500) if best else '') or NONE}",
        *_listed("Other candidates", [_candidate(item) for item in others[: MAX_CANDIDATES - 1]]),
        *_listed("Key topics", [one_line(topic, 80) for topic in assessment.key_topics]),
        *_listed("Indicators", [code(indicator, 200) for indicator in assessment.indicators]),
        f"- **Urgency:** {assessment.urgency.value}",
        f"- **Content type:** {one_line(assessment.content_type, 60) or NONE}",
        f"- **Classifier:** {_classifier(assessment.usage)}",
    ]
    if assessment.fell_back:
        lines.append(f"- **Fell back:** {one_line(assessment.fell_back, 300)}")
    return contained("\n".join(lines))


def parse_assessment(content: str) -> AssessmentFacts | None:
    """The facts in a section's content; None if it is not one of ours."""
    values, lists = _fields(content)
    if "Summary" not in values or "Recommended workflow" not in values:
        return None
    recommended = _RECOMMENDED.match(values["Recommended workflow"])
    return AssessmentFacts(
        summary=_value(values["Summary"]),
        workflow=recommended[1] if recommended else "",
        confidence=min(int(recommended[2]), 100) / 100 if recommended else None,
        rationale=_value(values.get("Rationale", "")),
        key_topics=tuple(lists.get("Key topics", ())),
        indicators=tuple(item.strip("`") for item in lists.get("Indicators", ())),
        urgency=_value(values.get("Urgency", "")),
        content_type=_value(values.get("Content type", "")),
    )


def render_clarification(
    assessment: Assessment, reason: str, workflows: Mapping[str, WorkflowSpec], grammar: LabelGrammar
) -> str:
    """A comment for people: what the candidates are, and which label decides. `workflows` by slug."""
    choices = [
        f"- {code(grammar.workflow(item.workflow))}{_name(workflows.get(item.workflow))}, {_percent(item.confidence)}: "
        f"{one_line(item.rationale, 200) or 'no rationale'}"
        for item in assessment.candidates[:MAX_CANDIDATES]
    ] or [f"- {code(grammar.workflow(slug))}{_name(spec)}" for slug, spec in list(workflows.items())[:MAX_CHOICES]]
    chosen = "one of these labels" if choices else f"the label {code(grammar.workflow('…'))} of the workflow"
    return "\n".join(
        [
            f"**A person has to choose the workflow of this issue.** {one_line(reason, 400)}",
            "",
            *choices,
            *([""] if choices else []),
            f"Set {chosen} and remove {code(grammar.needs_clarification)}; the next run takes it up from there.",
        ]
    )


def _named(candidate: Candidate, spec: WorkflowSpec | None) -> str:
    return f"`{candidate.workflow}`{_name(spec)}, confidence {_percent(candidate.confidence)}"


def _candidate(candidate: Candidate) -> str:
    return f"{_named(candidate, None)}: {one_line(candidate.rationale, 300) or NONE}"


def _name(spec: WorkflowSpec | None) -> str:
    return f" {one_line(spec.name, 80)}" if spec else ""


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _listed(name: str, items: Sequence[str]) -> list[str]:
    kept = [item for item in items if item]
    return [f"- **{name}:**", *(f"  - {item}" for item in kept)] if kept else [f"- **{name}:** {NONE}"]


def _classifier(usage: Usage) -> str:
    if not usage.calls:
        return code(usage.provider, 60) or NONE
    tokens = f"{usage.calls} calls, {usage.tokens_in} + {usage.tokens_out} tokens"
    return f"{code(f'{usage.provider} {usage.model}'.strip(), 120)} ({tokens})"


def _fields(content: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    name = ""
    for line in content.split("\n"):
        field, item = _FIELD.match(line), _ITEM.match(line)
        if field:
            name = field[1]
            values.setdefault(name, (field[2] or "").strip())
        elif item and name:
            lists.setdefault(name, []).append(item[1].strip())
    return values, lists


def _value(text: str) -> str:
    return "" if text == NONE else text
