"""Workflows on GitHub that do our job too: found, reported, switched off, archived."""

from __future__ import annotations

import pytest

from pipeline.clock import VirtualClock
from pipeline.domain.changes import CreateBranch
from pipeline.github.port import ActionsWorkflow, Transient
from pipeline.models import Effect, Finding, Mode, Repository
from pipeline.services import operations
from pipeline.services.operations import NotPossible
from rollout.models import ExternalSchedule
from rollout.services import external_schedules
from tests.factories import make_repository
from tests.fake_github import FakeGitHub
from tests.rollout.services.rolling_back import workers

ASSIGN = ".github/workflows/ops-workflow-assignment.yml"
SCHEDULED = b"on:\n  schedule:\n    - cron: '0 */2 * * *'\n  workflow_dispatch: {}\n"


@pytest.fixture
def repository(github: FakeGitHub) -> Repository:
    made = make_repository()
    operations.ship_operations(made, actor="olga", reason="It begins.")
    github.workflows = [ActionsWorkflow(7, "Assign", ASSIGN, "active")]
    github.files[ASSIGN] = SCHEDULED
    return made


def open_findings(repository: Repository) -> list[Finding]:
    return list(Finding.objects.filter(repository=repository, check_id="schedule.double", resolved_at__isnull=True))


def live(repository: Repository) -> None:
    row = repository.operations.get(name="assign")
    operations.set_mode(row, Mode.LIVE, actor="olga", reason="The gate was signed.")


def test_schedule_for_the_same_job_is_found_and_reported(repository: Repository) -> None:
    live(repository)
    (row,) = external_schedules.detect(repository)
    assert (row.operation, row.crons, row.state) == ("assign", ["0 */2 * * *"], "active")
    (finding,) = open_findings(repository)
    assert finding.severity == "warning"
    assert "the work is done twice" in finding.message


def test_schedule_before_the_operation_is_live_is_a_notice(repository: Repository) -> None:
    external_schedules.detect(repository)
    assert open_findings(repository)[0].severity == "notice"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (ASSIGN, b"on: push\n"),
        (".github/workflows/tests.yml", SCHEDULED),
        (".github/workflows/archive/ops-workflow-assignment.yml", SCHEDULED),
        ("dynamic/copilot-swe-agent/copilot", SCHEDULED),
    ],
)
def test_what_does_not_run_our_job_on_a_schedule_is_left_out(
    repository: Repository, github: FakeGitHub, path: str, content: bytes
) -> None:
    github.workflows = [ActionsWorkflow(7, "Workflow", path, "active")]
    github.files = {path: content}
    assert external_schedules.detect(repository) == []
    assert open_findings(repository) == []


def test_looking_again_counts_and_does_not_double(repository: Repository, time: VirtualClock) -> None:
    for _look in range(3):
        external_schedules.detect(repository)
    assert (ExternalSchedule.objects.count(), open_findings(repository)[0].occurrences) == (1, 3)


def test_workflow_that_is_gone_is_resolved_and_may_come_back(repository: Repository, github: FakeGitHub) -> None:
    external_schedules.detect(repository)
    workflows, github.workflows = github.workflows, []
    assert external_schedules.detect(repository) == []
    assert open_findings(repository) == []
    github.workflows = workflows
    assert len(external_schedules.detect(repository)) == len(open_findings(repository)) == 1


def test_github_that_cannot_be_asked_changes_nothing(repository: Repository, github: FakeGitHub) -> None:
    external_schedules.detect(repository)
    github.unreadable = Transient("GitHub did not answer.")
    with pytest.raises(Transient):
        external_schedules.detect(repository)
    assert len(open_findings(repository)) == 1


def test_workflow_is_switched_off_and_its_finding_resolved(repository: Repository, github: FakeGitHub) -> None:
    rows = external_schedules.detect(repository)
    run = external_schedules.disable(repository, rows, by="olga", reason="It runs here now.")
    workers()
    assert Effect.objects.get(item__run=run).state == "applied"
    assert external_schedules.detect(repository)[0].state == "disabled_manually"
    assert open_findings(repository) == []


def test_archive_opens_a_pull_request_that_moves_the_file(repository: Repository, github: FakeGitHub) -> None:
    rows = external_schedules.detect(repository)
    external_schedules.archive(repository, rows, by="olga", reason="It runs here now.")
    workers()
    branch, pull = github.writes
    assert isinstance(branch, CreateBranch)
    assert branch.deletions == (ASSIGN,)
    assert branch.files[0].path == ".github/workflows/archive/ops-workflow-assignment.yml"
    assert pull.kind == "open_pull"


def test_nothing_chosen_is_refused(repository: Repository) -> None:
    for act in (external_schedules.disable, external_schedules.archive):
        with pytest.raises(NotPossible, match="No workflow was chosen"):
            act(repository, [], by="olga", reason="Off.")
