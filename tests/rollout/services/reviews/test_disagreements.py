"""A third person settles a disagreement, once, and the originals stay."""

from __future__ import annotations

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue, Kind
from pipeline.services.operations import NotPossible
from rollout.models import Adjudication, Announcement, Review, ReviewBatch, Score
from rollout.services.reviews import disagreements
from tests.factories import make_item, make_run
from tests.rollout import factories as make
from tests.rollout.services.reviews.sheets import SLUGS, scored, seated, who

pytestmark = pytest.mark.django_db


@pytest.fixture
def dispute(virtual_clock: VirtualClock) -> Adjudication:
    [first, second] = seated(make.make_person("rita"), make.make_person("rolf"))
    scored(first)
    scored(second, "1", "4", "4", "4", "4")
    return Adjudication.objects.get()


def marks() -> list[tuple[int, int | None]]:
    return list(Score.objects.values_list("review", "rating").order_by("pk"))


def test_choosing_one_review_takes_its_figures_and_closes_the_batch(dispute: Adjudication) -> None:
    before, chosen = marks(), dispute.sample.reviews.get(seat=2)

    disagreements.choose(dispute, make.make_person("lea"), chosen, "The persona is the wrong one.")

    dispute.refresh_from_db()
    assert (dispute.state, dispute.adjudicator, dispute.chosen) == ("settled", "lea", chosen)
    assert (dispute.ratings["persona"], dispute.weighted, dispute.met) == (1, chosen.weighted, False)
    assert marks() == before
    assert ReviewBatch.objects.get().state == "done"
    assert AuditEntry.objects.get(action="disagreement.settled").after == {}


def test_scoring_anew_needs_every_criterion(dispute: Adjudication) -> None:
    lea = make.make_person("lea")
    with pytest.raises(NotPossible, match="missing: Input completeness"):
        disagreements.rescore(dispute, lea, {slug: 4 for slug in SLUGS if slug != "inputs"}, "In between.")

    disagreements.rescore(dispute, lea, {**dict.fromkeys(SLUGS, 4), "persona": None}, "In between.")

    dispute.refresh_from_db()
    assert (dispute.chosen, dispute.weighted, dispute.met) == (None, 1.0, True)
    assert dispute.ratings["persona"] is None


@pytest.mark.parametrize("name", ["rita", "rolf"])
def test_neither_of_the_two_settles_it(dispute: Adjudication, name: str) -> None:
    review = dispute.sample.reviews.get(reviewer__username=name)

    with pytest.raises(NotPossible, match="somebody else settles"):
        disagreements.choose(dispute, who(review), review, "Mine is right.")
    assert Adjudication.objects.get().state == "open"


@pytest.mark.parametrize("login", ["lea", "lea-gh"])
def test_author_of_the_issue_does_not_settle_it(dispute: Adjudication, login: str) -> None:
    lea = make.make_member(user=make.make_person("lea"), github_login="LEA-gh", active=False).user
    Issue.objects.update(author={"login": login, "id": 1, "kind": "User"})

    with pytest.raises(NotPossible, match="Somebody else settles this, because lea wrote the issue"):
        disagreements.rescore(dispute, lea, dict.fromkeys(SLUGS, 4), "Mine is fine.")
    assert Adjudication.objects.get().state == "open"


def test_who_triaged_the_issue_does_not_settle_it(dispute: Adjudication) -> None:
    run = make_run(kind=Kind.TRIAGE, repository=dispute.sample.batch.repository, mode="live", requested_by="lea")
    make_item(run=run, issue=dispute.sample.issue, live=True, state="done")

    assert disagreements.why_not(dispute, make.make_person("lea")) == (
        "Somebody else settles this, because lea triaged the issue."
    )


def test_settled_stays_settled(dispute: Adjudication) -> None:
    lea, review = make.make_person("lea"), dispute.sample.reviews.get(seat=1)
    disagreements.choose(dispute, lea, review, "The first is right.")

    with pytest.raises(NotPossible, match="settled by lea; that stands"):
        disagreements.rescore(dispute, make.make_person(), dict.fromkeys(SLUGS, 0), "No.")
    assert AuditEntry.objects.filter(action="disagreement.settled").count() == 1


def test_settling_needs_a_comment_and_a_review_of_this_issue(dispute: Adjudication) -> None:
    lea, review = make.make_person("lea"), dispute.sample.reviews.get(seat=1)
    stranger = make.make_review(state=Review.State.SUBMITTED)

    for nothing in (" ", "\0", " \0 "):
        with pytest.raises(NotPossible, match="in one sentence why"):
            disagreements.choose(dispute, lea, review, nothing)
    with pytest.raises(NotPossible, match="one of the two reviews"):
        disagreements.choose(dispute, lea, stranger, "This one.")


def test_leads_are_told_of_a_disagreement_once_and_of_no_mark(dispute: Adjudication) -> None:
    disagreements.open_if_needed(dispute.sample)

    told = Announcement.objects.get(channel="slack")
    assert told.subject == f"Two reviewers disagree: #{dispute.sample.issue.number}"
    assert dispute.reason not in told.body


def test_looking_again_opens_no_second_one(dispute: Adjudication) -> None:
    assert disagreements.open_if_needed(dispute.sample) == dispute
    assert Adjudication.objects.count() == 1
