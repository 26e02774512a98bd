"""A manual review has an owner, is told once, and is settled by a person with a note."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue, Repository, Run
from pipeline.services.operations import NotPossible
from rollout.models import Announcement, ManualReview, RoleHolder
from rollout.services.escalation import escalate, reviews
from rollout.services.escalation.owners import NOBODY
from tests.fake_github import FakeGitHub
from tests.rollout.factories import make_person, make_rollout
from tests.rollout.services.escalation.late import DAY, DUE, handed_over, settle_at, work


@pytest.fixture
def review(repository: Repository, github: FakeGitHub, time: VirtualClock) -> ManualReview:
    RoleHolder.objects.create(
        rollout=make_rollout(repository=repository), role="rollout-lead", user=make_person("lena")
    )
    handed_over(repository, github)
    settle_at(time, DUE + 15 * DAY)
    work(time)
    return ManualReview.objects.get()


def test_review_belongs_to_the_holder_of_the_role_and_is_told_once(review: ManualReview, time: VirtualClock) -> None:
    assert (review.owner, review.due_at) == ("lena", time.now() + 3 * DAY)
    escalate.look(time.now())
    told = Announcement.objects.filter(key__startswith="manual-review:", channel="email")
    assert [row.recipients for row in told] == [["lena@example.org"]]


@pytest.mark.parametrize(
    ("who", "owner"), [("backup", "berta"), ("group", "gero"), ("administrator", "ada"), ("", NOBODY)]
)
def test_review_never_is_without_an_owner(
    repository: Repository, github: FakeGitHub, time: VirtualClock, who: str, owner: str
) -> None:
    if who:
        person = make_person(owner, is_superuser=who == "administrator")
    if who == "backup":
        rollout = make_rollout(repository=repository)
        RoleHolder.objects.create(rollout=rollout, role="rollout_lead", user=person, backup=True)
        gone = make_person("gone", is_active=False)
        RoleHolder.objects.create(rollout=rollout, role="rollout-lead", user=gone)
    if who == "group":
        person.groups.add(Group.objects.create(name="rollout lead"))
    handed_over(repository, github)
    settle_at(time, DUE + 15 * DAY)
    assert ManualReview.objects.get().owner == owner


def test_person_takes_a_review_over(review: ManualReview) -> None:
    reviews.take_over(review, by="olga", reason="I know the topic.")
    assert review.owner == "olga"
    assert AuditEntry.objects.latest("sequence").before == {"owner": "lena"}
    with pytest.raises(NotPossible, match="owns this review already"):
        reviews.take_over(review, by="Olga", reason="Again.")


@pytest.mark.parametrize(("decision", "state"), [("close", "done"), ("hand_over_again", "assigned")])
def test_decision_is_carried_out_on_the_issue(
    review: ManualReview, time: VirtualClock, decision: str, state: str
) -> None:
    run = reviews.settle(review, decision, by="lena", note="So be it.")
    assert (review.state, review.decision, review.settled_by) == ("done", f"{decision}: So be it.", "lena")
    work(time)
    assert run is not None
    assert Issue.objects.get().state == state


def test_issue_may_be_left_as_it_is(review: ManualReview) -> None:
    before = Run.objects.count()
    assert reviews.settle(review, "leave", by="lena", note="It is nearly there.") is None
    assert (Run.objects.count(), ManualReview.objects.get().state) == (before, "done")


def test_review_is_settled_once_by_a_person_with_a_note(review: ManualReview) -> None:
    with pytest.raises(NotPossible, match="no decision"):
        reviews.settle(review, "burn", by="lena", note="So.")
    with pytest.raises(NotPossible, match="for a person"):
        reviews.settle(review, "leave", by="rule:x", note="So.")
    with pytest.raises(NotPossible, match="needs a reason"):
        reviews.settle(review, "leave", by="lena", note=" ")
    other = ManualReview.objects.get()
    reviews.settle(review, "leave", by="lena", note="So.")
    with pytest.raises(NotPossible, match="look again"):
        reviews.settle(other, "close", by="olga", note="No.")
    assert ManualReview.objects.get().decision == "leave: So."


def test_decision_that_cannot_be_carried_out_settles_nothing(review: ManualReview) -> None:
    Repository.objects.update(standing="paused")
    with pytest.raises(NotPossible, match="is paused"):
        reviews.settle(ManualReview.objects.get(), "close", by="lena", note="So.")
    assert ManualReview.objects.get().state == "open"
