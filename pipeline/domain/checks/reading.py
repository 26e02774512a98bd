"""Our sections in a body, and what in them is our own prose.

A sweep reads thousands of bodies, and a CommonMark parser takes milliseconds for each. So a body without anything that
could hide a heading (fences, HTML, underlined headings) is cut at its headings; every other goes through the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.domain.sections import ENDS, ORDER, headings

LONGEST_LINE = 2_000  # ours are half of that; what somebody wrote to keep us busy is not read to its end

_NEWLINE = re.compile(r"\r\n|\r")
_COMMENT_LINE = re.compile(r"^<!--[^\n]*-->$", re.MULTILINE)
# What makes the place of a heading a matter for a parser: fences, HTML, underlines, tabs, odd indentation.
_HARD = re.compile(r"```|~~~|\t|^ {0,3}<|^ {0,3}(?:=+|-+) *$|^ {1,3}#", re.MULTILINE)
_HEADING = re.compile(r"^#{1,2}(?:[ ][^\n]*)?$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,12}(`{3,}|~{3,})")
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_SAID = re.compile(r"“[^”\n]*”")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def sections(body: str) -> dict[str, str]:
    """Heading → content of our sections, as `sections.read_section` reads each."""
    text = _NEWLINE.sub("\n", body)
    plain = _COMMENT_LINE.sub("", text)
    if _HARD.search(plain) or plain.count("<!--") or "## " not in text:
        return _parsed(text) if "## " in text else {}
    return _cut(text)


def _cut(text: str) -> dict[str, str]:
    places = list(_HEADING.finditer(text))
    found: dict[str, str] = {}
    for index, place in enumerate(places):
        name = _name(place[0])
        if name in ORDER and name not in found:
            end = places[index + 1].start() if index + 1 < len(places) else len(text)
            found[name] = _content(text[place.end() : end])
    return found


def _name(line: str) -> str:
    """The text of a level-2 heading; closing hashes belong to the mark."""
    if not line.startswith("## "):
        return ""
    text = line[3:].strip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare != bare.rstrip() or not bare else text


def _parsed(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    places = [place for place in headings(text) if place.level <= 2]
    for index, place in enumerate(places):
        if place.level == 2 and place.atx and place.text in ORDER and place.text not in found:
            end = places[index + 1].start if index + 1 < len(places) else len(text)
            found[place.text] = _content(text[place.end : end])
    return found


def _content(text: str) -> str:
    return _trimmed(_trimmed(text).removesuffix(f"\n{ENDS}"))


def _trimmed(text: str) -> str:
    lines = text.split("\n")
    full = [index for index, line in enumerate(lines) if line.strip(" \t")]
    return "\n".join(lines[full[0] : full[-1] + 1]) if full else ""


def prose(content: str) -> Iterator[tuple[int, str]]:
    """(line number from 1, line) of a section without what is quoted or code: fences, quotations, comments.

    Inline code and words in “ ” become so many of their marks, so that places in a line stay as they are.
    """
    fence = ""
    blank = True
    text = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), content) if "<!--" in content else content
    for number, line in enumerate(text.split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not line.strip(" `~"):
                fence = ""
            continue
        if mark:
            fence = mark[1]
            continue
        stripped = line.lstrip(" ")
        indented = blank and len(line) - len(stripped) >= 4
        blank = not stripped
        if not stripped.startswith(">") and stripped and not indented:
            # Cut before the patterns see it: some of them take a square of the length.
            yield number, _SAID.sub(_masked, _INLINE_CODE.sub(_masked, line[:LONGEST_LINE]))


def _masked(match: re.Match[str]) -> str:
    return match[0][0] * len(match[0])
