"""Lists edited one entry per line."""

from __future__ import annotations

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from pipeline.admin.lines import LinesField

words = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=30)


@given(st.lists(words, unique=True))
def test_list_shown_and_read_back_is_the_same(entries: list[str]) -> None:
    field = LinesField()

    assert field.clean(field.prepare_value(entries)) == entries
    assert not field.has_changed(entries, field.prepare_value(entries))


def test_blank_lines_and_doubles_are_dropped() -> None:
    assert LinesField().clean(" a \r\n\r\nb\na\n") == ["a", "b"]


def test_long_entry_is_refused_with_its_length() -> None:
    with pytest.raises(forms.ValidationError, match="has 51 characters; at most 50"):
        LinesField(longest=50).clean("x" * 51)


def test_empty_list_is_refused_only_where_one_is_needed() -> None:
    assert LinesField().clean("") == []
    with pytest.raises(forms.ValidationError, match="required"):
        LinesField(required=True).clean("\n")
