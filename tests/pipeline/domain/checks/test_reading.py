"""The quick way to our sections gives what the parser gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.checks.reading import LONGEST_LINE, prose, sections
from pipeline.domain.sections import ORDER, read_section
from tests.pipeline.domain.checks import healthy

LINES = (
    "## Discovery", "## AI Assessment", "## AI Assessment ##", "## Specialist Guidance", " ## Copilot Assignment",
    "### Persona", "# Title", "#", "##", "text", "", "", "```", "~~~", "> ## Discovery", "- item", "  - deeper",
    "    indented", "\tindented", "---", "===", "<!-- cp:x:y -->", "<!--", "-->", "<div>", "</div>", "<https://a.example>",
    "1. one", "| a | b |", "<!-- section end -->", "  text", "`code`",
)  # fmt: skip
BODIES = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)


@given(body=BODIES, newline=st.sampled_from(["\n", "\r\n", "\r"]))
def test_sections_are_those_that_the_parser_finds(body: str, newline: str) -> None:
    body = body.replace("\n", newline)
    wanted = {heading: read_section(body, heading) for heading in ORDER}
    assert sections(body) == {heading: content for heading, content in wanted.items() if content is not None}


def test_body_as_we_write_it_is_read_whole() -> None:
    assert tuple(sections(healthy.handed_over().issue.body)) == ORDER


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("one\n> two\n\nthree", [(1, "one"), (4, "three")]),
        ("```\ncode\n````\nafter", [(4, "after")]),
        ("~~~\ncode\n```\n~~~\nafter", [(5, "after")]),
        ("a `b` c ``d ` e`` f", [(1, "a ``` c ````````` f")]),
        ("He said “no [Name]”.", [(1, "He said “““““““““““.")]),
        ("a <!-- b\nc --> d\ne", [(1, "a "), (2, " d"), (3, "e")]),
        ("a\n\n    code\n\nb", [(1, "a"), (5, "b")]),
        ("- a\n  - b\n    c", [(1, "- a"), (2, "  - b"), (3, "    c")]),
    ],
)
def test_prose_leaves_code_quotations_and_comments_out(content: str, expected: list[tuple[int, str]]) -> None:
    assert list(prose(content)) == expected


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("## Discovery ##", "Discovery"),
        ("## Discovery   #  ", "Discovery"),
        ("## Discovery#", ""),
        ("##  Discovery", "Discovery"),
    ],
)
def test_closing_hashes_belong_to_the_mark_and_others_to_the_name(heading: str, name: str) -> None:
    assert list(sections(f"{heading}\n\ntext")) == ([name] if name else [])


def test_line_that_was_written_to_keep_us_busy_is_not_read_to_its_end() -> None:
    ((_, line),) = prose("[" * 60_000)
    assert len(line) == LONGEST_LINE
