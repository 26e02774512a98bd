"""Claims: what comes next for whom, for how long, and what becomes of a late reviewer's work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue
from pipeline.services.operations import NotPossible
from rollout.models import Review, ReviewBatch, Sample, TeamMember
from rollout.services.reviews import claims, queue
from rollout.services.reviews.claims import TTL, Lost
from tests.factories import MOMENT
from tests.rollout import factories as make
from tests.rollout.services.reviews.sheets import SLUGS, scored, seated, sheet, who

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(virtual_clock: VirtualClock) -> None:
    """Every claim begins at the virtual noon."""


def pooled(*, members: int = 2, samples: int = 1) -> tuple[list[Review], list[User]]:
    """Seats that nobody has, and the people of the team on duty."""
    team = make.make_team(members=members)
    batch = make.make_batch(team=team)
    seats = [make.make_review(sample=make.make_sample(batch=batch), reviewer=None) for _ in range(samples)]
    return seats, [member.user for member in team.members.order_by("pk")]


def test_own_seat_that_is_due_first_comes_first() -> None:
    rita = make.make_person()
    [later] = seated(rita, batch=make.make_batch(due_at=MOMENT + timedelta(days=9)))
    [sooner] = seated(rita, batch=make.make_batch(due_at=MOMENT + timedelta(days=2)))

    assert [claims.start_next(rita).pk for _ in range(2)] == [sooner.pk, sooner.pk]
    scored(sooner)
    assert claims.start_next(rita).pk == later.pk


def test_claim_holds_two_hours_and_counts_an_epoch(virtual_clock: VirtualClock) -> None:
    rita = make.make_person()
    [seat] = seated(rita)

    claimed = claims.start_next(rita)

    assert (claimed.state, claimed.epoch) == ("claimed", seat.epoch + 1)
    assert claimed.claimed_until == virtual_clock.now() + TTL


def test_own_seats_come_before_the_pool_and_a_batch_keeps_to_itself() -> None:
    [free], [rita, _other] = pooled()
    [own] = seated(rita, batch=make.make_batch(due_at=MOMENT + timedelta(days=30)))

    assert [seat.pk for seat in queue.next_seats(rita, MOMENT)] == [own.pk, free.pk]
    assert claims.start_next(rita, free.sample.batch).pk == free.pk


def test_two_reviewers_take_different_seats_from_the_pool() -> None:
    seats, [rita, rolf] = pooled(samples=2)

    taken = [claims.start_next(person).pk for person in (rita, rolf)]

    assert taken == [seat.pk for seat in seats]


def test_nothing_left_is_a_sentence() -> None:
    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(make.make_person())


def test_stranger_to_the_team_takes_nothing_from_the_pool() -> None:
    pooled()
    stranger = make.make_member().user

    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(stranger)


def test_nobody_takes_both_seats_of_one_issue() -> None:
    [first], [rita, rolf] = pooled()
    second = make.make_review(sample=first.sample, reviewer=None)

    claims.start_next(rita)
    scored(claims.fetch(first.pk))

    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rita)
    assert claims.start_next(rolf).pk == second.pk


def test_load_cap_ends_the_pool() -> None:
    _seats, [rita] = pooled(members=1, samples=2)
    TeamMember.objects.update(load_cap=1)

    scored(claims.start_next(rita))

    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rita)


def test_calibration_seats_are_never_in_the_pool() -> None:
    [seat], [rita, _] = pooled()
    ReviewBatch.objects.update(is_calibration=True)

    assert list(queue.next_seats(rita, MOMENT)) == []
    assert Review.objects.get(pk=seat.pk).state == "open"


def test_lost_race_for_a_seat_takes_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seats, [rita, rolf] = pooled(samples=2)
    stale = list(queue.next_seats(rita, MOMENT))
    claims.start_next(rolf)  # after rita has looked, before she takes
    monkeypatch.setattr(queue, "next_seats", lambda *_: stale)

    assert claims.start_next(rita).pk == seats[1].pk
    assert Review.objects.get(pk=seats[0].pk).reviewer == rolf


def test_saving_renews_the_claim_and_keeps_the_draft(virtual_clock: VirtualClock) -> None:
    rita = make.make_person()
    seated(rita)
    claimed = claims.start_next(rita)
    virtual_clock.advance(timedelta(minutes=90))

    until = claims.save_draft(claimed.pk, rita, claimed.epoch, sheet("4", "3", "na", "4", "4"))

    assert until == virtual_clock.now() + TTL
    again = claims.start_next(rita)
    assert (again.epoch, again.claimed_until) == (claimed.epoch, until)
    assert claims.draft_of(again, rita, list(SLUGS)).ratings()["inputs"] is None


def test_late_reviewer_goes_on_when_nobody_took_the_seat(virtual_clock: VirtualClock) -> None:
    [_seat], [rita, _] = pooled()
    claimed = claims.start_next(rita)
    claims.save_draft(claimed.pk, rita, claimed.epoch, sheet())
    virtual_clock.advance(TTL * 3)

    claims.save_draft(claimed.pk, rita, claimed.epoch, sheet("2", "4", "4", "4", "4"))

    assert claims.draft_of(claims.fetch(claimed.pk), rita, list(SLUGS)).mark("persona").rating == "2"


def test_lapsed_claim_is_free_and_the_late_save_is_refused(virtual_clock: VirtualClock) -> None:
    [_seat], [rita, rolf] = pooled()
    late = claims.start_next(rita)
    claims.save_draft(late.pk, rita, late.epoch, sheet("1", "1", "1", "1", "1"))
    virtual_clock.advance(TTL + timedelta(seconds=1))

    taken = claims.start_next(rolf)

    assert (taken.pk, who(taken), taken.epoch) == (late.pk, rolf, late.epoch + 1)
    assert claims.draft_of(taken, rolf, list(SLUGS)).ratings() == {}
    with pytest.raises(Lost, match="somebody else has this issue now; copy what you typed"):
        claims.save_draft(late.pk, rita, late.epoch, sheet())


def test_claim_that_was_renewed_meanwhile_is_not_taken(
    virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (rita, rolf) = pooled()
    mine = claims.start_next(rita)
    virtual_clock.advance(TTL + timedelta(minutes=1))
    stale = list(queue.next_seats(rolf, MOMENT + TTL + timedelta(minutes=1)))
    claims.save_draft(mine.pk, rita, mine.epoch, sheet())  # after rolf has looked, before he takes
    monkeypatch.setattr(queue, "next_seats", lambda *_: stale)

    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rolf)
    row = Review.objects.get(pk=mine.pk)
    assert (row.reviewer, row.epoch) == (rita, mine.epoch)
    assert row.draft["by"] == rita.pk


def test_claim_that_runs_is_nobody_elses() -> None:
    _seats, [rita, rolf] = pooled()
    claims.start_next(rita)

    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rolf)


def test_own_lapsed_claim_comes_back_with_its_draft(virtual_clock: VirtualClock) -> None:
    rita = make.make_person()
    seated(rita)
    late = claims.start_next(rita)
    claims.save_draft(late.pk, rita, late.epoch, sheet("3", "4", "4", "4", "4"))
    virtual_clock.advance(TTL * 2)

    again = claims.start_next(rita)

    assert again.epoch == late.epoch + 1
    assert claims.draft_of(again, rita, list(SLUGS)).mark("persona").rating == "3"
    with pytest.raises(Lost, match="opened this issue again elsewhere"):
        claims.save_draft(late.pk, rita, late.epoch, sheet())


def test_released_seat_from_the_pool_is_free_and_an_assigned_one_stays() -> None:
    _seats, [rita, rolf] = pooled()
    [own] = seated(rita)
    mine = claims.start_next(rita)
    claims.release(mine.pk, rita, mine.epoch)
    assert (claims.fetch(own.pk).state, claims.fetch(own.pk).reviewer) == ("open", rita)

    free = claims.start_next(rita, _seats[0].sample.batch)
    claims.release(free.pk, rita, free.epoch)

    assert claims.start_next(rolf).pk == free.pk


def test_declined_seat_goes_to_somebody_else_with_a_reason_on_record() -> None:
    team = make.make_team(members=2)
    rita, rolf = (member.user for member in team.members.order_by("pk"))
    [seat] = seated(rita, batch=make.make_batch(team=team))

    claims.decline(seat.pk, rita, "I know the author.")

    left = claims.fetch(seat.pk)
    assert (left.reviewer, left.state, left.declined[0]["by"]) == (rolf, "open", rita.username)
    assert AuditEntry.objects.get(action="review.declined").reason == "I know the author."
    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rita)
    assert claims.start_next(rolf).pk == seat.pk


def test_seat_that_everybody_gave_back_waits_and_is_offered_to_neither() -> None:
    team = make.make_team(members=2)
    rita, rolf = (member.user for member in team.members.order_by("pk"))
    [seat] = seated(rita, batch=make.make_batch(team=team))

    for person in (rita, rolf):
        claims.decline(seat.pk, person, "I know the author.")

    assert claims.fetch(seat.pk).reviewer is None
    for person in (rita, rolf):
        with pytest.raises(NotPossible, match="Nothing is left"):
            claims.start_next(person)


def test_calibration_seat_is_not_declined() -> None:
    [seat] = seated(make.make_person(), batch=make.make_batch(is_calibration=True))

    with pytest.raises(NotPossible, match="skip it instead"):
        claims.decline(seat.pk, who(seat), "No time.")


def test_skipping_the_last_seat_finishes_the_batch() -> None:
    [seat] = seated(make.make_person())

    claims.skip(seat.pk, who(seat), "The guidance is gone.")

    skipped = claims.fetch(seat.pk)
    assert (skipped.state, skipped.skipped_reason) == ("skipped", "The guidance is gone.")
    assert (skipped.sample.batch.state, AuditEntry.objects.filter(action="review.skipped").count()) == ("done", 1)


@pytest.mark.parametrize("act", [claims.skip, claims.decline])
def test_giving_up_needs_a_reason_and_an_own_seat(act: Callable[[int, User, str], None]) -> None:
    [seat] = seated(make.make_person())

    with pytest.raises(NotPossible, match="needs a reason"):
        act(seat.pk, who(seat), "  ")
    with pytest.raises(Lost):
        act(seat.pk, make.make_person(), "I want to.")
    assert claims.fetch(seat.pk).state == "open"


def test_replaced_sample_is_neither_offered_nor_saved() -> None:
    rita = make.make_person()
    [_seat] = seated(rita)
    claimed = claims.start_next(rita)
    Sample.objects.update(replaced_at=MOMENT)

    with pytest.raises(Lost, match="was replaced"):
        claims.save_draft(claimed.pk, rita, claimed.epoch, sheet())
    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rita)


def test_another_persons_seat_is_not_claimed_by_its_address() -> None:
    [seat] = seated(make.make_person())

    with pytest.raises(Lost):
        claims.claim(seat.pk, make.make_person())
    assert claims.fetch(seat.pk).state == "open"


def test_nobody_takes_what_they_wrote() -> None:
    [seat], [rita, rolf] = pooled()
    Issue.objects.filter(pk=seat.sample.issue_id).update(author={"login": f"{rita.username}-gh", "kind": "User"})

    with pytest.raises(NotPossible, match="Nothing is left"):
        claims.start_next(rita)
    assert claims.start_next(rolf).pk == seat.pk
