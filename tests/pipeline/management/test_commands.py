"""The commands for scripts: flags, sentences and exit codes that mean something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pipeline import clock
from pipeline import workflows as files
from pipeline.domain import changes
from pipeline.github.port import BadCredentials, QuotaExhausted
from pipeline.models import AuditEntry, Effect, Issue, Mode, Operation, Repository, Run, RunItem, Specialist, Workflow
from pipeline.services import connect, kinds, labels, scripts
from tests.factories import (
    MOMENT,
    make_effect,
    make_finding,
    make_issue,
    make_item,
    make_operation,
    make_part,
    make_repository,
    make_run,
)
from tests.fake_github import FakeGitHub, refused
from tests.pipeline.services.planner import Planner
from tests.values import snapshot


@pytest.fixture
def github(db: None) -> Iterator[FakeGitHub]:
    fake = FakeGitHub()
    with clock.using(clock.VirtualClock(MOMENT)), connect.using(lambda _: fake):
        yield fake


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    made = Planner()
    monkeypatch.setattr(kinds, "of", lambda run: made)
    return made


@pytest.fixture
def operation(github: FakeGitHub, planner: Planner) -> Operation:
    """Assigning two issues, in dry run."""
    repository = make_repository(full_name="acme/watch")
    for number in (7, 8):
        github.mirror(make_issue(repository=repository, number=number))
    github.names |= {name: f"LA_{name}" for name in ("bug", *labels.wanted(repository))}
    return make_operation(
        repository=repository, name="assign", live_until=MOMENT + timedelta(days=1), verbose=False, statistics=False
    )


def ran(*arguments: Any, code: int = 0) -> tuple[str, str]:
    """(stdout, stderr) of one command that ends with `code`."""
    out, err = StringIO(), StringIO()
    ended = 0
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == code, err.getvalue() + out.getvalue()
    return out.getvalue(), err.getvalue()


# --- run ---


def test_run_in_the_operations_mode_tells_how_it_ended(operation: Operation, github: FakeGitHub) -> None:
    out, err = ran("run", "assign")
    assert (out.strip(), err) == (f"Run {Run.objects.get().pk}: assign on acme/watch, dry run: succeeded.", "")
    assert github.writes == []


def test_live_run_writes_and_is_logged_with_its_reason(operation: Operation, github: FakeGitHub) -> None:
    ran("run", "assign", "--live", "--reason", "Release day.")
    assert len(github.writes) == 2
    assert AuditEntry.objects.get(action="run.started").reason == "Release day."


def test_flags_reach_the_run(operation: Operation) -> None:
    ran("run", "assign", "--dry-run", "--batch-size", "1", "--issue", "7", "--issue", "8", "--continue-on-error")
    run = Run.objects.get()
    assert (run.mode, run.limit) == (Mode.DRY_RUN, 1)
    assert run.options == {"issues": [7, 8], "continue_on_error": True}


def test_verbose_shows_each_item_and_statistics_the_figures(operation: Operation) -> None:
    out, _ = ran("run", "assign", "--verbose", "--statistics")
    assert "#7  planned" in out
    assert "by state: planned 2" in out


def test_operation_says_whether_items_and_figures_are_shown_without_being_asked(operation: Operation) -> None:
    assert "by state" not in ran("run", "assign")[0]
    Operation.objects.update(verbose=True, statistics=True)
    out, _ = ran("run", "assign")
    assert ("#7  planned" in out, "by state: planned 2" in out) == (True, True)


def test_json_is_one_document(operation: Operation) -> None:
    facts = json.loads(ran("run", "assign", "--json", "--statistics")[0])
    assert (facts["state"], [item["issue"] for item in facts["items"]]) == ("succeeded", [7, 8])
    assert facts["statistics"]["items"] == 2


def test_failed_item_ends_with_1_and_deferred_with_75(operation: Operation, planner: Planner) -> None:
    planner.answers[7] = refused("GitHub answered 403.")
    assert "GitHub answered 403." in ran("run", "assign", "--verbose", code=1)[0]
    planner.answers[7] = QuotaExhausted("Wait.", until=MOMENT)
    ran("run", "assign", code=75)


BAD_RUNS = [
    (["run", "dance"], "has no operation 'dance'; it has assign"),
    (["run", "assign", "--repository", "no/where"], "There is no repository 'no/where'"),
    (["run", "assign", "--limit", "0"], "The limit 0 is out of range; choose 1 to 1000"),
    (["run", "assign", "--limit", "1001"], "The limit 1001 is out of range"),
    (["run", "assign", "--issue", "0"], "There is no issue number 0"),
    (["apply", "999", "--reason", "x"], "There is no run 999."),
    (["revert", "999", "--reason", "x"], "There is no run 999."),
    (["sync", "--repository", "no/where"], "There is no repository 'no/where'"),
    (["govern", "nonsense"], "owner/name"),
    (["govern", "a/b/c"], "owner/name"),
    (["govern"], "Name a repository as owner/name"),
    (["workflows", "check", "/not/there"], "There is no file or folder '/not/there'"),
    (["workflows", "import", "--from-repository"], "--repository owner/name"),
    (["demonstration"], "--sandbox-url"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_RUNS, ids=[" ".join(row[0]) for row in BAD_RUNS])
def test_bad_input_is_one_sentence_with_exit_code_2_and_changes_nothing(
    operation: Operation, arguments: list[str], words: str
) -> None:
    out, err = ran(*arguments, code=2)
    assert words in err
    assert (out, len(err.strip().splitlines())) == ("", 1)
    assert not Run.objects.exists()
    assert not AuditEntry.objects.exists()
    assert Repository.objects.count() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "assign", "--limit", "many"],
        ["run", "assign", "--dry-run", "--live"],
        ["run", "assign", "--limit", "3", "--batch-size", "3"],
        ["apply", "one", "--reason", "x"],
        ["apply", "1"],
        ["revert", "1"],
        ["workflows"],
        ["workflows", "check"],
    ],
)
def test_flags_that_contradict_or_lack_something_are_refused(operation: Operation, arguments: list[str]) -> None:
    with pytest.raises((CommandError, SystemExit)):
        call_command(*arguments, stdout=StringIO(), stderr=StringIO())
    assert not Run.objects.exists()


def test_second_run_of_a_group_is_refused_with_2(operation: Operation) -> None:
    Operation.objects.update(concurrency_group="assign")
    make_run(operation=operation, group=f"{operation.repository_id}:assign", state=Run.State.WORKING)
    assert "still active; wait for it or cancel it" in ran("run", "assign", code=2)[1]


def test_missing_token_fails_the_run_with_its_sentence(operation: Operation) -> None:
    def missing(_: Repository) -> Any:
        raise BadCredentials("The credential env:NONE is empty.")

    with connect.using(missing):
        assert "The credential env:NONE is empty." in ran("run", "assign", code=1)[0]


# --- apply and revert ---


def test_plan_is_applied_and_shown_item_by_item(operation: Operation, github: FakeGitHub, monkeypatch: Any) -> None:
    ran("run", "assign")
    shown = Run.objects.get()
    monkeypatch.undo()  # from here on the real kinds
    with connect.using(lambda _: github):
        out, _ = ran("apply", shown.pk, "--reason", "Looks right.")
    assert "#7  done" in out
    assert github.writes == [changes.AddLabels(("bug",))] * 2
    assert "was applied already" in ran("apply", shown.pk, "--reason", "Again.", code=2)[1]


def test_run_that_cannot_be_applied_or_reverted_is_refused_with_2(operation: Operation) -> None:
    run = make_run(operation=operation, state=Run.State.WORKING)
    assert "Only a finished dry run can be applied" in ran("apply", run.pk, "--reason", "x", code=2)[1]
    assert "Only a finished live run can be reverted" in ran("revert", run.pk, "--reason", "x", code=2)[1]


def test_run_is_reverted_from_the_command_line(github: FakeGitHub) -> None:
    operation = make_operation(mode=Mode.LIVE)
    issue = make_issue(repository=operation.repository, labels=["site-monitor", "state::discovery", "bug"])
    github.mirror(issue)
    github.names |= dict.fromkeys(labels.wanted(operation.repository), "LA")
    run = make_run(operation=operation, state=Run.State.SUCCEEDED)
    item = make_item(run=run, issue=issue, state=RunItem.State.DONE)
    make_effect(
        item=item, change=changes.AddLabels(("bug",)), live=True, state=Effect.State.APPLIED, before={"labels": []}
    )
    assert "reverted" in ran("revert", run.pk, "--reason", "Wrong.")[0]
    assert github.writes == [changes.RemoveLabels(("bug",))]


def test_apply_that_refused_an_edited_issue_ends_with_1(
    operation: Operation, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran("run", "assign")
    shown = Run.objects.get()
    monkeypatch.undo()
    github.edit(7, title="Edited since")
    with connect.using(lambda _: github):
        out, _ = ran("apply", shown.pk, "--reason", "Looks right.", code=1)
    assert "#7  conflict" in out
    assert "#8  done" in out


def test_daily_run_in_json_has_its_parts(operation: Operation) -> None:
    daily = make_operation(repository=operation.repository, name="daily", kind="daily", verbose=False)
    make_part(operation=daily, kind="assign", mode=Mode.DRY_RUN)
    facts = json.loads(ran("run", "daily", "--json")[0])
    assert [(part["operation"], part["state"], len(part["items"])) for part in facts["parts"]] == [
        ("assign", "succeeded", 2)
    ]


def test_issue_that_was_asked_for_and_not_taken_on_is_told(operation: Operation, planner: Planner) -> None:
    planner.candidates = lambda run: []
    out, _ = ran("run", "assign", "--issue", "7", "--issue", "99")
    assert "#7 was not taken on: it is in state::discovery, open, present." in out
    assert "#99 was not taken on: no issue of the pipeline has this number here." in out


def test_cancelled_run_is_no_success(operation: Operation) -> None:
    assert scripts.exit_code(make_run(operation=operation, state=Run.State.CANCELLED)) == scripts.FAILED


# --- sync and status ---


@pytest.mark.parametrize("number", [0, -3, 2**31])
def test_sync_of_an_impossible_issue_is_refused_with_2(github: FakeGitHub, number: int) -> None:
    make_repository()
    assert "There is no issue number" in ran("sync", f"--issue={number}", code=2)[1]
    assert not github.calls


def test_sync_tells_what_it_read(github: FakeGitHub) -> None:
    make_repository()
    github.put(snapshot())
    assert ran("sync")[0].strip() == "pages 1, read 1, governed 1, not modified False, finished True"
    assert json.loads(ran("sync", "--json")[0])["governed"] == 1
    assert json.loads(ran("sync", "--issue", "7", "--json")[0]) == {"issue": 7, "governed": True}
    github.deleted.add(7)
    assert "The issue was deleted." in ran("sync", "--issue", "7")[0]


@pytest.mark.parametrize(
    ("error", "code"), [(refused("GitHub answered 403."), 1), (QuotaExhausted("Wait.", until=MOMENT), 75)]
)
def test_sync_that_fails_says_why(github: FakeGitHub, error: Any, code: int) -> None:
    make_repository()
    github.unreadable = error
    assert ran("sync", code=code)[1].strip() == str(error)


def test_status_shows_what_runs_and_what_is_wrong(github: FakeGitHub) -> None:
    operation = make_operation(cron="0 */2 * * *", repository=make_repository(full_name="acme/watch"))
    make_issue(repository=operation.repository)
    make_finding(repository=operation.repository)
    Repository.objects.update(token_problem="GitHub answered 401.")
    out, _ = ran("status")
    assert "acme/watch (active): GitHub answered 401." in out
    assert "issues: discovery 1" in out
    assert "0 */2 * * *" in out
    assert "Open findings 1" in out
    facts = json.loads(ran("status", "--json")[0])
    assert facts["repositories"][0]["operations"][0]["next"] == "2026-11-02T10:00:00+00:00"


def test_status_of_an_empty_database_is_no_error(db: None) -> None:
    assert "active runs 0" in ran("status")[0]


# --- workflows ---


def test_shipped_workflows_are_imported_exported_and_checked(github: FakeGitHub, tmp_path: Path) -> None:
    assert "6 created" in ran("workflows", "import")[0]
    assert "0 created, 0 updated, 6 kept" in ran("workflows", "import")[0]
    ran("workflows", "export", str(tmp_path))
    assert "are in order" in ran("workflows", "check", str(tmp_path))[0]
    assert "0 created, 0 updated" in ran("workflows", "import", str(tmp_path))[0]


def test_broken_file_imports_nothing_and_tells_line_and_column(github: FakeGitHub, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(files.dump_workflow(files.shipped()[0]), encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("name: [\n", encoding="utf-8")
    for way in ("check", "import"):
        assert "bad.yaml, line 2, column" in ran("workflows", way, str(tmp_path), code=2)[1]
    assert not Workflow.objects.exists()


def test_workflow_with_an_unknown_specialist_imports_nothing(github: FakeGitHub, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(files.dump_workflow(files.shipped()[0]), encoding="utf-8")
    assert "Import specialists first" in ran("workflows", "import", str(tmp_path), code=2)[1]
    assert not Specialist.objects.exists()


def test_specialists_beside_a_workflow_that_cannot_be_imported_are_not_imported_either(
    github: FakeGitHub, tmp_path: Path
) -> None:
    first, second = files.shipped_specialists()[0], next(one for one in files.shipped() if "osint" in one.specialist)
    (tmp_path / "one.yaml").write_text(files.dump_specialist(first), encoding="utf-8")
    (tmp_path / "two.yaml").write_text(files.dump_workflow(second), encoding="utf-8")
    assert "Import specialists first" in ran("workflows", "import", str(tmp_path), code=2)[1]
    assert not Specialist.objects.exists()


def test_two_files_of_one_slug_can_be_checked_and_not_imported(github: FakeGitHub, tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(files.dump_workflow(files.shipped()[0]), encoding="utf-8")
    checked = ran("workflows", "check", str(tmp_path))[0]
    assert ("import one of them" in checked, "2 workflows" in checked) == (True, True)
    assert "import one of them" in ran("workflows", "import", str(tmp_path), code=2)[1]


def test_folder_of_a_repository_that_cannot_be_read_is_told_in_one_sentence(github: FakeGitHub) -> None:
    make_repository(full_name="acme/watch")
    github.unreadable = refused("GitHub answered 403.")
    said = ran("workflows", "import", "--from-repository", "--repository", "acme/watch", code=1)[1]
    assert said.strip() == "GitHub answered 403."


def test_demonstration_is_removed_by_one_call(github: FakeGitHub) -> None:
    make_repository(is_demonstration=True)
    assert "1 demonstration repositories removed." in ran("demonstration", "--remove")[0]
    assert not Issue.objects.exists()
