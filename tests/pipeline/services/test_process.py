"""process: what a run takes on, and what stops it before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.github.port import Refused
from pipeline.models import Issue, Kind, Mode, Run
from pipeline.services import kinds
from tests.factories import make_issue, make_repository, make_run
from tests.fake_github import FakeGitHub


def process(issue: Issue, **values: Any) -> Run:
    return make_run(**{"repository": issue.repository, "kind": Kind.PROCESS, "mode": Mode.LIVE, "limit": 5, **values})


def reasons(run: Run, github: FakeGitHub) -> dict[int, str]:
    """Number → why it is left out, "" when it is taken on."""
    found = kinds.of(run).select(run, github)
    return {candidate.issue.number: candidate.skipped for candidate in found if candidate.issue}


def test_named_issue_that_cannot_be_taken_on_is_listed_with_the_reason(github: FakeGitHub) -> None:
    repository = make_repository()
    gone = {"presence": "deleted", "presence_note": "It was deleted."}
    cases: list[dict[str, Any]] = [{}, {"state": "discovery"}, {"is_open": False}, gone, {"locked": True}]
    rows = [make_issue(**{"repository": repository, "state": "assigned", **case}) for case in cases]
    found = reasons(process(rows[0], options={"issues": [row.number for row in rows]}), github)
    assert [found[row.number] for row in rows] == [
        "",
        "It is in state::discovery, not state::assigned.",
        "The issue is closed.",
        "It was deleted.",
        "The issue is locked; unlock it on GitHub to have it worked on.",
    ]


def test_named_issue_that_is_none_of_ours_is_told(github: FakeGitHub) -> None:
    run = process(make_issue(state="assigned"), options={"issues": [999]})
    with pytest.raises(Refused, match="Not known here as issues of the pipeline: #999"):
        kinds.of(run).select(run, github)
