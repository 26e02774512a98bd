"""Exports are whole or not there, known by their hash, and found out when they were touched."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipeline.clock import VirtualClock
from rollout.services import exports
from tests.factories import make_handover, make_issue, make_repository, make_transition


def test_written_file_is_intact_until_somebody_touches_it(time: VirtualClock) -> None:
    written = exports.write("a.csv", "ä\r\n")
    assert exports.intact(written)
    assert (written.size, written.evidence()["path"]) == (4, "a.csv")
    (exports.folder() / "a.csv").write_text("other")
    assert not exports.intact(written)
    (exports.folder() / "a.csv").unlink()
    assert not exports.intact(written)


def test_writing_again_replaces_the_file_and_leaves_nothing_else_behind(time: VirtualClock) -> None:
    exports.write("a.csv", "one")
    exports.write("a.csv", "two")
    assert [path.name for path in exports.folder().iterdir()] == ["a.csv"]
    assert (exports.folder() / "a.csv").read_text() == "two"


def test_folder_that_cannot_be_written_fails_and_leaves_nothing(time: VirtualClock) -> None:
    exports.folder().write_text("a file, not a folder")
    with pytest.raises(OSError, match="exports"):
        exports.write("a.csv", "one")


def test_file_that_reads_back_otherwise_is_a_failure(time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _path: b"rotten")
    with pytest.raises(exports.NotWritten, match="could not be read back"):
        exports.write("a.csv", "one")


def test_every_issue_is_exported_with_its_state_and_hand_over(time: VirtualClock) -> None:
    repository = make_repository()
    issue = make_issue(repository=repository, state="copilot", title="+SUM(A1)")
    make_transition(issue=issue)
    make_handover(issue=issue, outcome="working", pull_number=7)
    make_issue(repository=repository)
    make_issue()
    sheet, document = exports.issue_states(repository, name="states", at=time.now())
    rows = list(csv.DictReader((exports.folder() / sheet.path).read_text().splitlines()))
    assert [row["state"] for row in rows] == ["copilot", "discovery"]
    assert (rows[0]["title"], rows[0]["handover"], rows[0]["pull_request"]) == ("'+SUM(A1)", "working", "7")
    told = json.loads((exports.folder() / document.path).read_text())
    assert (told["repository"], told["count"]) == (repository.full_name, 2)
    assert told["issues"][0]["title"] == "+SUM(A1)"
    assert told["issues"][0]["transitions"] == ["new>copilot"]
