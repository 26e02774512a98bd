"""Whose text stands in our sections."""

from __future__ import annotations

import pytest

from pipeline.domain.ownership import as_written, not_ours
from pipeline.domain.sections import MAX_BODY, upsert_section

OURS = "Guidance by us."


def test_section_that_is_not_there_may_be_written() -> None:
    assert not_ours("People's text.\n", ["Specialist Guidance"], {}) == ""


def test_section_as_we_left_it_may_be_replaced() -> None:
    body = upsert_section("People's text.\n", "Specialist Guidance", OURS)
    assert not_ours(body, ["Specialist Guidance"], {"Specialist Guidance": OURS}) == ""


@pytest.mark.parametrize("added", ["\nA note below it.\n", "\n- [x] done\n"])
def test_text_added_below_our_section_is_a_persons(added: str) -> None:
    body = upsert_section("People's text.\n", "Specialist Guidance", OURS) + added
    assert "Somebody edited" in not_ours(body, ["Specialist Guidance"], {"Specialist Guidance": OURS})


def test_section_of_the_same_name_that_we_never_wrote_is_a_persons() -> None:
    body = "## Specialist Guidance\n\nMy own.\n"
    assert "did not write" in not_ours(body, ["Specialist Guidance"], {})


def test_section_near_the_limit_is_stored_as_it_will_read_back() -> None:
    body = "x" * (MAX_BODY - 500)
    ((_, stored),) = as_written(body, [("AI Assessment", "word " * 300)])
    assert stored is not None
    assert len(stored) < 500
    assert not_ours(upsert_section(body, "AI Assessment", stored), ["AI Assessment"], {"AI Assessment": stored}) == ""
