"""Seats and samples: given, reassigned, passed on, closed and replaced, each with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue, Repository
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import sampling
from rollout.models import Announcement, Review, ReviewBatch, ReviewTeam, Sample
from rollout.services.reviews import batches, claims, rubrics, seats
from tests.factories import make_issue, make_repository
from tests.rollout import factories as make
from tests.rollout.services.reviews.drawing import LAST_WEEK, NINE, many

pytestmark = pytest.mark.django_db
WHY: dict[str, Any] = {"by": "lea", "reason": "She knows the harbour."}
Drawn = tuple[ReviewBatch, ReviewTeam]


@pytest.fixture(autouse=True)
def at_nine() -> Iterator[VirtualClock]:
    virtual = VirtualClock(NINE)
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def repository() -> Repository:
    rubrics.ship()
    return make_repository()


def team_of(*names: str, **values: Any) -> ReviewTeam:
    team = make.make_team(name="Site Monitoring")
    for name in names:
        make.make_member(team=team, user=make.make_person(name), **values)
    return team


def batch_of(repository: Repository, issues: int = 10, size: int | None = None) -> ReviewBatch:
    many(repository, issues)
    return batches.draw(repository, LAST_WEEK, size=size, by="lea", reason="As every week.")


def seat_of(batch: ReviewBatch, number: int = 1) -> Review:
    found = Review.objects.filter(sample__batch=batch, seat=number, sample__replaced_at=None).first()
    assert found is not None
    return found


def test_seats_are_shared_by_load_and_never_twice_at_one_issue(repository: Repository) -> None:
    team_of("ana", "bo", "cy")

    batch = batch_of(repository)

    rows = Review.objects.filter(sample__batch=batch)
    loads = [rows.filter(reviewer__username=name).count() for name in ("ana", "bo", "cy")]
    assert (sum(loads), max(loads) - min(loads)) == (13, 1)
    pairs = list(rows.values_list("sample", "reviewer"))
    assert len(pairs) == len(set(pairs))


def test_cap_leaves_seats_open_and_the_lead_is_told(repository: Repository) -> None:
    team_of("ana", load_cap=2, is_lead=True)

    batch = batch_of(repository, issues=3)

    free = Review.objects.filter(sample__batch=batch, reviewer=None)
    assert free.count() == 2
    assert "ana has 2 of 2 reviews" in " ".join(row.assigned_reason for row in free)
    assert "Nobody has seat" in Announcement.objects.get(channel="email").body


def test_without_any_team_the_batch_is_there_and_says_why(repository: Repository) -> None:
    batch = batch_of(repository, issues=2)

    assert (batch.team, batch.state) == (None, "open")
    assert seat_of(batch).assigned_reason.startswith("There is no active review team")


def test_reassigned_seat_changes_hands_and_loses_its_claim(repository: Repository) -> None:
    team = team_of("ana")
    batch = batch_of(repository, issues=1)
    cy = make.make_member(team=team, user=make.make_person("cy")).user
    seat = claims.claim(seat_of(batch).pk, team.members.get(user__username="ana").user)

    after = seats.reassign(seat.pk, cy, **WHY)

    assert (after.reviewer, after.state, after.claimed_until, after.draft) == (cy, "open", None, {})
    assert after.epoch > seat.epoch
    assert after.assigned_reason == "Reassigned by lea: She knows the harbour."
    assert AuditEntry.objects.get(action="review.reassigned").before == {"reviewer": "ana"}


def test_reassigning_respects_whose_work_it_is(repository: Repository) -> None:
    team = team_of("ana", "bo")
    batch = batch_of(repository, issues=2)
    seat = Review.objects.filter(sample__batch=batch, sample__is_double=True, seat=1).get()
    other = Review.objects.get(sample=seat.sample, seat=2)
    author = make.make_member(team=team, user=make.make_person("cy"), github_login="cy-gh").user
    seat.sample.issue.__class__.objects.update(author={"login": "cy-gh", "id": 1, "kind": "User"})
    assert seat.reviewer is not None
    assert other.reviewer is not None

    for to, said in (
        (author, "wrote the issue"),
        (other.reviewer, "scores this issue already"),
        (make.make_person("zoe"), "is in no review team"),
        (make.make_member(team=team, may_score=False).user, "has no permission to score samples"),
        (seat.reviewer, "has this review already"),
    ):
        with pytest.raises(NotPossible, match=said):
            seats.reassign(seat.pk, to, **WHY)
    with pytest.raises(NotPossible, match="needs a reason"):
        seats.reassign(seat.pk, author, by="lea", reason="")

    seat.refresh_from_db()
    assert seat.epoch == 0


def test_submitted_review_stays_with_who_made_it(repository: Repository) -> None:
    team = team_of("ana", "bo")
    seat = seat_of(batch_of(repository, issues=1))
    Review.objects.filter(pk=seat.pk).update(state="submitted", submitted_at=NINE)
    bo = team.members.get(user__username="bo").user

    with pytest.raises(NotPossible, match="is submitted and stays"):
        seats.reassign(seat.pk, bo, **WHY)


def test_declined_review_goes_to_the_next_and_never_back(repository: Repository) -> None:
    team_of("ana", "bo", is_lead=True)
    seat = seat_of(batch_of(repository, issues=1))
    first = seat.reviewer
    assert first is not None

    claims.decline(seat.pk, first, "I know the author.")

    seat.refresh_from_db()
    second = seat.reviewer
    assert second is not None
    assert second != first
    assert seat.assigned_reason == "0 reviews in this week before it, the fewest of the 1 who may."

    claims.decline(seat.pk, second, "No time.")
    seat.refresh_from_db()
    assert seat.reviewer is None
    assert seat.assigned_reason == "Nobody can take it: ana gave it back; bo gave it back."
    assert Announcement.objects.filter(subject__startswith="A review that nobody can take").exists()


def test_closing_the_last_seat_ends_the_batch(repository: Repository) -> None:
    team_of("ana")
    batch = batch_of(repository, issues=1)

    with pytest.raises(NotPossible, match="needs a reason"):
        seats.close_seat(seat_of(batch).pk, by="lea", reason=" ")
    seats.close_seat(seat_of(batch).pk, by="lea", reason="Nobody is left.")

    batch.refresh_from_db()
    row = Review.objects.get(sample__batch=batch)
    assert (row.state, row.skipped_reason) == ("skipped", "Closed by lea: Nobody is left.")
    assert batch.state == "done"


def test_replaced_issue_gives_its_place_to_the_next_by_rank(repository: Repository) -> None:
    team_of("ana", "bo", "cy")
    batch = batch_of(repository, issues=12)
    old = batch.samples.filter(is_double=True)[0]

    came = seats.replace(old.pk, by="lea", reason="It names a person.")

    assert came is not None
    old.refresh_from_db()
    assert (old.replaced_at, old.replaced_reason) == (NINE, "It names a person.")
    assert (came.position, came.is_double, came.reviews.count()) == (11, True, 2)
    batch.refresh_from_db()
    assert batch.excluded[-1]["came"] == came.issue.number
    assert batches.verify(batch).faults == ()
    assert AuditEntry.objects.get(action="sample.replaced").reason == "It names a person."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"presence": "deleted"}, "The issue is deleted on GitHub."),
        ({"locked": True}, "The issue is locked on GitHub."),
        ({"is_open": False, "state_reason": "not_planned"}, "It is closed as not planned."),
        ({"body": "Nothing of ours."}, "No ## Specialist Guidance stands in its body now."),
        ({"body": "## Specialist Guidance\n\nOther words."}, "Its guidance was changed after the draw."),
    ],
)
def test_replacement_passes_over_what_cannot_be_reviewed_any_more(
    repository: Repository, change: dict[str, Any], said: str
) -> None:
    team_of("ana", "bo")
    batch = batch_of(repository, issues=12)
    old = batch.samples.all()[0]
    drawn = batch.samples.values_list("issue__number", flat=True)
    entry = sampling.instead(sampling.from_stored(batch.frame), batch.seed, list(drawn), old.workflow)
    assert entry is not None
    Issue.objects.filter(repository=repository, number=entry.number).update(**change)

    came = seats.replace(old.pk, by="lea", reason="It names a person.")

    assert came is not None
    assert came.issue.number != entry.number
    batch.refresh_from_db()
    passed, noted = batch.excluded[-2:]
    assert passed["number"] == entry.number
    assert passed["reason"].startswith(f"Passed over in place of #{old.issue.number}: {said}")
    assert (noted["came"], noted["passed"]) == (came.issue.number, [entry.number])
    assert batches.verify(batch).faults == ()


def test_place_stays_empty_when_nothing_that_is_left_can_be_reviewed(repository: Repository) -> None:
    team_of("ana", "bo")
    batch = batch_of(repository, issues=12)
    drawn = batch.samples.values_list("issue", flat=True)
    Issue.objects.exclude(pk__in=list(drawn)).update(locked=True)

    assert seats.replace(batch.samples.all()[0].pk, by="lea", reason="It is a test.") is None

    batch.refresh_from_db()
    assert len(batch.excluded[-1]["passed"]) == 2
    assert batches.verify(batch).faults == ()


def test_excluded_issue_leaves_a_smaller_sample(repository: Repository) -> None:
    team_of("ana", "bo")
    batch = batch_of(repository, issues=12)

    came = seats.replace(batch.samples.all()[0].pk, by="lea", reason="It is a test.", refill=False)

    assert came is None
    batch.refresh_from_db()
    assert batch.samples.filter(replaced_at=None).count() == 9
    assert batches.verify(batch).faults == ()


def test_scored_issue_cannot_be_taken_out(repository: Repository) -> None:
    team_of("ana")
    batch = batch_of(repository, issues=2)
    seat = seat_of(batch)
    Review.objects.filter(pk=seat.pk).update(state="submitted", submitted_at=NINE)

    with pytest.raises(NotPossible, match="a scored issue stays in the figures"):
        seats.replace(seat.sample_id, by="lea", reason="The score is bad.")

    assert not Sample.objects.filter(replaced_at__isnull=False).exists()


def test_sample_whose_every_issue_went_is_empty(repository: Repository) -> None:
    team_of("ana")
    batch = batch_of(repository, issues=1)
    only = batch.samples.get()

    seats.replace(only.pk, by="lea", reason="It is a test.")

    batch.refresh_from_db()
    assert (batch.state, "Every issue of the sample was taken out" in batch.note) == ("empty", True)
    with pytest.raises(NotPossible, match="nothing is replaced"):
        seats.replace(only.pk, by="lea", reason="Again.")


def test_taking_out_what_was_left_to_score_ends_the_batch(repository: Repository, at_nine: VirtualClock) -> None:
    team_of("ana")
    batch = batch_of(repository, issues=2, size=2)
    Review.objects.filter(sample__batch=batch, seat=2).update(state="skipped")
    done, left = batch.samples.all()
    Review.objects.filter(sample=done, seat=1).update(state="submitted", submitted_at=NINE)
    at_nine.advance(timedelta(hours=1))

    seats.replace(left.pk, by="lea", reason="It is a test.")

    batch.refresh_from_db()
    assert batch.state == "done"


def test_calibration_round_is_never_refilled(repository: Repository) -> None:
    batch = make.make_batch(is_calibration=True, repository=repository)
    first = make.make_sample(batch=batch, issue=make_issue(repository=repository))
    make.make_sample(batch=batch, issue=make_issue(repository=repository))

    assert seats.replace(first.pk, by="lea", reason="Too easy.") is None
