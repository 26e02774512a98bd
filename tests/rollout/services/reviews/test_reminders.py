"""Three weeks of reminders on a virtual clock, with an outage: one message per person and day, and never a storm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from pipeline import clock
from pipeline.clock import VirtualClock
from rollout.models import Announcement, Review, ReviewBatch, ReviewReminder, ReviewTeam
from rollout.services.reviews import reminders
from tests.rollout import factories as make
from tests.rollout.services.reviews.drawing import NINE

pytestmark = pytest.mark.django_db
DUE = NINE + timedelta(days=7)
DAY = timedelta(days=1)
OUTAGE = range(9, 16)  # days after the draw


@pytest.fixture(autouse=True)
def at_nine() -> Iterator[VirtualClock]:
    virtual = VirtualClock(NINE)
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def team() -> ReviewTeam:
    return make.make_team(name="Site Monitoring")


def member(team: ReviewTeam, name: str, *, is_lead: bool = False, wants_reminders: bool = True) -> User:
    user = make.make_person(name)
    make.make_member(team=team, user=user, is_lead=is_lead, wants_reminders=wants_reminders)
    return user


def batch_for(team: ReviewTeam, *reviewers: User | None, due_at: datetime = DUE) -> ReviewBatch:
    batch = make.make_batch(team=team, drawn_at=NINE, due_at=due_at)
    for reviewer in reviewers:
        make.make_review(sample=make.make_sample(batch=batch), reviewer=reviewer)
    return batch


def days(virtual: VirtualClock, until: int, *, skip: range = range(0)) -> list[tuple[int, str, str]]:
    """Every six hours up to day `until`: (day after the draw, who, which kind), except while nothing runs."""
    for _ in range(int((NINE + until * DAY - virtual.now()) / timedelta(hours=6))):
        virtual.advance(timedelta(hours=6))
        if (virtual.now() - NINE).days not in skip:
            reminders.remind_due(virtual.now())
            reminders.remind_due(virtual.now())
    rows = ReviewReminder.objects.select_related("user").order_by("at", "user__username", "kind")
    return [((row.at - NINE).days, row.user.username, row.kind) for row in rows]


def test_reviewer_is_reminded_before_at_and_every_two_days_after_then_the_lead(
    team: ReviewTeam, at_nine: VirtualClock
) -> None:
    batch_for(team, member(team, "rita"))
    member(team, "lena", is_lead=True)

    assert days(at_nine, 15) == [
        (5, "rita", "before"),
        (7, "rita", "due"),
        (9, "rita", "overdue"),
        (11, "rita", "overdue"),
        (13, "lena", "lead"),
        (13, "rita", "overdue"),
        (15, "lena", "lead"),
        (15, "rita", "overdue"),
    ]
    told = Announcement.objects.get(
        channel="email", key__contains=f"remind:{User.objects.get(username='lena').pk}:2026-11-15"
    )
    assert (told.subject, told.recipients) == ("Reviews that stay undone", ["lena@example.org"])
    assert "reassign or close them" in told.body


def test_three_weeks_with_an_outage_bring_no_storm(team: ReviewTeam, at_nine: VirtualClock) -> None:
    rita, bo = member(team, "rita"), member(team, "bo", wants_reminders=False)
    member(team, "lena", is_lead=True)
    batch_for(team, rita, rita, bo)
    batch_for(team, rita, due_at=DUE + DAY)

    seen = days(at_nine, 21, skip=OUTAGE)

    per_day = {(day, who) for day, who, _ in seen}
    messages = Announcement.objects.filter(channel="email", key__startswith="reviews:remind:")
    assert messages.count() == len(per_day)
    assert not [day for day, _, _ in seen if day in OUTAGE]
    assert [(who, kind) for day, who, kind in seen if day == 16] == [
        ("lena", "lead"),
        ("rita", "overdue"),
        ("rita", "overdue"),
    ]
    assert {who for _, who, _ in seen} == {"lena", "rita"}


def test_two_batches_on_one_day_come_in_one_message(team: ReviewTeam, at_nine: VirtualClock) -> None:
    rita = member(team, "rita")
    batch_for(team, rita, rita)
    batch_for(team, rita)

    days(at_nine, 5)

    message = Announcement.objects.get(channel="email")
    assert message.subject == "Reviews due"
    assert message.body.count("still open; due Mon 09 Nov 09:00 UTC") == 2
    assert ReviewReminder.objects.count() == 2


def test_second_batch_of_a_day_waits_until_tomorrow(team: ReviewTeam, at_nine: VirtualClock) -> None:
    rita = member(team, "rita")
    batch_for(team, rita)
    batch_for(team, rita, due_at=DUE + timedelta(hours=6))

    assert days(at_nine, 6) == [(5, "rita", "before"), (5, "rita", "before")]
    first, second = ReviewReminder.objects.order_by("at")
    assert (first.day, second.day) == (first.at.date(), first.day + DAY)


def test_lead_is_reminded_of_own_reviews_whatever_they_wish(team: ReviewTeam, at_nine: VirtualClock) -> None:
    batch_for(team, member(team, "lena", is_lead=True, wants_reminders=False))

    assert days(at_nine, 7) == [(5, "lena", "before"), (7, "lena", "due")]


def test_person_who_is_away_is_not_reminded(team: ReviewTeam, at_nine: VirtualClock) -> None:
    rita = member(team, "rita")
    batch_for(team, rita)
    make.make_absence(user=rita, first_day=NINE.date(), last_day=(NINE + 8 * DAY).date())

    assert days(at_nine, 9) == [(8, "rita", "due")]  # in the night in which she is back


def test_seat_that_nobody_has_goes_to_the_lead(team: ReviewTeam, at_nine: VirtualClock) -> None:
    batch_for(team, None)
    member(team, "lena", is_lead=True)

    assert days(at_nine, 13) == [(13, "lena", "lead")]


def test_disagreement_that_nobody_settles_goes_to_the_lead(team: ReviewTeam, at_nine: VirtualClock) -> None:
    batch = batch_for(team, member(team, "rita"), member(team, "ron"))
    Review.objects.filter(sample__batch=batch).update(state="submitted", submitted_at=NINE)
    make.make_adjudication(sample=batch.samples.all()[0])
    member(team, "lena", is_lead=True)

    assert days(at_nine, 13) == [(13, "lena", "lead")]
    assert (
        "1 disagreement waits to be settled." in Announcement.objects.filter(key__contains="remind").latest("pk").body
    )


def test_nobody_is_reminded_of_what_is_done(team: ReviewTeam, at_nine: VirtualClock) -> None:
    rita = member(team, "rita")
    done = batch_for(team, rita)
    ReviewBatch.objects.filter(pk=done.pk).update(state="done")
    submitted = batch_for(team, rita)
    Review.objects.filter(sample__batch=submitted).update(state="submitted", submitted_at=NINE)
    replaced = batch_for(team, rita)
    replaced.samples.update(replaced_at=NINE)

    assert days(at_nine, 10) == []


def test_who_submits_is_not_reminded_again(team: ReviewTeam, at_nine: VirtualClock) -> None:
    batch = batch_for(team, member(team, "rita"))
    days(at_nine, 8)
    Review.objects.filter(sample__batch=batch).update(state="submitted", submitted_at=clock.now())

    assert [kind for _, _, kind in days(at_nine, 20)] == ["before", "due"]


def test_reminder_without_an_address_goes_to_slack_alone(team: ReviewTeam, at_nine: VirtualClock) -> None:
    user = member(team, "rita")
    User.objects.filter(pk=user.pk).update(email="")
    batch_for(team, user)

    days(at_nine, 5)

    assert [row.channel for row in Announcement.objects.all()] == ["slack"]
