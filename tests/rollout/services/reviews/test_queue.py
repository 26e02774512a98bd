"""What a reviewer must not see yet."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from pipeline.clock import VirtualClock
from rollout.models import Adjudication, Review
from rollout.services.reviews import queue
from tests.rollout import factories as make
from tests.rollout.services.reviews.sheets import scored, seated, who

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(virtual_clock: VirtualClock) -> None:
    """Every claim begins at the virtual noon."""


def lead(name: str = "lea") -> User:
    person = make.make_person(name)
    person.user_permissions.add(Permission.objects.get(codename="adjudicate"))
    return person


def seen(user: User) -> set[int]:
    return set(queue.visible(user).values_list("pk", flat=True))


def test_other_seat_is_seen_only_after_the_own_submit() -> None:
    batch = make.make_batch()
    [first, second] = seated(make.make_person(), make.make_person(), batch=batch)
    [elsewhere] = seated(who(first), batch=batch)
    scored(first)

    assert seen(who(second)) == {second.pk}
    scored(second)
    assert seen(who(second)) == {first.pk, second.pk}
    assert seen(who(first)) == {first.pk, second.pk, elsewhere.pk}


def test_unsubmitted_other_seat_is_not_seen_after_the_own_submit() -> None:
    [first, _] = seated(make.make_person(), make.make_person())
    scored(first)

    assert seen(who(first)) == {first.pk}


def test_other_issues_of_an_open_batch_are_not_seen_and_of_a_done_one_are() -> None:
    batch = make.make_batch()
    [mine], [theirs] = seated(make.make_person(), batch=batch), seated(make.make_person(), batch=batch)
    scored(theirs)

    assert seen(who(mine)) == {mine.pk}
    scored(mine)
    assert seen(who(mine)) == {mine.pk, theirs.pk}


def test_lead_sees_all_but_the_issue_that_they_have_to_score() -> None:
    batch, lea = make.make_batch(), lead()
    [theirs], [first, own] = seated(make.make_person(), batch=batch), seated(make.make_person(), lea, batch=batch)
    scored(theirs)
    scored(first)

    assert seen(lea) == {theirs.pk, own.pk}
    scored(own)
    assert seen(lea) == {theirs.pk, first.pk, own.pk}


def test_lead_of_the_team_sees_no_mark_of_an_issue_whose_free_seat_they_may_take() -> None:
    lea, rita, batch = lead(), make.make_person(), make.make_batch(team=make.make_team())
    make.make_member(team=batch.team, user=lea)
    [first] = seated(rita, batch=batch)
    free = make.make_review(sample=first.sample, reviewer=None)
    scored(first)

    assert seen(lea) == set()
    assert first.pk in seen(lead("lu"))
    Review.objects.filter(pk=free.pk).update(reviewer=make.make_person())
    assert first.pk in seen(lea)


def test_disagreement_is_read_by_its_two_reviewers_and_the_lead() -> None:
    batch = make.make_batch()
    [first, second] = seated(make.make_person(), make.make_person(), batch=batch)
    [other] = seated(make.make_person(), batch=batch)
    scored(first)
    scored(second, "0", "4", "4", "4", "4")

    readers = [queue.visible_adjudications(user).count() for user in (who(first), lead(), who(other))]

    assert readers == [1, 1, 0]
    assert Adjudication.objects.count() == 1


def test_reviewers_queue_holds_nothing_of_others() -> None:
    [first, second] = seated(make.make_person(), make.make_person())

    assert list(queue.own(who(first))) == [first]
    assert Review.objects.filter(pk=second.pk).exists()
