"""Problem reports over several validation runs: opened once, kept up, closed, and what people do respected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain.reports import HEADING
from pipeline.domain.sections import read_section
from pipeline.github.port import UnknownFate
from pipeline.models import Effect, Finding, Issue, Kind, Mode, Operation, ProblemReport, Repository, Run, RunItem
from pipeline.services import issues, kinds, labels, revert, runs
from tests.factories import MOMENT, make_repository
from tests.fake_github import FakeGitHub
from tests.pipeline.services.reporting import BY, CHECK, Reporting, carried_out, stays, swept, validating

PERSON_TEXT = "\n\n## Notes\n\nWritten by rosa, and to be left alone."


@pytest.fixture
def operation(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """Live validation of a repository whose labels are known."""
    monkeypatch.setitem(kinds._KINDS, Kind.VALIDATE, Reporting())
    repository = make_repository(token_login="watch-bot")
    github.names |= {name: f"LA_{name}" for name in labels.wanted(repository)}
    return validating(repository)


def report(**values: Any) -> ProblemReport:
    return ProblemReport.objects.get(**values)


def kinds_of(github: FakeGitHub) -> list[str]:
    return [change.kind for change in github.writes]


def gone(*rows: Finding) -> None:
    Finding.objects.filter(pk__in=[row.pk for row in rows]).update(resolved_at=clock.now())


def told(github: FakeGitHub) -> str:
    return read_section(github.rows[report(is_open=True).number or 0].body, HEADING) or ""


def opened(operation: Operation, github: FakeGitHub) -> Finding:
    found = stays(operation.repository)
    swept(operation)
    assert kinds_of(github) == ["create_issue"]
    github.writes.clear()
    return found


def test_trouble_that_stays_gets_one_issue_and_no_second_one(operation: Operation, github: FakeGitHub) -> None:
    found = stays(operation.repository)
    for _ in range(3):
        swept(operation)
    assert kinds_of(github) == ["create_issue"]
    row = report()
    assert (row.group, row.is_open, row.number) == (CHECK, True, max(github.rows))
    assert f"[#{found.issue.number}]" in told(github)  # type: ignore[union-attr]  # laid down with an issue
    assert github.rows[row.number].labels == ()  # type: ignore[index]  # GitHub has taken it


def test_trouble_of_two_runs_is_not_reported(operation: Operation, github: FakeGitHub) -> None:
    stays(operation.repository, sweeps=2)
    run = swept(operation)
    assert (github.writes, run.items.count(), ProblemReport.objects.count()) == ([], 0, 0)


def test_each_check_has_an_issue_of_its_own(operation: Operation, github: FakeGitHub) -> None:
    stays(operation.repository)
    stays(operation.repository, check="labels.drift")
    run = swept(operation)
    assert kinds_of(github) == ["create_issue", "create_issue"]
    assert list(run.items.values_list("state", "report__group")) == [("done", "labels.drift"), ("done", CHECK)]


def test_muted_trouble_is_not_reported(operation: Operation, github: FakeGitHub) -> None:
    stays(operation.repository, muted_until=MOMENT + timedelta(days=1), muted_by="rosa", muted_reason="Known, in work.")
    swept(operation)
    assert github.writes == []


def test_acknowledged_trouble_is_reported_all_the_same(operation: Operation, github: FakeGitHub) -> None:
    stays(operation.repository, acknowledged_at=MOMENT, acknowledged_by="rosa")
    swept(operation)
    assert "acknowledged" in told(github)
    assert "rosa" not in told(github)


def test_dry_run_shows_the_issue_and_writes_nothing(operation: Operation, github: FakeGitHub) -> None:
    stays(operation.repository)
    run = swept(operation, mode=Mode.DRY_RUN)
    assert github.writes == []
    effect = Effect.objects.get(item__run=run)
    assert (effect.kind, effect.live, effect.state) == ("create_issue", False, "planned")
    assert HEADING in effect.diff
    assert report().number is None


def test_shown_issue_can_be_applied_and_is_then_the_only_one(operation: Operation, github: FakeGitHub) -> None:
    stays(operation.repository)
    shown = swept(operation, mode=Mode.DRY_RUN)
    carried_out(runs.apply_plan(shown, **BY))
    swept(operation)
    assert kinds_of(github) == ["create_issue"]
    assert report().number is not None


def test_shown_issue_is_not_opened_once_its_trouble_is_over(operation: Operation, github: FakeGitHub) -> None:
    found = stays(operation.repository)
    shown = swept(operation, mode=Mode.DRY_RUN)
    gone(found)
    swept(operation)
    applied = carried_out(runs.apply_plan(shown, **BY))
    assert github.writes == []
    assert [item.state for item in applied.items.all()] == ["skipped"]


def test_more_of_it_is_written_in_place_beside_a_persons_text(operation: Operation, github: FakeGitHub) -> None:
    opened(operation, github)
    number = report().number or 0
    github.edit(number, body=f"Rosa was here.\n{github.rows[number].body}{PERSON_TEXT}", title="Rosa's title")
    more = stays(operation.repository, sweeps=1)
    swept(operation)
    assert kinds_of(github) == ["write_sections"]
    assert f"[#{more.issue.number}]" in told(github)  # type: ignore[union-attr]  # laid down with an issue
    row = github.rows[number]
    assert (row.title, row.body[:15], row.body[-len(PERSON_TEXT) :]) == (
        "Rosa's title",
        "Rosa was here.\n",
        PERSON_TEXT,
    )


def test_unchanged_trouble_costs_no_item_and_no_call(operation: Operation, github: FakeGitHub) -> None:
    opened(operation, github)
    github.calls.clear()
    run = swept(operation)
    assert (run.items.count(), sum(github.calls.values())) == (0, 0)


def test_trouble_that_went_is_said_and_the_issue_closed(operation: Operation, github: FakeGitHub) -> None:
    gone(opened(operation, github))
    swept(operation)
    swept(operation)
    assert kinds_of(github) == ["add_comment", "close_issue"]
    row = report()
    assert (row.is_open, row.ending) == (False, "recovered")
    assert github.rows[row.number or 0].state_reason == "completed"


def test_trouble_that_comes_back_gets_a_new_issue(operation: Operation, github: FakeGitHub) -> None:
    gone(opened(operation, github))
    swept(operation)
    stays(operation.repository)
    swept(operation)
    assert kinds_of(github) == ["add_comment", "close_issue", "create_issue"]
    assert report(is_open=True).number != report(is_open=False).number


def test_closing_by_a_person_is_respected_for_a_day(
    operation: Operation, github: FakeGitHub, time: clock.VirtualClock
) -> None:
    opened(operation, github)
    number = report().number or 0
    closed = github.edit(number, is_open=False, closed_at=clock.now())
    issues.absorb(operation.repository, closed)
    assert (report().is_open, report().ending) == (False, "by_person")
    time.advance(timedelta(hours=23))
    swept(operation)
    assert github.writes == []
    time.advance(timedelta(hours=2))
    swept(operation)
    assert kinds_of(github) == ["create_issue"]


def test_trouble_that_stopped_once_ends_that_respect(operation: Operation, github: FakeGitHub) -> None:
    found = opened(operation, github)
    issues.absorb(operation.repository, github.edit(report().number or 0, is_open=False))
    gone(found)
    swept(operation)
    stays(operation.repository)
    swept(operation)
    assert kinds_of(github) == ["create_issue"]


def test_closing_that_no_list_showed_is_seen_before_anything_is_written(
    operation: Operation, github: FakeGitHub
) -> None:
    opened(operation, github)
    github.edit(report().number or 0, is_open=False)
    stays(operation.repository)
    swept(operation)
    assert github.writes == []
    assert report().ending == "by_person"


def test_deleted_issue_ends_its_report(operation: Operation, github: FakeGitHub) -> None:
    opened(operation, github)
    github.deleted.add(report().number or 0)
    stays(operation.repository)
    run = swept(operation)
    assert (run.state, run.items.get().state) == (Run.State.SUCCEEDED, RunItem.State.SKIPPED)
    assert (report().is_open, report().ending) == (False, "gone")


def test_report_is_never_taken_for_an_issue_of_the_pipeline(operation: Operation, github: FakeGitHub) -> None:
    opened(operation, github)
    number = report().number or 0
    labelled = github.edit(number, labels=("site-monitor", "state::discovery"))
    assert issues.absorb(operation.repository, labelled) is None
    assert not Issue.objects.filter(number=number, repository=operation.repository).exists()


def test_section_that_a_person_deleted_comes_back_and_their_text_stays(
    operation: Operation, github: FakeGitHub
) -> None:
    """Also where GitHub names us otherwise than our credential does, as it does with apps."""
    opened(operation, github)
    Repository.objects.update(token_login="another-name")
    number = report().number or 0
    github.edit(number, body="Only what rosa wrote.\n")
    stays(operation.repository)
    swept(operation)
    assert github.rows[number].body.startswith("Only what rosa wrote.\n\n## Validation Findings\n")


def test_section_that_a_person_edited_is_a_conflict(operation: Operation, github: FakeGitHub) -> None:
    opened(operation, github)
    number = report().number or 0
    github.edit(number, body=github.rows[number].body + "\n- rosa's own line")
    stays(operation.repository)
    run = swept(operation)
    assert (github.writes, run.items.get().state) == ([], RunItem.State.CONFLICT)


def test_lost_answer_is_looked_up_and_not_doubled(
    operation: Operation, github: FakeGitHub, time: clock.VirtualClock
) -> None:
    stays(operation.repository)
    github.spoil("create_issue", UnknownFate("No answer to POST /issues."))
    run = swept(operation)
    assert report().number is None
    time.advance(timedelta(minutes=30))
    carried_out(run)
    assert kinds_of(github) == ["create_issue"]
    assert report().number == max(github.rows)


def test_reverted_opening_closes_the_issue_and_stays_closed_for_a_day(
    operation: Operation, github: FakeGitHub, time: clock.VirtualClock
) -> None:
    opened(operation, github)
    carried_out(revert.revert_run(Run.objects.get(), **BY))
    assert kinds_of(github) == ["close_issue"]
    assert (report().is_open, report().ending) == (False, "reverted")
    swept(operation)
    assert kinds_of(github) == ["close_issue"]
    time.advance(timedelta(days=1, minutes=1))
    swept(operation)
    assert kinds_of(github) == ["close_issue", "create_issue"]


def test_reverted_update_brings_the_section_back(operation: Operation, github: FakeGitHub) -> None:
    opened(operation, github)
    before = told(github)
    stays(operation.repository)
    run = swept(operation)
    assert told(github) != before
    carried_out(revert.revert_run(run, **BY))
    assert told(github) == before


def test_reverted_closing_opens_the_issue_again(operation: Operation, github: FakeGitHub) -> None:
    gone(opened(operation, github))
    run = swept(operation)
    carried_out(revert.revert_run(run, **BY))
    assert kinds_of(github)[-1] == "reopen_issue"
    assert (report().is_open, report().ending) == (True, "")


def test_reverted_closing_leaves_a_newer_report_in_charge(operation: Operation, github: FakeGitHub) -> None:
    gone(opened(operation, github))
    closing = swept(operation)
    stays(operation.repository)
    swept(operation)
    carried_out(revert.revert_run(closing, **BY))
    assert ProblemReport.objects.filter(is_open=True).count() == 1
    assert report(is_open=True).number == max(github.rows)
