"""What a planned change looks like to a person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import changes
from pipeline.domain.changes import Change
from pipeline.domain.diffs import describe, text_diff
from tests.pipeline.domain.test_changes import CHANGES

SHOWN: list[tuple[Change, str]] = [
    (changes.AddLabels(("a", "b")), "+ label a\n+ label b"),
    (changes.RemoveLabels(("a",)), "- label a"),
    (changes.OpenPull("work", "main", "A title", "text"), "+ pull request work → main: A title"),
    (changes.AssignCopilot("work"), "+ assignee Copilot, on branch work"),
    (changes.UnassignCopilot(), "- assignee Copilot"),
    (changes.ClosePull(4), "- pull request #4 (closed)"),
    (changes.DeleteBranch("work", "0123456789abcdef"), "- branch work (at 0123456789)"),
    (changes.CloseIssue("not_planned"), "- issue closed as not_planned"),
    (changes.ReopenIssue(), "+ issue reopened"),
    (changes.CreateLabel("osint", "ffffff", ""), "+ label osint in the repository"),
    (
        changes.DisableWorkflow(7, ".github/workflows/a.yml"),
        "- GitHub Actions workflow .github/workflows/a.yml (switched off)",
    ),
    (changes.CreateBranch("move", "main", "Move", (), ("a.yml",)), "+ branch move from main\n- file a.yml"),
]


@pytest.mark.parametrize(("change", "text"), SHOWN, ids=[change.kind for change, _ in SHOWN])
def test_change_is_shown_in_one_line_per_thing(change: Change, text: str) -> None:
    assert describe(change, {}) == text


@given(CHANGES)
def test_every_change_can_be_shown(change: Change) -> None:
    assert isinstance(describe(change, {}), str)


def test_section_is_shown_as_a_unified_diff_against_what_was_there() -> None:
    change = changes.WriteSections((("AI Assessment", "same\nnew\n"), ("Discovery", None)))
    before: dict[str, Any] = {"sections": {"AI Assessment": "same\nold\n", "Discovery": "gone\n"}}
    lines = describe(change, before).splitlines()
    assert {"-old", "+new", " same", "-gone", "--- ## AI Assessment (now)"} <= set(lines)


def test_unchanged_section_shows_nothing() -> None:
    change = changes.WriteSections((("AI Assessment", "same\n"),))
    assert describe(change, {"sections": {"AI Assessment": "same\n"}}) == ""


def test_branch_is_shown_with_every_file_and_its_text() -> None:
    files = (changes.ScaffoldFile("a.md", "one two"), changes.ScaffoldFile("b.md", "three"))
    text = describe(changes.CreateBranch("work", "main", "message", files), {})
    assert "+ branch work from main" in text
    assert "+ file a.md (2 words)" in text
    assert "+three" in text.splitlines()


def test_deleted_branch_is_shown_with_the_files_that_go_with_it() -> None:
    text = describe(changes.DeleteBranch("work", "a" * 40), {"files": ["a.md", "b.md"]})
    assert text.splitlines() == ["- branch work (at aaaaaaaaaa)", "- file a.md", "- file b.md"]


def test_issue_is_shown_with_labels_and_body() -> None:
    text = describe(changes.CreateIssue("A convoy", "Seen.", ("site-monitor",)), {})
    assert text.splitlines()[:2] == ["+ issue A convoy", "+ label site-monitor"]
    assert "+Seen." in text.splitlines()


@given(st.lists(st.sampled_from(["a", "b", ""]), max_size=8))
def test_newline_style_is_no_difference(lines: list[str]) -> None:
    assert text_diff("\n".join(lines), "\r\n".join(lines), "body") == ""
