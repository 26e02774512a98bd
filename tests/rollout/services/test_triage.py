"""Choices for issues between two states: proposed, chosen by people, carried out in bulk as one run of effects."""

from __future__ import annotations

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue, Run
from pipeline.services.operations import NotPossible
from rollout.models import Rollback, Rollout
from rollout.services import triage
from tests.factories import make_handover, make_item, make_transition
from tests.fake_github import FakeGitHub
from tests.rollout.services.rolling_back import live_run, make_rollout, rolled_back, waiting, workers


@pytest.fixture
def rollout(github: FakeGitHub) -> Rollout:
    return make_rollout()


def listed(rollout: Rollout) -> Rollback:
    rollback = rolled_back(rollout)
    triage.list_issues(rollback)
    return rollback


def ids(rollback: Rollback) -> list[int]:
    return list(rollback.triage.values_list("pk", flat=True))


def test_issue_assigned_by_a_rolled_back_run_is_proposed_for_triage(rollout: Rollout, github: FakeGitHub) -> None:
    issue = waiting(rollout, github, "assigned")
    item = make_item(run=live_run(rollout, "assign"), issue=issue, state="done")
    make_transition(issue=issue, run_item=item)
    row = listed(rollout).triage.get()
    assert (row.proposal, row.state) == ("triage", "assigned")


def test_listing_twice_keeps_what_people_chose(rollout: Rollout, github: FakeGitHub) -> None:
    waiting(rollout, github, "assigned")
    rollback = listed(rollout)
    triage.choose(rollback, ids(rollback), "complete", by="olga")
    assert triage.list_issues(rollback) == 1
    assert rollback.triage.get().chosen == "complete"


def test_choices_are_carried_out_in_bulk(rollout: Rollout, github: FakeGitHub) -> None:
    back, done, left = (waiting(rollout, github, state) for state in ("assigned", "copilot", "assigned"))
    make_handover(issue=done)
    rollback = listed(rollout)
    for issue, choice in ((back, "triage"), (done, "complete"), (left, "leave")):
        triage.choose(rollback, [rollback.triage.get(issue=issue).pk], choice, by="olga")
    run = triage.apply(rollback, by="olga", reason="After the rollback.")
    workers()
    run.refresh_from_db()
    assert (run.state, run.limit) == ("succeeded", 2)
    states = dict(Issue.objects.values_list("pk", "state"))
    assert [states[row.pk] for row in (back, done, left)] == ["discovery", "done", "assigned"]
    assert rollback.triage.filter(applied_run=run).count() == 2


def test_shown_plan_writes_nothing_and_leaves_the_choices_open(rollout: Rollout, github: FakeGitHub) -> None:
    waiting(rollout, github, "assigned")
    rollback = listed(rollout)
    triage.choose(rollback, ids(rollback), "triage", by="olga")
    shown = triage.apply(rollback, by="olga", reason="Show me.", dry_run=True)
    workers()
    assert (Run.objects.get(pk=shown.pk).mode, github.writes) == ("dry_run", [])
    assert shown.items.get().effects.filter(diff__contains="monitor::triage").exists()
    assert triage.apply(rollback, by="olga", reason="Now.").mode == "live"


def test_proposals_are_accepted_where_nobody_chose_otherwise(rollout: Rollout, github: FakeGitHub) -> None:
    first, second = (waiting(rollout, github, "assigned") for _issue in range(2))
    rollback = listed(rollout)
    triage.choose(rollback, [rollback.triage.get(issue=first).pk], "triage", by="olga")
    assert triage.accept_proposals(rollback, by="olga") == 1
    assert rollback.triage.get(issue=first).chosen == "triage"
    assert rollback.triage.get(issue=second).chosen == "leave"


def test_choice_that_was_not_carried_out_can_be_applied_again(rollout: Rollout, github: FakeGitHub) -> None:
    issue = waiting(rollout, github, "assigned", locked=True)
    rollback = listed(rollout)
    triage.choose(rollback, ids(rollback), "triage", by="olga")
    triage.apply(rollback, by="olga", reason="Back.")
    workers()
    github.edit(issue.number, locked=False)
    assert triage.try_again(rollback, by="olga") == 1
    triage.apply(rollback, by="olga", reason="Again.")
    workers()
    issue.refresh_from_db()
    assert issue.state == "discovery"
    with pytest.raises(NotPossible, match="nothing to free"):
        triage.try_again(rollback, by="olga")


def test_what_was_carried_out_is_not_chosen_anew(rollout: Rollout, github: FakeGitHub) -> None:
    waiting(rollout, github, "assigned")
    rollback = listed(rollout)
    triage.choose(rollback, ids(rollback), "triage", by="olga")
    triage.apply(rollback, by="olga", reason="Back.")
    assert triage.choose(rollback, ids(rollback), "leave", by="olga") == 0
    with pytest.raises(NotPossible, match="No choice is left"):
        triage.apply(rollback, by="olga", reason="Once more.")


def test_choices_have_an_author_in_the_log(rollout: Rollout, github: FakeGitHub, time: VirtualClock) -> None:
    issue = waiting(rollout, github, "assigned")
    rollback = listed(rollout)
    triage.choose(rollback, ids(rollback), "triage", by="rosa")
    entry = AuditEntry.objects.get(action="triage.chosen")
    assert (entry.actor, entry.reason) == ("rosa", f"triage: #{issue.number}")


def test_unknown_choice_is_refused(rollout: Rollout) -> None:
    with pytest.raises(NotPossible, match="no choice 'burn'"):
        triage.choose(listed(rollout), [1], "burn", by="olga")
