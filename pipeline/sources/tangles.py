"""HTML that is cheap to send and dear to parse is refused before a parser sees it.

An HTML parser walks its stack of open elements at nearly every tag, and opens all unclosed formatting elements anew in
each paragraph: a few megabytes of `<div>` cost minutes, of `<p><font a=1>` gigabytes. Both are counted here first.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

_TAG = re.compile(rb"<(/?)([a-zA-Z][\w:.-]{0,40})")
_MAX_STEPS = 300_000_000  # about a second
_MAX_REOPENED = 1_000_000  # nodes

# fmt: off
_CLOSED_BY_THEMSELVES = frozenset({
    b"p", b"li", b"td", b"th", b"tr", b"dd", b"dt", b"option", b"tbody", b"thead", b"br", b"hr", b"img", b"input",
    b"meta", b"link", b"area", b"base", b"col", b"embed", b"source", b"track", b"wbr", b"path",
})
_FORMATTING = frozenset({
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt", b"u",
})
# fmt: on


class Tangled(ValueError):
    """`str()` says what was found, without a full stop."""


def parsed(html: str | bytes) -> LexborHTMLParser:
    """The tree, or Tangled."""
    _check(html.encode("utf-8", "replace") if isinstance(html, str) else html)
    return LexborHTMLParser(html)


def _check(html: bytes) -> None:
    opened: dict[bytes, int] = {}
    depth = formatting = steps = reopened = 0
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        steps += depth
        reopened += formatting
        if tag[1]:
            if opened.get(name):
                opened[name] -= 1
                depth -= 1
                formatting -= name in _FORMATTING
        elif name not in _CLOSED_BY_THEMSELVES:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
            formatting += name in _FORMATTING
        if steps > _MAX_STEPS or reopened > _MAX_REOPENED:
            raise Tangled(f"its elements are nested {depth} deep without an end")
