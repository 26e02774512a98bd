"""The week's batch: drawn once, by rule or by a lead; stored whole; verifiable; honest when small or empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Issue, Repository
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import sampling, verifying
from rollout.models import Announcement, Review, ReviewBatch, ReviewTeam, Sample
from rollout.services.plans import shipped_text
from rollout.services.reviews import batches, rubrics, seats, teams
from tests.factories import MOMENT, make_repository, make_workflow
from tests.rollout.factories import make_member, make_person, make_plan, make_rollout, make_team
from tests.rollout.services.reviews.drawing import IN_LAST_WEEK, LAST_WEEK, NINE, many, processed

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
BY_HAND: dict[str, Any] = {"by": "lea", "reason": "The review meeting is today."}


@pytest.fixture(autouse=True)
def at_nine() -> Iterator[VirtualClock]:
    virtual = VirtualClock(NINE)
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def repository() -> Repository:
    rubrics.ship()
    return make_repository()


@pytest.fixture
def team() -> ReviewTeam:
    return make_team(members=3, name="Site Monitoring")


def drawn(repository: Repository) -> ReviewBatch:
    return batches.draw(repository, LAST_WEEK, **BY_HAND)


def test_ten_are_drawn_three_of_them_for_two_people(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 14)

    batch = drawn(repository)

    assert (batch.samples.count(), batch.samples.filter(is_double=True).count()) == (10, 3)
    assert (batch.size, batch.double, batch.state, batch.note) == (10, 3, "open", "")
    assert Review.objects.filter(sample__batch=batch).count() == 13
    assert batch.due_at == NINE + WEEK
    assert (len(batch.frame), len(batch.seed)) == (14, 64)
    assert batch.team == team
    assert "Site Monitoring reviews this week" in batch.team_reason


def test_every_workflow_has_a_place(repository: Repository, team: ReviewTeam) -> None:
    for name, count in (("large", 12), ("middle", 3), ("small", 1)):
        many(repository, count, workflow=make_workflow(slug=name))

    batch = drawn(repository)

    assert {one["workflow"]: (one["frame"], one["drawn"]) for one in batch.strata} == {
        "large": (12, 7),
        "middle": (3, 2),
        "small": (1, 1),
    }


def test_texts_are_kept_as_they_stood_at_the_draw(repository: Repository, team: ReviewTeam) -> None:
    issue = processed(repository, title="A <b>title</b>")

    sample = drawn(repository).samples.get()
    Issue.objects.filter(pk=issue.pk).update(body="Changed afterwards.", title="Other")

    sample.refresh_from_db()
    assert (sample.title, sample.guidance) == ("A <b>title</b>", f"Guidance for {issue.number}.")
    assert sample.guidance_sha256 == sampling.guidance_hash(sample.guidance, sample.assignment)


def test_frame_smaller_than_ten_is_taken_whole_and_says_so(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 4)

    batch = drawn(repository)

    assert (batch.samples.count(), batch.double) == (4, 1)
    assert batch.note == "4 instead of 10: that is all there was, so all of it is taken."


def test_empty_week_makes_an_empty_batch_that_says_so(repository: Repository, team: ReviewTeam) -> None:
    processed(repository, locked=True)

    batch = drawn(repository)

    assert (batch.state, batch.closed_at, batch.samples.count()) == ("empty", NINE, 0)
    assert batch.note.startswith("Nothing to review")
    assert [entry["reason"] for entry in batch.excluded] == ["The issue is locked on GitHub."]
    assert not Announcement.objects.exists()


def test_week_is_drawn_once(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 2)
    drawn(repository)

    with pytest.raises(NotPossible, match="was drawn already; a week is drawn once"):
        drawn(repository)

    assert ReviewBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"week": LAST_WEEK + timedelta(days=1)}, "is no Monday"),
        ({"week": LAST_WEEK + 2 * WEEK}, "has not begun"),
        ({"size": 0}, "choose 1 to 100 issues"),
        ({"double_share": 1.5}, "choose 0 to 1"),
        ({"reason": " "}, "needs a reason"),
    ],
)
def test_draw_that_makes_no_sense_is_refused(repository: Repository, changed: dict[str, Any], said: str) -> None:
    arguments = {"week": LAST_WEEK, **BY_HAND, **changed}

    with pytest.raises(NotPossible, match=said):
        batches.draw(repository, **arguments)


def test_without_a_rubric_nothing_is_drawn() -> None:
    repository = make_repository()
    processed(repository)

    with pytest.raises(NotPossible, match="No version of the rubric"):
        drawn(repository)
    assert batches.draw_due(NINE) == []
    assert not ReviewBatch.objects.exists()


def test_size_and_share_are_the_leads_and_the_default_is_the_plans(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 6)

    assert batches.size_of(repository) == 10
    text = shipped_text().replace("issues_per_week: 10", "issues_per_week: 4")
    make_rollout(repository=repository, plan=make_plan(text=text))
    assert batches.size_of(repository) == 4

    batch = batches.draw(repository, LAST_WEEK, size=5, double_share=1.0, **BY_HAND)
    assert (batch.samples.count(), batch.double) == (5, 5)


def test_lead_leaves_issues_out_with_a_reason(repository: Repository, team: ReviewTeam) -> None:
    issues = many(repository, 3)

    batch = batches.draw(repository, LAST_WEEK, left_out=[issues[0].number], **BY_HAND)

    assert issues[0].number not in batch.samples.values_list("issue__number", flat=True)
    assert batch.excluded == [
        {"number": issues[0].number, "reason": "Left out of the draw by lea: The review meeting is today."}
    ]


def test_draw_before_the_week_is_over_says_what_it_misses(repository: Repository, team: ReviewTeam) -> None:
    processed(repository, at=MOMENT)

    batch = batches.draw(repository, MOMENT.date(), **BY_HAND)

    assert "Drawn before the week was over" in batch.note
    with pytest.raises(NotPossible, match="was drawn already"):
        batches.draw(repository, MOMENT.date(), **BY_HAND)


def test_early_draw_of_nothing_is_refused_and_the_week_is_drawn_on_its_monday(
    repository: Repository, team: ReviewTeam, at_nine: VirtualClock
) -> None:
    processed(repository, at=MOMENT, locked=True)
    with pytest.raises(NotPossible, match="Nothing can be drawn from the week of 2026-11-02 yet"):
        batches.draw(repository, MOMENT.date(), **BY_HAND)
    assert not ReviewBatch.objects.exists()

    processed(repository, at=MOMENT + timedelta(days=1))
    at_nine.advance(WEEK)
    (batch,) = batches.draw_due(clock.now())

    assert (batch.week, batch.state, batch.samples.count()) == (MOMENT.date(), "open", 1)


def test_draw_is_in_the_audit_log_with_seed_and_hash(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 2)

    batch = drawn(repository)

    entry = AuditEntry.objects.get(action="batch.drawn")
    assert (entry.actor, entry.reason) == ("lea", "The review meeting is today.")
    assert (entry.evidence["seed"], entry.evidence["frame_sha256"]) == (batch.seed, batch.frame_sha256)


def test_reviewers_and_leads_are_told_of_a_new_batch(repository: Repository) -> None:
    team = make_team()
    make_member(team=team, user=make_person("rita"))
    make_member(team=team, user=make_person("lena"), is_lead=True, load_cap=0)
    issue = processed(repository)

    drawn(repository)

    mail = Announcement.objects.get(channel="email")
    assert mail.recipients == ["lena@example.org", "rita@example.org"]
    assert "1 issues, due Mon 09 Nov 09:00 UTC" in mail.body
    assert str(issue.title) not in mail.body


def test_verify_confirms_and_sees_tampering(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 12)
    batch = drawn(repository)

    assert batches.verify(batch).sentence == "Drawn again from the stored seed and frame: the same 10 issues."

    batch.seed = "0" * 64
    assert "The draw gives" in batches.verify(batch).sentence


def test_same_sample_on_another_database(repository: Repository, team: ReviewTeam) -> None:
    """Only what the dump has travels; the other side has no row of ours, and numbers are numbers everywhere."""
    many(repository, 8, workflow=make_workflow(slug="a"))
    many(repository, 6, workflow=make_workflow(slug="b"))
    dump = json.loads(json.dumps(batches.dump(drawn(repository))))
    sample = [number for number, _ in dump["sample"]]
    Review.objects.all().delete()
    Sample.objects.all().delete()

    assert verifying.faults(dump) == []
    again = sampling.draw(sampling.from_stored(dump["frame"]), dump["seed"], size=dump["size"], double=dump["double"])
    assert [one.number for one in again.drawn] == sample


def test_verify_follows_replacements(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 12)
    batch = drawn(repository)
    for _ in range(3):  # two come in, then the frame is used up
        first = batch.samples.filter(replaced_at=None)[0]
        seats.replace(first.pk, by="lea", reason="It is a test issue.")
    batch.refresh_from_db()

    assert [bool(entry["came"]) for entry in batch.excluded] == [True, True, False]
    assert batches.verify(batch).faults == ()

    late = batch.samples.order_by("position").last()
    assert late is not None
    Sample.objects.filter(pk=late.pk).update(is_double=not late.is_double)
    assert batches.verify(batch).faults


def test_week_before_is_drawn_on_monday_at_nine_once(repository: Repository, team: ReviewTeam) -> None:
    many(repository, 3)

    assert batches.draw_due(NINE - timedelta(minutes=1)) == []
    (batch,) = batches.draw_due(NINE)
    assert batches.draw_due(NINE + timedelta(minutes=1)) == []

    assert (batch.week, batch.drawn_by) == (LAST_WEEK, "rule:weekly sample")


def test_after_an_outage_only_the_last_week_is_drawn(
    repository: Repository, team: ReviewTeam, at_nine: VirtualClock
) -> None:
    for weeks_ago in range(3):
        processed(repository, at=IN_LAST_WEEK - weeks_ago * WEEK)
    at_nine.advance(timedelta(days=2))

    batches.draw_due(clock.now())

    assert [batch.week for batch in ReviewBatch.objects.all()] == [LAST_WEEK]


def test_week_without_guidance_is_drawn_empty_once_sampling_has_begun(repository: Repository, team: ReviewTeam) -> None:
    processed(repository, at=IN_LAST_WEEK - WEEK)
    make_repository()  # nothing was ever written there

    (batch,) = batches.draw_due(NINE)

    assert (batch.repository, batch.state) == (repository, "empty")


def test_paused_repository_is_not_drawn(repository: Repository, team: ReviewTeam) -> None:
    processed(repository)
    Repository.objects.update(standing=Repository.Standing.PAUSED)

    assert batches.draw_due(NINE) == []


def test_demonstration_is_drawn_once_four_issues_have_guidance(at_nine: VirtualClock) -> None:
    rubrics.ship()
    teams.ship()
    root = User.objects.create_superuser("root")
    repository = make_repository(is_demonstration=True)
    many(repository, 3, at=NINE)
    assert batches.draw_due(NINE) == []

    processed(repository, at=NINE)
    (batch,) = batches.draw_due(NINE)

    assert (batch.samples.count(), batch.drawn_by) == (4, "rule:demonstration")
    assert "for the demonstration" in batch.note
    assert "before the week was over" not in batch.note
    assert set(Review.objects.filter(seat=1).values_list("reviewer", flat=True)) == {root.pk}
    second = Review.objects.get(seat=2)
    assert (second.reviewer, second.assigned_reason) == (None, "Nobody can take it: root scores it already.")
    processed(repository, at=NINE)
    assert batches.draw_due(NINE) == []


def test_administrator_joins_no_team_that_people_have_filled(repository: Repository) -> None:
    User.objects.create_superuser("root")
    make_member(user=make_person("rita"))

    teams.join_demonstration(NINE)

    assert list(ReviewTeam.objects.filter(members__user__username="root")) == []
