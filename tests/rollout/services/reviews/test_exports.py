"""Results as files: one row per issue and criterion, nothing in them that acts, nothing of reviews still compared."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pipeline.models import Repository
from pipeline.services.operations import NotPossible
from rollout.services.reviews import exports
from tests.factories import make_repository
from tests.rollout import factories as make
from tests.rollout.reviewed import GOOD, PERFECT, POOR_INPUTS, make_submitted, make_week, week

pytestmark = pytest.mark.django_db
HOSTILE = "=HYPERLINK(1) @team <script>alert(1)</script>\u202e"


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def parsed(repository: Repository, **values: object) -> list[dict[str, str]]:
    columns, found = exports.rows(repository, week(8), week(0), **values)  # type: ignore[arg-type]  # by keyword
    return list(csv.DictReader(io.StringIO(exports.as_csv(columns, found), newline="")))


def test_every_criterion_of_every_issue_has_a_row(repository: Repository) -> None:
    batch = make_week(repository)
    make_submitted(batch, PERFECT, GOOD)
    make_submitted(batch, PERFECT)
    rows = parsed(repository)
    assert len(rows) == 10
    inputs = next(row for row in rows if row["criterion"] == "inputs")
    assert (inputs["score"], inputs["ratings"], inputs["counts"]) == ("0.875", "4, 3", "final")
    assert (inputs["week"], inputs["target"], inputs["weight"]) == (week(1).isoformat(), "0.9", "20")


def test_foreign_text_is_cleaned_and_runs_in_no_spreadsheet(repository: Repository) -> None:
    make_submitted(make_week(repository), POOR_INPUTS, title=HOSTILE, comment=HOSTILE, tags=["data"])
    rows = parsed(repository)
    inputs = next(row for row in rows if row["criterion"] == "inputs")
    assert inputs["title"].startswith("'=HYPERLINK")
    assert inputs["comments"].startswith("'=HYPERLINK")
    assert inputs["tags"] == "data"
    assert not any(bad in cell for cell in inputs.values() for bad in ("<script", "\u202e"))
    assert "`@team`" in inputs["comments"]


def test_reviews_that_are_not_final_are_named_but_not_shown(repository: Repository) -> None:
    make_submitted(make_week(repository), PERFECT, POOR_INPUTS, comment="Secret.")
    rows = parsed(repository, with_reviewers=True)
    assert {(row["counts"], row["score"], row["ratings"], row["comments"], row["reviewers"]) for row in rows} == {
        ("pending", "", "", "", "")
    }


def test_reviewers_are_named_only_when_asked_for(repository: Repository) -> None:
    make_submitted(make_week(repository), PERFECT, reviewers=[make.make_person("ana")])
    assert "reviewers" not in parsed(repository)[0]
    assert parsed(repository, with_reviewers=True)[0]["reviewers"] == "ana"


def test_json_says_what_its_rows_are(repository: Repository) -> None:
    make_submitted(make_week(repository), GOOD)
    columns, found = exports.rows(repository, week(8), week(0))
    document = json.loads(exports.as_json(repository, week(8), week(0), columns, found))
    assert (document["repository"], document["count"], len(document["scores"])) == (repository.full_name, 5, 5)
    assert document["scores"][2]["score"] == 0.75


def test_hidden_batches_and_more_than_a_year_are_not_given(repository: Repository) -> None:
    batch = make_week(repository)
    make_submitted(batch, GOOD)
    assert parsed(repository, hidden=[batch.pk]) == []
    with pytest.raises(NotPossible, match="at most 53 weeks"):
        exports.rows(repository, week(60), week(0))
