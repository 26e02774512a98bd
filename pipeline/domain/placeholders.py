"""`{placeholders}` in templates: found, checked, filled.

A word in braces is always a placeholder; braces around anything else (spaces, punctuation, capitals) are ordinary text.
Filling is one pass: a value that itself holds a placeholder is never filled again.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

# Other spellings that imported files use.
ALIASES = {
    "issue_number": "number",
    "issue": "number",
    "deliverable_name": "name",
    "title_slug": "slug",
    "issue_slug": "slug",
    "workflow_slug": "workflow",
    "specialist_type": "specialist",
    "repo": "repository",
}

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A placeholder that nothing fills; `line` and `column` count from 1 within the text."""

    name: str
    line: int
    column: int
    sentence: str


def used(text: str) -> tuple[str, ...]:
    """The names of the placeholders in `text`, in order, each once, aliases resolved."""
    return tuple(dict.fromkeys(_known_as(match[1]) for match in _PLACEHOLDER.finditer(text)))


def unknown(text: str, known: Collection[str]) -> tuple[Unknown, ...]:
    """Every placeholder in `text` that is not among `known`, with a sentence that helps to mend it."""
    found = []
    for match in _PLACEHOLDER.finditer(text):
        name = _known_as(match[1])
        if name not in known:
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"known here are {', '.join(sorted(known))}." if known else "none can be used here."
            hint = f"did you mean {{{close[0]}}}?" if close else hint
            found.append(Unknown(match[1], line, column, f"The placeholder {{{match[1]}}} is not known; {hint}"))
    return tuple(found)


def canonical(text: str) -> str:
    """`text` with every alias under its own name."""
    return _PLACEHOLDER.sub(lambda match: f"{{{_known_as(match[1])}}}", text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with every placeholder replaced; ValueError names one that has no value."""

    def value(match: re.Match[str]) -> str:
        name = _known_as(match[1])
        if name not in values:
            raise ValueError(f"Nothing fills the placeholder {{{match[1]}}}; correct the template and try again.")
        return values[name]

    return _PLACEHOLDER.sub(value, text)


def _known_as(name: str) -> str:
    return ALIASES.get(name, name)
