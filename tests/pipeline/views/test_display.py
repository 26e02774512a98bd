"""Values as people read them, and nothing foreign alive in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.views import display

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-9, "just now"),
        (-75, "1 min ago"),
        (-7200, "2 h ago"),
        (300, "in 5 min"),
        (172_790, "in 47 h"),
        (300_000, "in 3 d"),
    ],
)
def test_relative_time_names_the_largest_unit(seconds: int, words: str) -> None:
    assert display.relative(NOW + timedelta(seconds=seconds), NOW) == words


def test_stored_value_is_said_as_people_say_it() -> None:
    assert display.spoken("dry_run") == "dry run"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (None, "–"),
        (timedelta(0), "0 s"),
        (timedelta(minutes=75), "1 h 15 min"),
        (timedelta(days=2, seconds=5), "2 d 5 s"),
    ],
)
def test_span_names_two_units(length: timedelta | None, words: str) -> None:
    assert display.span(length) == words


def test_time_carries_utc_whatever_its_zone() -> None:
    assert 'title="2026-11-02 08:00:00 UTC"' in display.when(NOW)
    assert display.when(None) == "–"


@given(st.text())
def test_no_text_becomes_a_tag_or_a_script_address(text: str) -> None:
    for shown in (display.labels([text]), display.badge(text), display.diff(f"+{text}"), display.wide(text)):
        inner = str(shown).split(">", 1)[-1]
        assert "<script" not in inner
    assert "<a " not in display.outside(f"javascript:{text}")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://[", "", "ftp://a/b"]
)
def test_only_web_addresses_become_links(address: str) -> None:
    assert "<a " not in display.outside(address)


def test_diff_keeps_its_signs_and_cuts_what_is_endless() -> None:
    shown = display.diff("\n".join(["@@ -1 +1 @@", "-old <b>", "+new", *["+line"] * 3000]))

    assert '<span class="cp-minus">-old &lt;b&gt;</span>' in shown
    assert "1003 more lines" in shown
