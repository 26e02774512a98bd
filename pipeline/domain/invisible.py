"""Characters that a reader does not see and a program does: removed, and told apart by how innocent they are.

Feeds are full of soft hyphens and stray zero-width spaces; nobody types a tag character, an invisible operator or a
run of variation selectors by accident. The first are only removed, the second are also a finding.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_ANSI_COLOUR = re.compile(r"(?:\x1b\[|\x9b)[0-9;:]*m")
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?|\x1b.?"
)
_FLAG = re.compile("(?<=\U0001f3f4)[\U000e0030-\U000e007a]{4,6}\U000e007f")  # the flags of England, Scotland, Wales …
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_OPERATORS = re.compile("[\u2061-\u2065\u206a-\u206f]+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_SELECTOR_RUN = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
_SELECTOR_ELSEWHERE = re.compile("[\ufe00-\ufe0d\U000e0100-\U000e01ef]|(?<![\u00a9-\U0001ffff#*0-9])[\ufe0e\ufe0f]")
_ZERO_WIDTH_RUN = re.compile("[\u200b-\u200d\u2060\ufeff\u180e]{2,}")
_FILLER = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufff0-\ufff8"
    "\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co"})

# What is removed, and what a person is told of it; None: nothing, it is common in honest text.
_RULES: tuple[tuple[re.Pattern[str], str | None], ...] = (
    (_ANSI_COLOUR, None),
    (_ANSI, "terminal control sequences"),
    (_FLAG, None),
    (_TAGS, "invisible tag characters (U+E0000 to U+E007F)"),
    (_OPERATORS, "invisible operators (U+2061 to U+206F)"),
    (_BIDI, "characters that turn the direction of text around"),
    (_SELECTOR_RUN, "runs of variation selectors"),
    (_SELECTOR_ELSEWHERE, None),
    (_ZERO_WIDTH_RUN, "runs of zero-width characters"),
    (_FILLER, None),
)


@dataclass(frozen=True, slots=True)
class Visible:
    """What is left to see; `removed` says whether anything was taken out, `suspicious` names what nobody types."""

    text: str
    removed: bool
    suspicious: tuple[str, ...]


def visible(text: str) -> Visible:
    """`text` (newlines as \\n) without characters that are not shown; tabs and newlines stay."""
    found: list[str] = []
    shown = text
    for pattern, name in _RULES:
        shown, count = pattern.subn("", shown)
        if count and name:
            found.append(name)
    shown = "".join(char for char in shown if char in "\n\t" or unicodedata.category(char) not in _NOT_SHOWN)
    return Visible(shown, shown != text, tuple(found))
