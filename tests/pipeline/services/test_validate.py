"""validate as a run: findings settled, repairs planned in dry run, applied live, taken back by a revert."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from pipeline.clock import VirtualClock
from pipeline.domain.checks.values import Thing
from pipeline.domain.facts import Branch
from pipeline.domain.sections import splice
from pipeline.github.port import BadCredentials, Transient
from pipeline.models import Effect, Finding, Issue, Kind, Mode, Operation, Repository, Run, RunItem, Transition
from pipeline.services import execution, kinds, revert, runs, validation
from pipeline.services.kinds.base import Candidate
from tests.factories import (
    MOMENT,
    make_effect,
    make_issue,
    make_item,
    make_operation,
    make_repository,
    make_run,
    make_specialist,
    make_workflow,
)
from tests.fake_github import FakeGitHub
from tests.pipeline.domain.checks import corpus, healthy
from tests.pipeline.domain.checks.corpus import KINDS
from tests.values import pull

TRIAGED = ["site-monitor", "monitor::triage", "state::assigned"]


@pytest.fixture
def repository(time: VirtualClock) -> Repository:
    return make_repository(token_checked_at=MOMENT, synced_at=MOMENT, token_login="watch-bot")


@pytest.fixture
def operation(repository: Repository) -> Operation:
    lease = MOMENT + timedelta(days=30)
    return make_operation(repository=repository, kind=Kind.VALIDATE, mode=Mode.LIVE, live_until=lease, limit=50)


def validated(operation: Operation, mode: Mode = Mode.LIVE, **options: Any) -> Run:
    run = runs.open_by_hand(operation, actor="olga", reason="To see.", mode=mode, ring=False, **options)
    return carried_out(run)


def carried_out(run: Run) -> Run:
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run


def drifted(repository: Repository, github: FakeGitHub, **values: Any) -> Issue:
    """An assigned issue that still carries the triage label."""
    make_workflow_label(repository)
    values.setdefault("labels", [*TRIAGED, "workflow::osint"])
    issue = make_issue(repository=repository, state="assigned", **values)
    github.mirror(issue)
    return issue


def make_workflow_label(repository: Repository) -> None:
    if not repository.workflows.filter(slug="osint").exists():
        make_workflow(repository=repository, slug="osint")


def items(run: Run) -> QuerySet[RunItem]:
    """Those on issues: a live run also makes the labels that are missing."""
    return run.items.filter(issue__isnull=False)


def open_checks() -> list[str]:
    return sorted(Finding.objects.filter(resolved_at__isnull=True).values_list("check_id", flat=True))


def written(github: FakeGitHub) -> list[str]:
    return [change.kind for change in github.writes if change.kind != "create_label"]


def test_dry_run_finds_and_plans_and_writes_nothing(operation: Operation, github: FakeGitHub) -> None:
    issue = drifted(operation.repository, github)
    run = validated(operation, Mode.DRY_RUN)
    assert open_checks() == ["labels.triage"]
    assert [(row.kind, row.state) for row in Effect.objects.all()] == [("remove_labels", "planned")]
    assert github.writes == []
    assert (run.state, run.items.get().issue, run.items.get().state) == ("succeeded", issue, "planned")


def test_statistics_say_what_was_looked_at_and_what_came_of_it(operation: Operation, github: FakeGitHub) -> None:
    drifted(operation.repository, github)
    told = validated(operation, Mode.DRY_RUN).statistics["validation"]
    counted = {name: told[name] for name in ("issues", "repairable", "new", "seen_again", "resolved", "open")}
    assert counted == {"issues": 1, "repairable": 1, "new": 1, "seen_again": 0, "resolved": 0, "open": 1}
    assert (told["references"], told["by_state"], told["compared_issues"]) == (0, {"assigned": 1}, 1)


def test_live_run_takes_the_triage_label_off_and_the_next_resolves_the_finding(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    issue = drifted(operation.repository, github)
    run = validated(operation)
    assert items(run).get().state == RunItem.State.DONE
    assert github.rows[issue.number].labels == ("site-monitor", "state::assigned", "workflow::osint")
    time.advance(timedelta(hours=1))
    assert validated(operation).statistics["validation"]["resolved"] == 1
    assert open_checks() == []


def test_revert_takes_a_repair_back(operation: Operation, github: FakeGitHub) -> None:
    issue = drifted(operation.repository, github)
    run = validated(operation)
    carried_out(revert.revert_run(run, actor="olga", reason="It was wanted.", ring=False))
    assert "monitor::triage" in github.rows[issue.number].labels


def test_plan_of_a_dry_run_can_be_applied_as_it_was_shown(operation: Operation, github: FakeGitHub) -> None:
    issue = drifted(operation.repository, github)
    shown = validated(operation, Mode.DRY_RUN)
    carried_out(runs.apply_plan(shown, actor="olga", reason="As shown.", ring=False))
    assert "monitor::triage" not in github.rows[issue.number].labels


def test_fault_that_a_person_mended_meanwhile_is_not_repaired(operation: Operation, github: FakeGitHub) -> None:
    issue = drifted(operation.repository, github)
    run = runs.open_by_hand(operation, actor="olga", reason="To see.", mode=Mode.LIVE, ring=False)
    execution.execute(run.pk)
    github.edit(issue.number, labels=("site-monitor", "state::assigned", "workflow::osint"))
    execution.work_on(run.pk)
    assert [(item.state, item.outcome) for item in items(run)] == [("skipped", "healthy")]
    assert written(github) == []


def test_closed_issue_is_finished_with_its_transition(operation: Operation, github: FakeGitHub) -> None:
    long_ago = MOMENT - timedelta(days=1)
    values = {"labels": ["site-monitor", "state::assigned", "workflow::osint"], "is_open": False, "closed_at": long_ago}
    issue = drifted(operation.repository, github, **values)
    validated(operation)
    issue.refresh_from_db()
    assert (issue.state, "state::done" in github.rows[issue.number].labels) == ("done", True)
    assert Transition.objects.get(issue=issue).cause == "pipeline"


def test_repairs_beyond_the_limit_wait_and_nothing_that_failed_starves_them(
    operation: Operation, github: FakeGitHub
) -> None:
    first, second, third = (drifted(operation.repository, github) for _ in range(3))
    stuck = make_run(operation=operation, state=Run.State.SUCCEEDED)
    make_item(run=stuck, issue=first, state="conflict", error_type="conflict", finished_at=MOMENT)
    run = validated(operation, limit=1)
    assert {item.issue_id: item.state for item in items(run)} == {
        second.pk: "done",
        third.pk: "skipped",
        first.pk: "skipped",
    }
    assert "Beyond the limit of 1 repairs" in run.items.get(issue=third).reason


def test_sweep_made_twice_is_the_same_findings_once_more(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    drifted(operation.repository, github)
    for _ in range(2):
        validated(operation, Mode.DRY_RUN)
        time.advance(timedelta(hours=1))
    (row,) = Finding.objects.all()
    assert (row.occurrences, row.sweeps, row.check_id) == (2, 2, "labels.triage")


def test_crash_between_findings_and_items_doubles_nothing(
    operation: Operation, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, time: VirtualClock
) -> None:
    drifted(operation.repository, github)
    run = runs.open_by_hand(operation, actor="olga", reason="To see.", mode=Mode.LIVE, ring=False)

    def dies(*_: object) -> list[Candidate]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kinds.reports, "candidates", dies)
        with pytest.raises(KeyboardInterrupt):
            execution.execute(run.pk)
    assert (Finding.objects.get().occurrences, run.items.count()) == (1, 0)
    time.advance(timedelta(hours=1))
    carried_out(run)
    assert (Finding.objects.get().occurrences, Finding.objects.get().sweeps, items(run).count()) == (1, 1, 1)


def test_issues_that_a_person_named_are_looked_at_and_no_others(operation: Operation, github: FakeGitHub) -> None:
    first, second = drifted(operation.repository, github), drifted(operation.repository, github)
    make_finding_of(second)
    validated(operation, Mode.DRY_RUN, issues=[first.number])
    assert set(Finding.objects.filter(resolved_at__isnull=True).values_list("issue", "check_id")) == {
        (first.pk, "labels.triage"),
        (second.pk, "remnant.todo"),
    }


def make_finding_of(issue: Issue) -> Finding:
    return Finding.objects.create(
        repository=issue.repository,
        issue=issue,
        check_id="remnant.todo",
        fingerprint="f",
        message="Seen.",
        first_seen=MOMENT,
        last_seen=MOMENT,
    )


def test_issue_with_a_change_under_way_keeps_its_findings(operation: Operation, github: FakeGitHub) -> None:
    issue = drifted(operation.repository, github)
    make_finding_of(issue)
    live = make_item(run=make_run(operation=make_operation(repository=operation.repository, mode="live")), issue=issue)
    make_effect(item=live, live=True, state="unknown")
    run = validated(operation, Mode.DRY_RUN)
    assert (open_checks(), run.items.count()) == (["remnant.todo"], 0)


def test_token_that_github_refuses_is_a_critical_finding_although_nothing_can_be_read(
    operation: Operation, github: FakeGitHub
) -> None:
    issue = drifted(operation.repository, github)
    make_finding_of(issue)
    github.unreadable = BadCredentials("GitHub answered 401. Renew the token.", status=401)
    run = validated(operation)
    assert (run.state, open_checks()) == ("failed", ["remnant.todo", "token.refused"])
    assert Finding.objects.get(check_id="token.refused").severity == "critical"
    github.unreadable = None
    Repository.objects.update(token_problem="")
    validated(operation, Mode.DRY_RUN)
    assert "token.refused" not in open_checks()


def test_passing_fault_of_github_resolves_nothing_and_is_tried_again(operation: Operation, github: FakeGitHub) -> None:
    make_finding_of(drifted(operation.repository, github))
    github.unreadable = Transient("GitHub answered 502.", status=502)
    run = validated(operation)
    assert (run.is_active, open_checks()) == (True, ["remnant.todo"])


def test_backlog_that_grew_through_the_day_is_found(
    operation: Operation, github: FakeGitHub, time: VirtualClock
) -> None:
    make_workflow_label(operation.repository)
    for hour in range(8):
        labels = ["site-monitor", "state::assigned", "workflow::osint"]
        github.mirror(make_issue(repository=operation.repository, state="assigned", labels=labels))
        if hour:
            time.advance(timedelta(hours=1))
        validated(operation, Mode.DRY_RUN)
    assert open_checks() == ["backlog.grows"]
    assert Finding.objects.get().detail["to"] == 8


def test_planted_faults_are_found_in_the_database_and_nothing_else(operation: Operation, github: FakeGitHub) -> None:
    """The corpus in rows: one of each kind that rows can show, and as many sound issues."""
    repository = operation.repository
    workflow = healthy.WORKFLOWS["osint-research"]
    make_workflow(
        slug=workflow.slug,
        repository=repository,
        minimum_words=200,
        specialist=make_specialist(slug="osint-researcher"),
    )
    planted = [kind for kind in KINDS if kind.values is None]
    expected: set[tuple[int, str]] = set()
    for number, kind in enumerate(planted, 1):
        life = kind.spoil(corpus.bases()[kind.base][0])
        stored(repository, github, number, life)
        expected |= {(number, check) for check in kind.expected}
        stored(repository, github, 100 + number, corpus.bases()[kind.base][1])
    validated(operation, Mode.DRY_RUN)
    rows = Finding.objects.filter(resolved_at__isnull=True).exclude(check_id__startswith="duplicate.")
    assert set(rows.values_list("issue__number", "check_id")) == expected


def stored(repository: Repository, github: FakeGitHub, number: int, life: healthy.Life) -> Issue:
    """The row of a life, the same on GitHub."""
    shown = life.issue
    people = [{"login": one.login, "id": one.id, "kind": one.kind} for one in shown.assignees]
    issue = make_issue(
        repository=repository,
        number=number,
        state=life.state.value,
        title=shown.title,
        body=shown.body,
        labels=list(shown.labels),
        assignees=people,
        is_open=shown.is_open,
        closed_at=shown.closed_at,
        handed_over_at=life.handover.requested_at if life.handover else None,
    )
    github.mirror(issue)
    put_references(github, life)
    if life.written:
        run = make_run(operation=make_operation(repository=repository, mode="live"), state="succeeded")
        sections = {"sections": [[heading, "Text."] for heading in sorted(life.written)]}
        item = make_item(run=run, issue=issue, state="done")
        make_effect(item=item, kind="write_sections", payload=sections, live=True, state="applied", settled_at=MOMENT)
    return issue


def put_references(github: FakeGitHub, life: healthy.Life) -> None:
    """What a healthy issue names is there."""
    for one in life.subject().named:
        if one.thing is Thing.BRANCH:
            github.branches[one.name] = [Branch(one.name, "a" * 40)]
        elif one.thing is Thing.FILE:
            github.files[one.name] = b"word " * 300
        elif one.thing is Thing.PULL:
            github.pulls[int(one.name)] = pull(number=int(one.name))


def test_sweep_makes_no_query_for_each_issue(operation: Operation, github: FakeGitHub) -> None:
    repository = operation.repository
    run = make_run(operation=operation, state="working")
    found = []
    for _ in range(2):
        for _ in range(20):
            drifted(repository, github)
        with CaptureQueriesContext(connection) as queries:
            validation.sweep(run, github)
        found.append(len(queries))
    # Each issue that the list shows is read into our copy; that is synchronising, a few queries each.
    assert found[1] - found[0] <= 20 * 6


def test_splice_of_a_section_by_a_person_is_no_fault(operation: Operation, github: FakeGitHub) -> None:
    body = splice("", [("Discovery", "- **Source:** A\n- **Title:** B\n- **Address:** `c`")])
    github.mirror(make_issue(repository=operation.repository, body=f"{body}\n\n## Notes\n\nTODO: {{x}}\n"))
    validated(operation)
    assert open_checks() == []
