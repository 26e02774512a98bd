"""Batches for the reviewers' pages: people with seats, hostile texts, and helpers of a form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from pipeline import clock
from pipeline.models import Repository
from rollout.models import Adjudication, Review, ReviewBatch, Sample, Score
from tests.factories import MOMENT, make_issue
from tests.recorded import recorded
from tests.rollout import factories as make

SLUGS = tuple(slug for slug, *_ in make.CRITERIA)
HOSTILE = (
    "<script>window.hacked=1</script> <img src=x onerror=window.hacked=1> [click](javascript:window.hacked=1) "
    "\u202egnp.exe\u202c " + "W" * 300
)


def reviewer(name: str, role: str = "reviewer") -> User:
    """Somebody of that role; needs `manage.py roles`."""
    person, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    person.groups.add(Group.objects.get(name=role))
    return person


def page(name: str, *arguments: object) -> str:
    return reverse(f"admin:rollout_{name}", args=arguments)


def open_batch(*reviewers: User, samples: int, text: str = "", **values: Any) -> ReviewBatch:
    """Each of `reviewers` has a seat at every one of `samples` issues; all of its texts are `text`, where given."""
    team = make.make_team(name="Site Monitoring")
    for person in reviewers:
        make.make_member(team=team, user=person)
    now = clock.now()
    batch = make.make_batch(team=team, drawn_at=now, due_at=now + timedelta(days=5), **values)
    texts = dict.fromkeys(("title", "discovery", "assessment", "guidance", "assignment"), text) if text else {}
    for _ in range(samples):
        sample = make.make_sample(batch=batch, is_double=len(reviewers) > 1, **texts)
        for person in reviewers:
            make.make_review(sample=sample, reviewer=person)
    return batch


def filled(review: Review, **changes: str) -> dict[str, str]:
    """What the form sends: all fours, two yes."""
    fields = {f"rating-{slug}": "4" for slug in SLUGS} | {"assignment_clear": "yes", "assessment_right": "yes"}
    epoch = str(Review.objects.get(pk=review.pk).epoch)
    return fields | {"epoch": epoch} | {name.replace("__", "-"): value for name, value in changes.items()}


def settled(repository: Repository) -> tuple[Review, Adjudication]:
    """A review of a batch that is done, with hostile words, and the disagreement that was settled in it."""
    now = clock.now()
    week = MOMENT.date() - timedelta(days=35)
    batch = make.make_batch(repository=repository, week=week, state=ReviewBatch.State.DONE, closed_at=now)
    sample = _hostile(batch)
    review = make.make_review(sample=sample, state=Review.State.SUBMITTED, weighted=0.5, met=False)
    other = make.make_review(sample=sample, state=Review.State.SUBMITTED, weighted=1.0, met=True)
    for criterion in batch.rubric.criteria.all():
        Score.objects.create(review=review, criterion=criterion, rating=2, comment=HOSTILE, tags=["template"])
        Score.objects.create(review=other, criterion=criterion, rating=4)
    dispute = make.make_adjudication(
        sample=sample, state=Adjudication.State.SETTLED, chosen=review, comment=HOSTILE, weighted=0.5, met=False
    )
    return review, dispute


def _hostile(batch: ReviewBatch) -> Sample:
    texts = dict.fromkeys(("title", "discovery", "assessment", "guidance", "assignment"), HOSTILE)
    return make.make_sample(batch=batch, issue=make_issue(repository=batch.repository), is_double=True, **texts)


@recorded
def roles() -> None:
    call_command("roles", verbosity=0)


def signed_in(name: str, role: str = "reviewer") -> Client:
    client = Client()
    client.force_login(reviewer(name, role))
    return client


def pair() -> list[Review]:
    batch = open_batch(reviewer("rita"), reviewer("rolf"), samples=1)
    return list(Review.objects.filter(sample__batch=batch).order_by("seat"))


def submit(client: Client, review: Review, **changes: str) -> None:
    client.post(page("review_queue"), {"review": review.pk})
    assert client.post(page("review_score", review.pk), filled(review, **changes)).status_code == 302
