"""The sheet of a reviewer: from a form, into a draft and back, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews import sheets
from rollout.domain.reviews.sheets import Mark, Sheet
from tests.rollout.domain.reviews.test_scoring import PLAN

SLUGS = [each.slug for each in PLAN]
MARKS = st.builds(
    Mark,
    rating=st.sampled_from(["", "0", "3", "4", "na"]),
    comment=st.text(max_size=20).map(lambda text: text.replace("\0", "").strip()),
    tags=st.sets(st.sampled_from(["template", "data"])).map(lambda chosen: tuple(sorted(chosen, reverse=True))),
)
SHEETS = st.builds(
    Sheet,
    marks=st.fixed_dictionaries(dict.fromkeys(SLUGS, MARKS)),
    checks=st.fixed_dictionaries({name: st.sampled_from(["", "yes", "no", "na"]) for name in sheets.CHECKS}),
    for_calibration=st.booleans(),
)


def filled(**changes: Sequence[str]) -> Sheet:
    fields: Mapping[str, Sequence[str]] = {
        **{f"rating-{slug}": ["4"] for slug in SLUGS},
        "assignment_clear": ["yes"],
        "assessment_right": ["no"],
        **{name.replace("__", "-"): value for name, value in changes.items()},
    }
    return sheets.read(lambda name: fields.get(name, []), SLUGS)


@given(SHEETS)
def test_what_is_stored_is_read_back(sheet: Sheet) -> None:
    assert sheets.from_stored(sheet.stored(), SLUGS) == sheet


def test_full_marks_need_no_word() -> None:
    assert sheets.faults(filled(), PLAN) == {}
    assert filled().check("assignment_clear") is True
    assert filled().check("assessment_right") is False


def test_every_fault_has_its_field_and_a_sentence() -> None:
    found = sheets.faults(filled(rating__persona=[], rating__input=["na"], rating__objectives=["3"]), PLAN)

    assert list(found) == ["rating-persona", "comment-objectives", "comment-input"]
    assert found["rating-persona"] == "Rate “Persona appropriateness” from 0 to 4, or choose N/A."
    assert found["comment-input"].startswith("N/A needs a comment")
    assert found["comment-objectives"].startswith("A rating that is not above target needs a comment")


def test_comment_of_spaces_is_no_comment() -> None:
    assert list(sheets.faults(filled(rating__input=["0"], comment__input=["  \n"]), PLAN)) == ["comment-input"]


def test_check_is_asked_only_where_its_text_exists() -> None:
    sheet = filled(assignment_clear=[], assessment_right=[])

    assert list(sheets.faults(sheet, PLAN, asked=["assessment_right"])) == ["assessment_right"]


def test_what_is_no_choice_is_not_chosen() -> None:
    sheet = filled(rating__persona=["5"], tags__persona=["model", "blame"], assignment_clear=["maybe"])

    assert sheet.mark("persona") == Mark("", "", ("model",))
    assert "persona" not in sheet.ratings()
    assert list(sheets.faults(sheet, PLAN)) == ["rating-persona", "assignment_clear"]


def test_foreign_draft_is_read_as_empty() -> None:
    assert sheets.from_stored({"rating-persona": 4, "tags-input": "model"}, SLUGS).ratings() == {}


def test_text_is_cut_and_rid_of_what_no_database_keeps() -> None:
    sheet = filled(comment__persona=["a\0b" + "x" * 3000])

    assert sheet.mark("persona").comment.startswith("abxx")
    assert len(sheet.mark("persona").comment) == sheets.MAX_COMMENT
