"""Markdown of strangers as HTML that cannot act: no raw HTML, no images, then an allowlist all the same."""

from __future__ import annotations

import re

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
MAX_TEXT = 70_000  # GitHub's own limit for a body is 65,536

_renderer = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_renderer.disable("image")
_remarks = re.compile(r"<!--.*?-->", re.DOTALL)  # our markers, which GitHub hides too


def render(text: str) -> SafeString:
    """Safe HTML for `text`; what is too long is cut with a note."""
    shown = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n\n(Cut here; the whole text is on GitHub.)"
    html = nh3.clean(
        _renderer.render(_remarks.sub("", shown)),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    # Sanitised above: this is the one place where foreign text becomes HTML.
    return SafeString(html)
