"""The parts of the scoring page."""

from __future__ import annotations

import pytest

from rollout.domain.reviews.sheets import Mark, Sheet
from rollout.models import Review, Score
from rollout.views import scoring as parts
from tests.rollout import factories as make

pytestmark = pytest.mark.django_db


def test_score_is_told_with_its_target_and_what_is_done() -> None:
    review = make.make_review()

    told = [
        parts.score_sentence(review, Sheet({"persona": Mark(first), "inputs": Mark(second)}))
        for first, second in (("", ""), ("na", ""), ("4", ""), ("4", "3"))
    ]

    assert told == [
        "Nothing rated yet, 0 of 5 done.",
        "Nothing rated yet, 1 of 5 done.",
        "Weighted 100.0 %, more than 90.0 % wanted: met, 1 of 5 done.",
        "Weighted 87.5 %, more than 90.0 % wanted: not met, 2 of 5 done.",
    ]


def test_comment_is_open_where_one_is_needed_or_written() -> None:
    review = make.make_review()
    sheet = Sheet(
        {"persona": Mark("4"), "objectives": Mark("3"), "inputs": Mark("4", "Good."), "acceptance": Mark("na")}
    )

    lines = parts.lines(review, sheet, {"rating-deliverables": "Rate it."})

    assert [line.open for line in lines] == [False, True, True, True, True]
    assert [line.faults for line in lines][3] == ["Rate it."]
    assert [choice.anchor for choice in lines[0].choices[:5]] == make.ANCHORS


def test_check_of_a_missing_text_is_not_asked() -> None:
    review = make.make_review(sample=make.make_sample(assignment=" \n"))

    assert [check.name for check in parts.checks(review, Sheet(), {})] == ["assessment_right"]


def test_hidden_characters_are_taken_out_and_named() -> None:
    sample = make.make_sample(guidance="Read\u202e it\u2061.", title="a\u202eb\nc")

    _, middle = parts.texts(sample)

    assert middle[0].text == "Read it."
    assert "direction of text" in middle[0].hidden
    assert (parts.shown(sample.title), middle[1].hidden) == ("ab c", "")


def test_ratings_two_apart_are_marked() -> None:
    sample = make.make_sample(is_double=True)
    columns = []
    for title, ratings in (("A", (4, 4, None, 4, 3)), ("B", (2, 3, 0, 4, 4))):
        review = make.make_review(sample=sample, state=Review.State.SUBMITTED)
        for criterion, rating in zip(sample.batch.rubric.criteria.all(), ratings, strict=True):
            Score.objects.create(review=review, criterion=criterion, rating=rating, comment="Why.")
        columns.append(parts.column(title, review))

    rows = parts.side_by_side(sample, columns)

    assert [row.apart for row in rows] == [True, False, False, False, False]
    assert [(whose, cell.rating) for whose, cell in rows[2].cells] == [("A", "N/A"), ("B", "0")]
