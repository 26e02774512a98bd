from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.plaintext import bounded, moment, plain, title_from_url


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<p>b</p>c", "a b c"),
        ("<b>x</b>y", "xy"),
        ("<li>1<li>2", "1 2"),
        ("a<br>b", "a b"),
        ("A &amp; B &lt;i&gt;", "A & B <i>"),
        ("<script>x()</script>a<style>p{}</style>", "a"),
        ("<p style='DISPLAY : none'>x</p>y", "y"),
        ("a<!-- b -->c", "ac"),
        ("<span style='font-size:0px'>x</span>y", "y"),
        ("<span style='font-size:0.8em'>x</span>y", "xy"),
        ("<svg><text>x</text></svg>y", "y"),
        ("<div hidden><p>x</p></div>y", "y"),
        ("<b>open", "open"),
        ("no markup", "no markup"),
    ],
)
def test_plain_is_what_a_reader_sees(html: str, text: str) -> None:
    assert plain(html, 100) == text


@given(st.text(max_size=200), st.integers(10, 60))
def test_plain_is_one_bounded_line_of_visible_characters(html: str, limit: int) -> None:
    text = plain(html, limit)
    assert len(text) <= limit
    assert text == " ".join(text.split())
    assert not set(text) & set("\u200b\u202e\x00\u2066\U000e0041")


def test_what_cannot_be_parsed_cheaply_becomes_nothing() -> None:
    assert plain("<p><font a=1>" * 5000 + "text", 100) == ""


@pytest.mark.parametrize(
    ("text", "cut"), [("one two three", "one two…"), ("abcdefghijklmno", "abcdefghi…"), ("short", "short")]
)
def test_a_long_line_is_cut_at_a_word(text: str, cut: str) -> None:
    assert bounded(text, 10) == cut


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("https://a.example/x/new-tool_2.html", "New tool 2"),
        ("https://a.example/", "A.example"),
        ("https://a.example/%C3%BCber-uns/", "Über uns"),
    ],
)
def test_an_address_names_what_has_no_title(url: str, title: str) -> None:
    assert title_from_url(url) == title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T12:00:00+02:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        (" 2026-06-01T10:00:00Z ", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("soon", None),
        ("", None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_a_moment_is_aware_utc_or_none(text: str, expected: datetime | None) -> None:
    assert moment(text) == expected
