"""`manage.py reviews`: ship, draw, verify, status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import Repository
from rollout.models import ReviewBatch, ReviewTeam, Rubric
from tests.factories import make_repository
from tests.rollout.factories import make_member, make_team
from tests.rollout.services.reviews.drawing import LAST_WEEK, NINE, many

pytestmark = pytest.mark.django_db
WHY = ("--reason", "The meeting is today.")


@pytest.fixture(autouse=True)
def at_nine() -> Iterator[VirtualClock]:
    virtual = VirtualClock(NINE)
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def repository() -> Repository:
    run("ship")
    return make_repository(full_name="acme/watch")


def run(*arguments: str, code: int = 0) -> str:
    """What is printed, refusals too; the exit code is checked."""
    out, ended = StringIO(), 0
    try:
        call_command("reviews", *arguments, stdout=out, stderr=out)
    except SystemExit as exit_:
        ended = int(exit_.code or 0)
    assert ended == code, out.getvalue()
    return out.getvalue()


def test_ship_puts_the_plans_rubric_in_use_and_makes_the_teams_once() -> None:
    run("ship")
    again = run("ship")

    assert (Rubric.objects.get().status, ReviewTeam.objects.count()) == ("in_use", 3)
    assert again == "A rubric is in use; no teams were added.\n"


def test_draw_takes_the_last_week_and_says_what_was_drawn(repository: Repository) -> None:
    many(repository, 3)

    said = run("draw", "acme/watch", *WHY)

    batch = ReviewBatch.objects.get()
    assert (batch.week, batch.samples.count()) == (LAST_WEEK, 3)
    assert f"Batch {batch.pk}: #" in said
    assert "3 instead of 10" in said


def test_draw_again_is_refused_in_a_sentence(repository: Repository) -> None:
    run("draw", "acme/watch", *WHY)

    assert "a week is drawn once" in run("draw", "acme/watch", *WHY, code=2)


def test_draw_travels_as_a_file_and_is_verified_elsewhere(repository: Repository, tmp_path: Path) -> None:
    many(repository, 12)
    run("draw", "acme/watch", "--size", "5", "--json", *WHY)
    batch = ReviewBatch.objects.get()
    file = tmp_path / "draw.json"
    file.write_text(run("verify", str(batch.pk), "--json"))
    ReviewBatch.objects.all().delete()

    assert "the same sample" in run("verify", "--file", str(file))

    dump = json.loads(file.read_text())
    for wrong in (None, dump | {"size": None}, dump | {"sample": [1]}):
        (tmp_path / "wrong.json").write_text(json.dumps(wrong))
        assert "This is no stored draw" in run("verify", "--file", str(tmp_path / "wrong.json"), code=2)
    file.write_text(json.dumps(dump | {"seed": "another"}))
    assert "The draw gives" in run("verify", "--file", str(file), code=1)


def test_verify_finds_the_batch_that_was_tampered_with(repository: Repository) -> None:
    many(repository, 12)
    run("draw", "acme/watch", *WHY)
    assert "the same 10 issues" in run("verify")

    ReviewBatch.objects.update(seed="0")

    assert "The draw gives" in run("verify", code=1)
    assert "no such batch" in run("verify", "999999", code=2)


def test_status_says_whose_week_it_is_and_how_far_each_batch_is(repository: Repository) -> None:
    ReviewTeam.objects.all().delete()
    make_member(team=make_team(name="Site Monitoring"))
    assert run("status") == "Site Monitoring reviews this week.\nNo batch is open.\n"
    many(repository, 2)
    run("draw", "acme/watch", *WHY)

    assert "0 of 3 reviews done, 1 without a reviewer, due Mon 09 Nov 09:00 UTC." in run("status")
    (row,) = json.loads(run("status", "--json"))["open"]
    assert (row["repository"], row["done"], row["seats"]) == ("acme/watch", 0, 3)
