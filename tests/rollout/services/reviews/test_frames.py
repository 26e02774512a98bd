"""What may be drawn of a week, and why the rest may not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain import changes
from pipeline.models import Issue, Repository, Run
from rollout.services.reviews import frames
from tests.factories import MOMENT, make_effect, make_issue, make_item, make_repository, make_run, make_workflow
from tests.rollout.factories import make_batch, make_sample
from tests.rollout.services.reviews.drawing import IN_LAST_WEEK, LAST_WEEK, processed, sections

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def why(repository: Repository) -> list[str]:
    """The reasons of everything that was left out; nothing may be drawn."""
    frame = frames.of_week(repository, LAST_WEEK)
    assert frame.candidates == {}
    return [reason for _, reason in frame.excluded]


def test_issue_whose_guidance_was_written_in_the_week_is_in_the_frame(repository: Repository) -> None:
    workflow = make_workflow(slug="osint-report")
    issue = processed(repository, workflow=workflow)

    frame = frames.of_week(repository, LAST_WEEK)

    (entry,) = frame.entries
    assert (entry.number, entry.workflow, frame.excluded) == (issue.number, "osint-report", ())
    assert entry.guidance == frame.candidates[issue.number].texts.sha256


@pytest.mark.parametrize(
    ("offset", "inside"),
    [
        (timedelta(0), True),
        (timedelta(microseconds=-1), False),
        (timedelta(days=7), False),
        (timedelta(days=7, microseconds=-1), True),
    ],
)
def test_week_is_monday_to_sunday_in_utc(repository: Repository, offset: timedelta, inside: bool) -> None:
    monday = MOMENT.replace(hour=0) - timedelta(days=7)
    processed(repository, at=monday + offset)

    assert bool(frames.of_week(repository, LAST_WEEK).candidates) is inside


@pytest.mark.parametrize(
    "effect",
    [
        {"state": "refused"},
        {"state": "unknown"},
        {"live": False, "state": "planned"},
        {"kind": "add_labels"},
        {"payload": {"sections": [["AI Assessment", "An assessment."]]}},
        {"payload": {"sections": [["Specialist Guidance", None]]}},
    ],
)
def test_guidance_that_was_not_written_counts_for_nothing(repository: Repository, effect: dict[str, Any]) -> None:
    issue = make_issue(repository=repository)
    item = make_item(run=make_run(kind="process", repository=repository, mode="live"), issue=issue)
    change = changes.WriteSections(tuple(sections(1)[1:]))
    make_effect(change=change, item=item, **({"state": "applied", "settled_at": IN_LAST_WEEK} | effect))

    frame = frames.of_week(repository, LAST_WEEK)

    assert (frame.candidates, frame.excluded) == ({}, ())


def test_issues_of_other_repositories_are_not_in_it(repository: Repository) -> None:
    processed(make_repository())

    assert frames.of_week(repository, LAST_WEEK).candidates == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"presence": "deleted"}, "The issue is deleted on GitHub."),
        ({"presence": "transferred"}, "The issue is transferred."),
        ({"locked": True}, "The issue is locked on GitHub."),
        (
            {"is_open": False, "state_reason": "not_planned", "closed_at": IN_LAST_WEEK - timedelta(hours=1)},
            "It was closed as not planned before its guidance was written.",
        ),
    ],
)
def test_issue_is_left_out_with_the_reason(repository: Repository, values: dict[str, Any], said: str) -> None:
    processed(repository, **values)

    assert why(repository) == [said]


@pytest.mark.parametrize(
    "values",
    [
        {"is_open": False, "state_reason": "completed", "closed_at": IN_LAST_WEEK - timedelta(hours=1)},
        {"is_open": False, "state_reason": "not_planned", "closed_at": IN_LAST_WEEK + timedelta(hours=1)},
    ],
)
def test_issue_closed_otherwise_is_reviewed(repository: Repository, values: dict[str, Any]) -> None:
    processed(repository, **values)

    assert len(frames.of_week(repository, LAST_WEEK).candidates) == 1


def test_guidance_that_was_taken_back_or_is_gone_is_left_out(repository: Repository) -> None:
    processed(repository, effect={"reverted_at": IN_LAST_WEEK + timedelta(hours=1)})
    bare = processed(repository)
    Issue.objects.filter(pk=bare.pk).update(body="Somebody wrote the body anew.")

    assert why(repository) == ["Its guidance was taken back.", "No ## Specialist Guidance stands in its body now."]


def test_what_a_revert_wrote_is_no_guidance(repository: Repository) -> None:
    processed(repository, run={"purpose": Run.Purpose.REVERT})

    assert frames.of_week(repository, LAST_WEEK).excluded == ()


def test_same_guidance_is_drawn_once_and_a_changed_one_again(repository: Repository) -> None:
    issue = processed(repository)
    drawn = frames.of_week(repository, LAST_WEEK).candidates[issue.number].texts.sha256
    earlier = make_batch(repository=repository, week=LAST_WEEK - timedelta(days=7))
    make_sample(batch=earlier, issue=issue, guidance_sha256=drawn)

    assert why(repository) == [f"This guidance was drawn already, for the week of {earlier.week}."]

    Issue.objects.filter(pk=issue.pk).update(body=issue.body.replace("Guidance for", "Better guidance for"))
    assert issue.number in frames.of_week(repository, LAST_WEEK).candidates


def test_calibration_round_does_not_count_as_drawn(repository: Repository) -> None:
    issue = processed(repository)
    texts = frames.texts_of(issue.body)
    make_sample(batch=make_batch(is_calibration=True), issue=issue, guidance_sha256=texts.sha256)

    assert issue.number in frames.of_week(repository, LAST_WEEK).candidates


def test_issue_that_a_person_took_out_stays_out_with_their_reason(repository: Repository) -> None:
    issue = processed(repository)
    texts = frames.texts_of(issue.body)
    batch = make_batch(repository=repository, week=LAST_WEEK - timedelta(days=7))
    make_sample(
        batch=batch,
        issue=issue,
        guidance_sha256=texts.sha256,
        replaced_at=MOMENT,
        replaced_reason="It names a private person.",
    )

    assert why(repository) == [f"Taken out of the sample of the week of {batch.week}: It names a private person."]


def test_texts_come_apart_by_section_and_the_rest_stays_together(repository: Repository) -> None:
    issue = processed(repository)

    texts = frames.texts_of(issue.body)

    assert texts.guidance == f"Guidance for {issue.number}."
    assert texts.assignment == f"Assignment of {issue.number}."
    assert texts.assessment == f"Assessment of {issue.number}."
    assert texts.discovery.startswith("## Discovery")
    assert "Written by a person" in texts.discovery
    assert "Guidance for" not in texts.discovery


def test_sampling_begins_with_the_first_guidance(repository: Repository) -> None:
    processed(repository)

    assert frames.begun(repository, LAST_WEEK)
    assert frames.begun(repository, LAST_WEEK + timedelta(days=7))
    assert not frames.begun(repository, LAST_WEEK - timedelta(days=7))
