"""What a model may say of an issue: a JSON schema, and the check that an answer keeps it.

There is no field for a number, an address or a name of anything outside the one issue; workflows come from the list
that was given. All text is cleaned before it goes anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.domain.classification import Candidate, Urgency
from pipeline.domain.cleaning import one_line

MAX_CANDIDATES = 3
MAX_TOPICS = 8
_SUMMARY, _RATIONALE, _TOPIC, _CONTENT_TYPE = 600, 300, 60, 40  # characters


@dataclass(frozen=True, slots=True)
class ModelAssessment:
    summary: str
    candidates: tuple[Candidate, ...]
    key_topics: tuple[str, ...]
    urgency: Urgency
    content_type: str


def schema(workflows: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an answer; every property is required and no other is allowed, as strict modes ask for."""
    candidate = _object(
        workflow={"type": "string", "enum": list(workflows)},
        confidence={"type": "number", "minimum": 0, "maximum": 1},
        rationale=_string(_RATIONALE),
    )
    return _object(
        summary=_string(_SUMMARY),
        candidates={"type": "array", "items": candidate, "maxItems": MAX_CANDIDATES},
        key_topics={"type": "array", "items": _string(_TOPIC), "maxItems": MAX_TOPICS},
        urgency={"type": "string", "enum": [urgency.value for urgency in Urgency]},
        content_type=_string(_CONTENT_TYPE),
    )


def parse(text: str, workflows: Sequence[str]) -> ModelAssessment:
    """The answer as a value. ValueError says in one sentence, fit for the model, what is wrong with it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The answer is not JSON ({str(error)[:100]}).") from error
    fields = _fields(data, ("summary", "candidates", "key_topics", "urgency", "content_type"), "The answer")
    candidates = _list(fields["candidates"], MAX_CANDIDATES, "candidates")
    return ModelAssessment(
        summary=_line(fields["summary"], _SUMMARY, "summary"),
        candidates=_ordered([_candidate(item, workflows) for item in candidates]),
        key_topics=tuple(
            _line(topic, _TOPIC, "key_topics") for topic in _list(fields["key_topics"], MAX_TOPICS, "key_topics")
        ),
        urgency=_urgency(fields["urgency"]),
        content_type=_line(fields["content_type"], _CONTENT_TYPE, "content_type"),
    )


def _candidate(item: Any, workflows: Sequence[str]) -> Candidate:
    fields = _fields(item, ("workflow", "confidence", "rationale"), "A candidate")
    workflow, confidence = fields["workflow"], fields["confidence"]
    if workflow not in workflows:
        raise ValueError(f"candidates.workflow must be one of {', '.join(workflows)}.")
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)) or not 0 <= confidence <= 1:
        raise ValueError("candidates.confidence must be a number from 0 to 1.")
    return Candidate(workflow, round(float(confidence), 3), _line(fields["rationale"], _RATIONALE, "rationale"))


def _ordered(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Best first; of two entries for one workflow the better one."""
    ordered = sorted(candidates, key=lambda candidate: (-candidate.confidence, candidate.workflow))
    best: dict[str, Candidate] = {}
    for candidate in ordered:
        best.setdefault(candidate.workflow, candidate)
    return tuple(best.values())


def _urgency(value: Any) -> Urgency:
    known = [urgency.value for urgency in Urgency]
    if value not in known:
        raise ValueError(f"urgency must be one of {', '.join(known)}.")
    return Urgency(value)


def _fields(data: Any, names: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(data, dict) or set(data) != set(names):
        raise ValueError(f"{what} must be an object with exactly {', '.join(names)}.")
    return data


def _list(value: Any, most: int, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{name} must be a list of at most {most}.")
    return value


def _line(value: Any, limit: int, name: str) -> str:
    """Bounded and cleaned. Not every server enforces maxLength, and a long text is no reason to ask again."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string.")
    return one_line(value, limit)


def _string(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
