"""Workflow files of GitHub Actions: their crons, and which of our operations they double."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.actions_yaml import crons, operation_of

FOLDER = ".github/workflows/"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on:\n  schedule:\n    - cron: '0 */2 * * *'\n    - cron: 5 6 * * *\n", ("0 */2 * * *", "5 6 * * *")),
        ("'on':\n  schedule: [{cron: '0 1 * * *'}]\n", ("0 1 * * *",)),
        ("on:\n  # schedule:\n  #   - cron: '0 */2 * * *'\n  workflow_dispatch: {}\n", ()),
        ("on: push\n", ()),
        ("on: [push, schedule]\n", ()),
        ("on:\n  schedule: '0 1 * * *'\n", ()),
        ("on: {schedule: [{}, 3, {cron: }]}\n", ()),
        ("{ broken", ()),
        ("- a list\n", ()),
        ("", ()),
    ],
)
def test_crons_are_read_from_the_schedule_only(text: str, found: tuple[str, ...]) -> None:
    assert crons(text) == found


@given(st.text(max_size=200))
def test_no_file_is_too_odd_to_read(text: str) -> None:
    assert isinstance(crons(text), tuple)


@pytest.mark.parametrize(
    ("path", "name", "operation"),
    [
        ("ops-workflow-assignment.yml", "", "assign"),
        ("ops-issue-processing.yaml", "", "process"),
        ("ops-daily-operations.yml", "", "daily"),
        ("site-watch.yml", "Site watch", "monitor"),
        ("nightly.yml", "Assign the workflow", "assign"),
        ("copilot-completion.yml", "Completion", "track"),
        ("tests.yml", "Tests", ""),
    ],
)
def test_operation_is_known_by_file_or_by_words(path: str, name: str, operation: str) -> None:
    assert operation_of(f"{FOLDER}{path}", name) == operation
