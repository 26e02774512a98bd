"""Markdown of strangers: rendered, and without anything that acts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from pipeline.views import markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<a href='javascript:alert(1)'>x</a>",
    "<javascript:alert(1)>",
    '[x](https://ok.example "onmouseover=alert(1)")',
    "<style>body{display:none}</style>",
    "<form action=https://evil.example><input name=p></form>",
    "```html\n<script>alert(1)</script>\n```",
    "<iframe src=https://evil.example></iframe>",
]


def check(html: str) -> None:
    """Only tags and attributes of the allowlist, only harmless addresses."""
    body = LexborHTMLParser(f"<body>{html}</body>").body
    assert body is not None
    for node in body.traverse():
        if node.tag == "body":
            continue
        assert node.tag in markdown.TAGS
        assert set(node.attributes) <= {"href", "start", "rel"}
        assert (node.attributes.get("href") or "https:").split(":")[0].lower() not in ("javascript", "data", "vbscript")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_not_run(text: str) -> None:
    check(markdown.render(text))


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40)), max_size=6).map("\n".join))
def test_whatever_is_mixed_stays_within_the_allowlist(text: str) -> None:
    check(markdown.render(text))


def test_ordinary_markdown_keeps_its_form() -> None:
    html = markdown.render("## A\n\n- [x](https://ok.example)\n\n| a |\n|---|\n| 1 |\n\n```\n## b\n```\n")

    assert "<h2>A</h2>" in html
    assert '<a href="https://ok.example" rel="noopener noreferrer nofollow">x</a>' in html
    assert "<td>1</td>" in html
    assert "<code>## b" in html


def test_our_markers_are_hidden_as_on_github() -> None:
    assert "marker" not in markdown.render("Text\n\n<!-- marker: 123 -->\n")


def test_endless_text_is_cut_with_a_note() -> None:
    html = markdown.render("word " * 300_000)

    assert "Cut here; the whole text is on GitHub." in html
    assert len(html) < 100_000
