"""What Copilot says about a hand-over in comments, reviews and failure messages, and what it is about.

Themes come from plain words, so that a person can see why a remark has one (`THEMES`); a remark may have several, and
one that names none is "other". The text is from outside: cleaned here, never shown as live HTML.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pipeline.domain.cleaning import clean
from pipeline.domain.facts import TimelineEvent
from pipeline.domain.handover import FAILED

LONGEST = 2_000  # of a remark that is kept; the rest is behind its link
MOST = 50  # remarks of one hand-over that one look keeps; the newest
LONGEST_URL = 500
SKEW = timedelta(minutes=1)
OTHER = "other"


class Source(StrEnum):
    COMMENT = "comment"
    REVIEW = "review"
    FAILURE = "failure"


_SOURCES = {"commented": Source.COMMENT, "reviewed": Source.REVIEW, FAILED: Source.FAILURE}

# (theme, title, words): a remark has a theme when one of its patterns is in it.
_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("unclear", "Unclear requirements", (
        r"unclear", r"ambigu", r"clarif", r"not (?:very |really |entirely )?(?:clear|specified|stated)",
        r"does(?: not|n't) say", r"i (?:assumed|had to assume|guess)", r"vague",
    )),
    ("input", "Missing input", (
        r"not attached", r"no longer (?:available|online)", r"(?:link|page|source)\b.{0,30}\b(?:dead|broken|gone)",
        r"(?:file|document|source|input|data|attachment)s?\b.{0,30}\b(?:missing|not found|absent|empty)",
        r"(?:missing|without) (?:the )?(?:file|document|source|input|data|attachment)",
    )),
    ("access", "Missing access", (
        r"permission", r"access (?:was |is )?denied", r"not authori[sz]ed", r"forbidden", r"\b40[13]\b",
        r"(?:could not|cannot|can't|unable to) (?:reach|access|log ?in)", r"credential", r"firewall",
    )),
    ("tests", "Failing tests or build", (
        r"(?:test|check|build|lint|ci)\w*\b.{0,40}\bfail", r"fail\w*\b.{0,40}\b(?:test|check|build|lint)",
        r"does(?: not|n't) compile", r"compil\w+ error",
    )),
    ("conflict", "Conflicting branch", (
        r"merge conflict", r"conflict(?:s|ing)? with (?:the )?(?:base|main|branch)", r"rebase",
    )),
    ("scope", "Scope too large", (
        r"too (?:large|big|broad|much)", r"several (?:separate|different)", r"split(?:ting)?\b", r"out of scope",
    )),
    ("contradiction", "Guidance contradicts itself", (
        r"contradict", r"inconsistent", r"conflicting (?:instruction|requirement|guidance)",
    )),
    ("praise", "Guidance praised", (
        r"(?:guidance|criteria|objective|instructions?|structure|steps?)\b.{0,40}\b(?:clear|helpful|useful|complete)\b",
        r"\b(?:clear|helpful|useful|complete) (?:guidance|criteria|objectives?|instructions?)",
        r"well[- ](?:written|structured|described)",
    )),
    ("quota", "Quota used up", (r"quota", r"rate limit", r"premium request", r"usage limit", r"allowance")),
    ("environment", "Environment and set-up", (
        r"environment", r"set-?up", r"dependenc(?:y|ies)", r"install(?:ed|ation|ing)?\b", r"runner", r"time[ds]? ?out",
        r"base branch",
    )),
)  # fmt: skip
THEMES: dict[str, str] = {name: title for name, title, _words in _RULES} | {OTHER: "Other"}
_PATTERNS = tuple((name, re.compile("|".join(words), re.IGNORECASE)) for name, _title, words in _RULES)
# "not clear", "less helpful" and the like are no praise.
_DENIED = re.compile(
    r"\b(?:not|isn't|aren't|wasn't|never|less|hardly) (?:very |really |entirely )?(?:clear|helpful|useful|complete)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing said. `external_id` is GitHub's, so that the same is kept once; `text` is cleaned."""

    external_id: str
    source: Source
    text: str
    html_url: str
    themes: tuple[str, ...]
    said_at: datetime


def remarks(events: Iterable[TimelineEvent], since: datetime) -> tuple[Remark, ...]:
    """What the agent has said since the hand-over, oldest first, at most MOST of the newest."""
    found = [remark for event in events if (remark := _remark(event, since))]
    unique = {remark.external_id: remark for remark in found}
    ordered = sorted(unique.values(), key=lambda remark: (remark.said_at, remark.external_id))
    return tuple(ordered[-MOST:])


def _remark(event: TimelineEvent, since: datetime) -> Remark | None:
    source = _SOURCES.get(event.event)
    if source is None or event.at is None or event.at < since - SKEW:
        return None
    # A failure event names the person who began the session as its actor; its message is the agent's all the same.
    if source is not Source.FAILURE and not (event.actor is not None and event.actor.is_copilot):
        return None
    text = clean(event.message or event.body, limit=LONGEST).text
    if not text.strip():
        return None
    return Remark(_identity(event), source, text, _address(event.raw), themes_of(text), event.at)


def themes_of(text: str) -> tuple[str, ...]:
    """What a remark is about; "other" when no word says."""
    praised = _DENIED.sub(" ", text)
    found = tuple(name for name, pattern in _PATTERNS if pattern.search(praised if name == "praise" else text))
    return found or (OTHER,)


def titles(names: Sequence[str]) -> list[str]:
    """Themes in words; one that went out of use shows by its name."""
    return [THEMES.get(name, name) for name in names]


def _identity(event: TimelineEvent) -> str:
    """GitHub's id; where it gives none, what was said when."""
    for name in ("node_id", "id"):
        value = event.raw.get(name)
        if isinstance(value, str | int) and value != "":
            return f"{event.event}:{value}"[:100]
    said = f"{event.event}\n{event.at}\n{event.message or event.body}"
    return f"{event.event}:{hashlib.sha256(said.encode()).hexdigest()[:40]}"


def _address(raw: dict[str, Any]) -> str:
    """Whether it is a web address is asked again where it becomes a link."""
    url = raw.get("html_url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= LONGEST_URL else ""
