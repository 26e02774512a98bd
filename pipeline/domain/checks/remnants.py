"""Template remnants in our sections: what a writer, a template or a model left to be filled in.

Looked for in our own prose only, never in code or quotations. What a title or a source says is carried into our
sections by summaries, so a word that stands there too is quoted, not left over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from pipeline.domain.assessment_section import HEADING as ASSESSMENT
from pipeline.domain.checks.reading import prose
from pipeline.domain.checks.values import Check, Fault, Severity, Subject, Thing
from pipeline.domain.cleaning import clean, code, one_line
from pipeline.domain.discovery_section import HEADING as DISCOVERY
from pipeline.domain.guidance import ASSIGNMENT, GUIDANCE
from pipeline.domain.sections import MAX_BODY
from pipeline.domain.states import State

OURS = (ASSESSMENT, GUIDANCE, ASSIGNMENT)
MOST_SHOWN = 10
MOST_LOOKED_AT = 100  # hits of which it is asked whether they are quoted
# Guidance is not held to the words that a delivered file needs, but nobody can work after less than this.
FEWEST_WORDS = 60

# Words in brackets that templates use; "[sic]", "[1]" and "[WIP]" are what people write.
_BLANKS = (
    r"(?:first |last |full |your |project |team |file |user |contact )?names?|dates?|date range|time|title|rotation|"
    r"escalation|n|xx+|role|owner|author|company|organi[sz]ation|team|department|email|e-mail|phone|address|url|link|"
    r"link to [^\]]{1,60}|insert [^\]]{1,60}|your [^\]]{1,60}|add [^\]]{1,60}|describe [^\]]{1,60}|enter [^\]]{1,60}|"
    r"fill in[^\]]{0,60}|placeholder[^\]]{0,40}|to be [^\]]{1,40}|tbd|tba|tbc|todo|achievement \d+|"
    r"issue \d+[^\]]{0,40}|planned milestone|summary|description|text|details"
)
_BRACKETED = re.compile(rf"(?<![\]!\\\w])\[\s*(?:{_BLANKS})\s*\](?![(\[:\w])", re.IGNORECASE)
_BRACES = re.compile(r"\{\{[^{}\n]*\}\}|\{%[^%\n]*%\}")
_PLACEHOLDER = re.compile(r"(?<![{$\\\w])\{[a-z_][a-z0-9_]*\}(?!\})")
_BLANK_LINE = re.compile(r"(?<![\w_*])_{3,}(?![\w_*])")
_RULE = re.compile(r"^\s*(?:_[ \t]*){3,}$")
_LEAD = r"^[\s>*+\-\d.)|]*(?:\[[ xX]\]\s+)?(?:\*\*[^*\n]{1,60}:\*\*\s*|[A-Z][\w ]{0,40}:\s+)?[*_(\[]*"
# In capitals and alone, before punctuation, or before an instruction; "TODO Group" and "the todo list" are prose.
_TODO = re.compile(rf"{_LEAD}\b(TODO|FIXME|TBD|TBA|XXX)\b(?=[*_)\]]*\s*(?:$|[:(\u2013\u2014.,;!|-]|[a-z]))")
_LOREM = re.compile(r"\blorem\s+ipsum\b", re.IGNORECASE)
_SUSPECT = re.compile(r"[\[{]|___|TODO|FIXME|TBD|TBA|XXX|lorem", re.IGNORECASE)
_GAP = r"[^\w\n]*"
_LAST_WORD, _FIRST_WORD = re.compile(r"(\w+)[^\w\n]*$"), re.compile(r"^[^\w\n]*(\w+)")
_HEADING = re.compile(r"^###\s+(.*?)\s*#*\s*$")
_EMPTY_FIELD = re.compile(r"^- \*\*([A-Z][a-z ]{2,30}):\*\*\s*$")
# fmt: off
PARTS = frozenset(
    {"Persona", "Approach", "Key insights", "Inputs provided", "Required actions", "Deliverables", "Quality checklist",
     "Collaboration and escalation", "Summary", "Acceptance criteria", "Validation", "Files"}
)
# fmt: on


Find = Callable[[str], Iterator[tuple[int, int]]]


def _spans(pattern: re.Pattern[str]) -> Find:
    return lambda line: (match.span(match.lastindex or 0) for match in pattern.finditer(line))


def _blanks(line: str) -> Iterator[tuple[int, int]]:
    for pattern in (_BRACES, _PLACEHOLDER, _BRACKETED):
        yield from _spans(pattern)(line)
    if not _RULE.match(line):
        yield from _spans(_BLANK_LINE)(line)


def _left(subject: Subject, find: Find) -> list[dict[str, object]]:
    """Where something is left over: [{section, line, text}]."""
    found: list[dict[str, object]] = []
    quoted: str | None = None
    hits = 0
    for heading in OURS:
        content = subject.sections.get(heading, "")
        if not _SUSPECT.search(content):
            continue
        lines = content.split("\n")
        for number, line in prose(content):
            for start, end in find(line) if _SUSPECT.search(line) else ():
                hits += 1
                if hits > MOST_LOOKED_AT or len(found) >= MOST_SHOWN:
                    return found
                quoted = _quoted(subject) if quoted is None else quoted
                # A word beside it may be in code, which is blotted out here.
                shown = lines[number - 1] if len(lines[number - 1]) >= len(line) else line
                if not _is_quoted(shown, start, end, quoted):
                    found.append({"section": heading, "line": number, "text": line[start:end][:80]})
    return found


def _quoted(subject: Subject) -> str:
    """What people and sources wrote, and the same cleaned: the title, and the body without those sections of ours."""
    text = subject.issue.body.replace("\r\n", "\n")
    for heading in OURS:
        content = subject.sections.get(heading, "")
        text = text.replace(content, "", 1) if content else text
    cleaned = clean(text, limit=MAX_BODY).text
    return "\n".join((subject.issue.title, one_line(subject.issue.title), text, cleaned))


def _is_quoted(line: str, start: int, end: int, quoted: str) -> bool:
    """Whether it stands there too: with the word before or after it, or as a line of its own."""
    text = re.escape(line[start:end])
    before, after = _LAST_WORD.search(line[:start]), _FIRST_WORD.search(line[end:])
    sayings = [rf"^{_GAP}{text}{_GAP}$"]
    sayings += [rf"\b{before[1]}{_GAP}{text}"] if before else []
    sayings += [rf"{text}{_GAP}{after[1]}\b"] if after else []
    return line[start:end] in quoted and any(re.search(saying, quoted, re.MULTILINE) for saying in sayings)


def _told(found: list[dict[str, object]], what: str, do: str) -> Fault | None:
    if not found:
        return None
    first = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return Fault(
        f"{what} in {first['section']!r}, line {first['line']}: {code(str(first['text']), 80)}{more}. {do}",
        {"places": found},
    )


def _placeholder(subject: Subject) -> Fault | None:
    do = "Correct the template of the workflow or specialist, then have the issue processed again."
    return _told(_left(subject, _blanks), "A placeholder was not filled", do)


def _todo(subject: Subject) -> Fault | None:
    return _told(_left(subject, _spans(_TODO)), "Something is marked as still to be done", "Finish it on GitHub.")


def _lorem(subject: Subject) -> Fault | None:
    return _told(_left(subject, _spans(_LOREM)), "Filler text was left", "Replace it on GitHub.")


def _empty(subject: Subject) -> Fault | None:
    found: list[dict[str, object]] = []
    for heading in (DISCOVERY, *OURS):
        if heading in subject.sections:
            content = subject.sections[heading]
            blank = [(0, heading)] if not content.strip() else list(_empty_parts(content))
            found += [{"section": heading, "line": line, "text": text} for line, text in blank]
    return _told(found[:MOST_SHOWN], "A required part is empty", "Have the issue processed again, or fill it in.")


def _empty_parts(content: str) -> Iterator[tuple[int, str]]:
    """Parts of ours with nothing below them, and fields of ours with no value."""
    lines = content.split("\n")
    for index, line in enumerate(lines):
        part = _HEADING.match(line) if line.startswith("###") else None
        if part and part[1] in PARTS:
            below = next((later for later in lines[index + 1 :] if later.strip()), "")
            following = _HEADING.match(below)
            if not below or (following and following[1] in PARTS):
                yield index + 1, part[1]
        field = _EMPTY_FIELD.match(line) if line.startswith("- **") else None
        if field and not (index + 1 < len(lines) and lines[index + 1].startswith("  ")):
            yield index + 1, field[1]


def _short(subject: Subject) -> Fault | None:
    return _short_guidance(subject) or _short_files(subject)


def _short_guidance(subject: Subject) -> Fault | None:
    spec = subject.workflow
    guidance = subject.sections.get(GUIDANCE, "").strip()
    if spec is None or not guidance:
        return None
    fewest, words = min(spec.minimum_words, FEWEST_WORDS), len(guidance.split())
    if words >= fewest:
        return None
    return Fault(
        f"{GUIDANCE!r} has {words} words; the workflow {spec.slug} asks for at least {fewest}. Have the issue "
        "processed again, or complete it on GitHub.",
        {"words": words, "fewest": fewest},
    )


def _short_files(subject: Subject) -> Fault | None:
    """Delivered files, once the agent's work was merged: until then they are templates."""
    spec = subject.workflow
    if spec is None or subject.handover is None or not subject.handover.merged:
        return None
    words = _words(subject)
    short = {path: count for path, count in words.items() if count < spec.minimum_words}
    if not short:
        return None
    path, count = min(short.items(), key=lambda one: one[1])
    return Fault(
        f"{path} was delivered with {count} words; the workflow {spec.slug} asks for at least {spec.minimum_words}"
        f"{f', and {len(short) - 1} more files are too short' if len(short) > 1 else ''}. Send it back to the agent.",
        {"files": short, "fewest": spec.minimum_words},
    )


