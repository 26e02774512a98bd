import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.placeholders import canonical, fill, unknown, used


def test_fill_replaces_every_placeholder_once_and_leaves_other_braces() -> None:
    assert fill("{a} {b} { a } {A} {} {1}", {"a": "{b}", "b": "x"}) == "{b} x { a } {A} {} {1}"


def test_fill_without_a_value_names_the_placeholder() -> None:
    with pytest.raises(ValueError, match=r"Nothing fills the placeholder \{b\}"):
        fill("{a} {b}", {"a": "x"})


def test_unknown_placeholder_is_told_with_its_place_and_a_near_name() -> None:
    (found,) = unknown("one\n  {titel}", {"title", "number"})
    assert (found.name, found.line, found.column) == ("titel", 2, 3)
    assert found.sentence == "The placeholder {titel} is not known; did you mean {title}?"


def test_unknown_placeholder_like_no_other_is_told_with_all_that_are_known() -> None:
    (found,) = unknown("{zzz}", {"title", "number"})
    assert found.sentence.endswith("known here are number, title.")


def test_aliases_of_older_files_mean_the_same() -> None:
    assert used("{issue_number}/{deliverable_name}") == ("number", "name")
    assert canonical("study/{issue_number}") == "study/{number}"
    assert fill("{issue_number}", {"number": "7"}) == "7"


@given(st.text(), st.text())
def test_a_value_is_never_filled_again(before: str, value: str) -> None:
    if "{" not in before and "}" not in before:
        assert fill(f"{before}{{a}}", {"a": value}) == before + value
