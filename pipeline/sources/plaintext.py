"""Hostile HTML to bounded plain text, and the small readings that feeds and pages share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborNode

from pipeline.sources.tangles import Tangled, parsed

MAX_TITLE = 300  # characters; GitHub takes 256 in an issue's title, the planner cuts
MAX_EXCERPT = 1000
_MAX_HTML = 64_000  # characters that are looked at for one text

# fmt: off
_UNSEEN = frozenset({
    "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "head", "title", "textarea", "select",
})
_BLOCKS = frozenset({
    "p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "td", "th", "section", "article", "blockquote",
    "pre", "dt", "dd", "ul", "ol", "table", "hr", "figure",
})
# fmt: on
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])", re.I
)
_SEPARATORS = re.compile(r"[-_+.]+")


def plain(html: str, limit: int) -> str:
    """What a reader would see of `html`, on one line, without hidden elements and invisible characters."""
    if "<" not in html and "&" not in html:
        return bounded(html, limit)
    try:
        tree = parsed(f"<body>{html[:_MAX_HTML]}")
    except Tangled:
        return ""  # nobody can read it; the entry keeps its title and address
    return bounded("".join(_seen(tree.body)) if tree.body else "", limit)


def _seen(root: LexborNode) -> Iterator[str]:
    """The texts that are shown, with spaces around blocks. By pointers, not by recursion: pages nest as they like."""
    node: LexborNode | None = root
    while node is not None:
        shown = not (node.is_element_node and _is_hidden(node))
        if node.is_text_node:
            yield node.text_content or ""
        elif node.tag in _BLOCKS:
            yield " "
        following = node.child if shown else None
        while following is None and node is not None and node.mem_id != root.mem_id:
            following = node.next
            if following is None:
                node = node.parent
                yield " " if node is not None and node.tag in _BLOCKS else ""
            elif node.tag in _BLOCKS:
                yield " "
        node = following


def _is_hidden(node: LexborNode) -> bool:
    if node.tag in _UNSEEN:
        return True
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))


def bounded(text: str, limit: int) -> str:
    """One line without control and format characters, cut at a word when it is longer than `limit`."""
    # Four times the limit is enough to look at, even when most of it is white space or invisible.
    visible = "".join(_visible(char) for char in text[: 4 * limit + 1000])
    line = " ".join(visible.split())
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[limit // 2 :] else head}…"


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if category in {"Cf", "Cs", "Co", "Cn"} else char


def title_from_url(url: str) -> str:
    """The last part of an address as words: "/a/new-tool_2.html" is "New tool 2"."""
    parts = urlsplit(url)
    last = unquote(parts.path.rstrip("/").rsplit("/", 1)[-1])
    words = _SEPARATORS.sub(" ", re.sub(r"\.[a-z]{2,5}\Z", "", last, flags=re.I))
    text = bounded(words, MAX_TITLE) or parts.netloc or url[:MAX_TITLE]
    return text[:1].upper() + text[1:]


def title_from_whole_url(url: str) -> str:
    """All of an address behind its host as words, where the last part alone names many: "/2026/11/index.html"."""
    parts = urlsplit(url)
    words = re.sub(r"[\W_]+", " ", unquote(f"{parts.path} {parts.query}"))
    text = bounded(words, MAX_TITLE) or title_from_url(url)
    return text[:1].upper() + text[1:]


def moment(text: str) -> datetime | None:
    """An ISO 8601 time as aware UTC (no zone means UTC), or None when it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
