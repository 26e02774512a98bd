"""Two reviewers at once, for real: threads with connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services.operations import NotPossible
from rollout.models import Adjudication, Review, ReviewBatch, Score
from rollout.services.reviews import claims, scoring
from tests.rollout import factories as make
from tests.rollout.services.reviews.sheets import seated, sheet, who

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(people: list[User], act: Callable[[User], None]) -> None:
    ready = Barrier(len(people))

    def work(person: User) -> None:
        try:
            ready.wait()
            act(person)
        except OperationalError:
            act(person)  # SQLite was busy; a person tries again
        finally:
            connection.close()

    threads = [Thread(target=work, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_reviewers_never_hold_one_seat(virtual_clock: VirtualClock) -> None:
    team = make.make_team(members=2)
    batch = make.make_batch(team=team)
    seats = [make.make_review(sample=make.make_sample(batch=batch), reviewer=None).pk for _ in range(8)]
    taken: list[tuple[str, int]] = []

    def empty_the_pool(person: User) -> None:
        while True:
            try:
                mine = claims.start_next(person)
            except NotPossible:
                return
            taken.append((person.username, mine.pk))
            scoring.submit(mine.pk, person, mine.epoch, sheet())

    at_once([member.user for member in team.members.all()], empty_the_pool)

    assert sorted(pk for _, pk in taken) == seats
    assert set(Review.objects.values_list("epoch", "state")) == {(1, "submitted")}
    assert (Score.objects.count(), ReviewBatch.objects.get().state) == (40, "done")


def test_two_submits_at_once_see_each_other(virtual_clock: VirtualClock) -> None:
    seats = seated(make.make_person("rita"), make.make_person("rolf"))
    mine = {who(seat).username: claims.claim(seat.pk, who(seat)) for seat in seats}

    def submit(person: User) -> None:
        first = "4" if person.username == "rita" else "0"
        scoring.submit(mine[person.username].pk, person, mine[person.username].epoch, sheet(first, "4", "4", "4", "4"))

    at_once([who(seat) for seat in seats], submit)

    assert Adjudication.objects.filter(state="open").count() == 1
    assert ReviewBatch.objects.get().state == "open"
    assert AuditEntry.objects.filter(action="review.submitted").count() == 2
