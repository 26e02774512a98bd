from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.classification import IssueText, Urgency
from pipeline.domain.issue_reading import (
    Reading,
    content_type,
    defanged,
    indicators,
    read,
    singular,
    summary,
    topics,
    urgency,
)


def reading(title: str = "", body: str = "") -> Reading:
    return read(IssueText(1, title, body, ()))


@pytest.mark.parametrize(
    ("word", "expected"),
    [("companies", "company"), ("forums", "forum"), ("boxes", "box"), ("patches", "patch"), ("analysis", "analysis"),
     ("status", "status"), ("class", "class"), ("classes", "class"), ("its", "its"), ("ties", "tie"), ("word", "word")],
)  # fmt: skip
def test_only_plurals_are_stemmed(word: str, expected: str) -> None:
    assert singular(word) == expected


def test_a_summary_is_the_first_sentences_of_the_discovery() -> None:
    body = "Hi!\n\n## Discovery\n\n> First one here. Second one.\n> Third one. Fourth one.\n"
    assert summary(reading("T", body)) == "First one here. Second one. Third one."


def test_without_text_the_summary_is_the_title() -> None:
    assert summary(reading("A title", "ok")) == "A title"


def test_a_summary_is_bounded_and_cannot_act() -> None:
    text = summary(reading("T", "@octocat look <script>x</script> " + "word " * 5000))
    assert len(text) <= 400
    assert "<" not in text
    assert "`@octocat`" in text


def test_indicators_are_found_once_and_defanged() -> None:
    body = (
        "CVE-2026-12345 and cve-2026-12345 from 198.51.100.7, hxxp://bad[.]example/x, evil.example.com, "
        "a.b@mail.example, 2001:db8::7, d41d8cd98f00b204e9800998ecf8427e."
    )
    assert indicators(reading("T", body)) == (
        "CVE-2026-12345", "d41d8cd98f00b204e9800998ecf8427e", "198.51.100[.]7", "2001[:]db8::7",
        "a[.]b[at]mail[.]example", "bad[.]example", "evil.example[.]com",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "report.pdf, main.py and README.md",
        "version 1.2.3",
        "at 12:30:45",
        "127.0.0.1",
        "999.1.1.1",
        "e.g. this",
        "https://github.com/a/b",
    ],
)
def test_names_of_files_versions_and_times_are_no_indicators(text: str) -> None:
    assert indicators(reading("T", text)) == ()


@given(st.text(max_size=200))
def test_no_indicator_is_a_link_or_a_mention(text: str) -> None:
    for found in indicators(reading("T", text)):
        assert "@" not in found
        assert "://" not in found


def test_an_address_is_defanged_at_its_last_dot() -> None:
    assert defanged("a.b.example") == "a.b[.]example"


@pytest.mark.parametrize(
    ("title", "labels", "expected"),
    [("Urgent: look", (), Urgency.HIGH), ("This is not urgent", (), Urgency.LOW),
     ("Zero-day in the wild", (), Urgency.HIGH),
     ("A minor typo", (), Urgency.LOW), ("Nothing critical here", (), Urgency.NORMAL), ("A report", (), Urgency.NORMAL),
     ("A minor typo", ("priority::high",), Urgency.HIGH), ("Urgent", ("Priority: Low",), Urgency.LOW),
     ("It was never exploited", (), Urgency.NORMAL)],
)  # fmt: skip
def test_urgency_is_what_the_words_say_unless_negated(title: str, labels: tuple[str, ...], expected: Urgency) -> None:
    assert urgency(reading(title), labels) is expected


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [("Advisory: CVE-2026-1 patched", "", "advisory"), ("README typo in the guide", "", "documentation"),
     ("Who can help?", "", "question"), ("A walk", "in the park", "article"), ("Annual report", "analysis", "report")],
)  # fmt: skip
def test_the_kind_of_content_is_guessed(title: str, body: str, expected: str) -> None:
    assert content_type(reading(title, body)) == expected


def test_topics_begin_with_what_matched_and_go_on_with_the_frequent() -> None:
    found = topics(reading("Satellite", "satellite satellite harbour harbour the the"), ["harbour"])
    assert found == ("harbour", "satellite")
