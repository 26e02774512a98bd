"""What the text of a pull request says of issues."""

from __future__ import annotations

import re

_MENTION = re.compile(r"(?<![\w/])#(\d+)\b")
_CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


def mentioned(text: str) -> list[int]:
    return _unique(_MENTION.findall(text))


def closing(text: str) -> list[int]:
    return _unique(_CLOSING.findall(text))


def _unique(numbers: list[str]) -> list[int]:
    return list(dict.fromkeys(int(number) for number in numbers))
