"""Issue states: moves that the machine does not have, drift, contradictions; each names its issues."""

from __future__ import annotations

from pipeline.models import Issue, Repository
from tests.factories import make_finding, make_handover, make_issue, make_transition
from tests.rollout.evidence_rows import HOUR, START
from tests.rollout.metrics.conftest import Ask

LATER = START + HOUR


def test_moves_of_the_machine_are_no_violations(repository: Repository, ask: Ask) -> None:
    issue = make_issue(repository=repository, state="assigned")
    make_transition(issue=issue, after="discovery", at=LATER)
    make_transition(issue=issue, after="assigned", at=LATER)
    found = ask("state_machine_violations")
    assert (found.value, found.n) == (0.0, 2)


def test_move_that_the_machine_does_not_have_is_named(repository: Repository, ask: Ask) -> None:
    issue = make_issue(repository=repository, state="copilot")
    make_transition(issue=issue, after="discovery", at=LATER)
    wrong = make_transition(issue=issue, after="copilot", at=LATER)
    found = ask("state_machine_violations")
    assert (found.value, [row.id for row in found.rows]) == (1.0, [wrong.pk])
    assert found.parts["named"] == f"#{issue.number}"


def test_label_change_refused_by_the_machine_is_a_violation(repository: Repository, ask: Ask) -> None:
    issue = make_issue(repository=repository)
    make_finding(repository=repository, issue=issue, check_id="state.move", first_seen=LATER)
    assert ask("state_machine_violations").value == 1.0


def test_triage_label_past_triage_is_drift(repository: Repository, ask: Ask) -> None:
    good = make_issue(repository=repository, state="assigned")
    bad = make_issue(repository=repository, state="copilot", labels=["site-monitor", "Monitor::Triage"])
    make_issue(repository=repository, state="discovery")
    found = ask("triage_drift")
    assert (found.value, found.n, [row.id for row in found.rows]) == (1.0, 2, [bad.pk])
    assert good.pk not in {row.id for row in found.rows}


def test_triage_drift_knows_the_prefix(repository: Repository, ask: Ask) -> None:
    Repository.objects.filter(pk=repository.pk).update(label_prefix="acme-")
    make_issue(repository=repository, state="assigned", labels=["monitor::triage"])
    make_issue(repository=repository, state="assigned", labels=["acme-monitor::triage"])
    assert ask("triage_drift").value == 1.0


def test_copilot_without_handover_and_handover_without_copilot_are_drift(repository: Repository, ask: Ask) -> None:
    make_handover(issue=make_issue(repository=repository, state="copilot"))
    lonely = make_issue(repository=repository, state="copilot")
    behind = make_issue(repository=repository, state="assigned")
    make_handover(issue=behind)
    found = ask("assigned_copilot_drift")
    assert (found.value, {row.id for row in found.rows}) == (2.0, {lonely.pk, behind.pk})


def test_conflicting_states_are_named_until_resolved(repository: Repository, ask: Ask) -> None:
    issue = make_issue(repository=repository)
    make_finding(
        repository=repository, issue=issue, check_id="state.conflict", first_seen=LATER, resolved_at=LATER + 3 * HOUR
    )
    assert ask("conflicting_states", now=LATER + HOUR).parts["named"] == f"#{issue.number}"
    assert ask("conflicting_states", now=LATER + 4 * HOUR).value == 0.0


def test_no_conflict_means_nothing_before_the_repository_was_read(repository: Repository, ask: Ask) -> None:
    assert ask("conflicting_states", floor=START + 2 * HOUR).n == 0


def test_conflict_seen_before_the_floor_was_cleared(repository: Repository, ask: Ask) -> None:
    make_finding(repository=repository, issue=make_issue(repository=repository), check_id="state.conflict",
                 first_seen=LATER)  # fmt: skip
    assert ask("conflicting_states", floor=LATER + HOUR).value == 0.0


def test_merge_conflicts_of_handovers_are_corruption(repository: Repository, ask: Ask) -> None:
    issue = make_issue(repository=repository, state=Issue.State.COPILOT)
    make_handover(issue=issue, blocker="conflict", requested_at=LATER)
    make_finding(repository=repository, issue=issue, check_id="state.missing", first_seen=LATER)
    assert ask("data_corruption").value == 2.0


def test_no_conflict_is_as_old_as_the_last_look(repository: Repository, ask: Ask) -> None:
    for metric in ("conflicting_states", "data_corruption"):
        found = ask(metric)
        assert (found.value, found.newest) == (0.0, repository.synced_at)


def test_conflict_that_was_found_does_not_grow_old(repository: Repository, ask: Ask) -> None:
    make_finding(
        repository=repository, issue=make_issue(repository=repository), check_id="state.conflict", first_seen=LATER
    )
    for metric in ("conflicting_states", "data_corruption"):
        found = ask(metric)
        assert (found.value, found.newest) == (1.0, None)