def _words(subject: Subject) -> Mapping[str, int]:
    return {
        reference.name: found.words
        for reference, found in subject.found.items()
        if reference.thing is Thing.FILE and found.exists and found.words is not None
    }


def _live(look: Callable[[Subject], Fault | None]) -> Callable[[Subject], Fault | None]:
    """What is over is not mended any more."""
    return lambda subject: look(subject) if subject.issue.is_open and subject.state is not State.DONE else None


_NO_REPAIR = "No repair: what belongs there is not known, and a section that somebody edited is never replaced."

CHECKS = (
    Check(
        "remnant.placeholder", Severity.WARNING, "Placeholder not filled",
        "A section of ours holds {placeholder}, {{ value }}, [Name] or a blank ___.",
        _live(_placeholder), _NO_REPAIR,
    ),
    Check(
        "remnant.todo", Severity.WARNING, "Left to be done",
        "A section of ours holds TODO, FIXME or TBD where text belongs.",
        _live(_todo), _NO_REPAIR,
    ),
    Check(
        "remnant.lorem", Severity.WARNING, "Filler text",
        "A section of ours holds lorem ipsum.",
        _live(_lorem), _NO_REPAIR,
    ),
    Check(
        "remnant.empty", Severity.WARNING, "Required part is empty",
        "A section of ours, a part of it or one of its fields has no content.",
        _live(_empty), _NO_REPAIR,
    ),
    Check(
        "remnant.short", Severity.WARNING, "Below the minimum of words",
        "Guidance, or a delivered file, has fewer words than the workflow asks for.",
        _live(_short), _NO_REPAIR, of_references=True,
    ),
)  # fmt: skip
