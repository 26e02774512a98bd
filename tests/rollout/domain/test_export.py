"""Exports keep every word, and no cell of them is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.export import RISKY, safe_cell, to_csv, to_json

COLUMNS = ("number", "title", "labels")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
ROWS = st.lists(st.fixed_dictionaries({"number": st.integers(1, 999), "title": TEXT, "labels": st.lists(TEXT)}))


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("start", RISKY)
def test_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert safe_cell(f"{start}cmd") == f"'{start}cmd"


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (True, "yes"), (False, "no"), (-3, "-3"), (["a", "b"], "a, b"), (["=a"], "'=a"), ("a=b", "a=b")],
)
def test_values_are_written_as_people_read_them(value: Any, cell: str) -> None:
    assert safe_cell(value) == cell


@given(ROWS)
def test_csv_read_back_is_what_was_written_and_harmless(rows: list[dict[str, Any]]) -> None:
    header, *lines = parsed(to_csv(COLUMNS, rows))
    assert header == list(COLUMNS)
    assert lines == [[safe_cell(row[name]) for name in COLUMNS] for row in rows]
    assert not any(cell.startswith(RISKY) for line in lines for cell in line)


@given(ROWS)
def test_json_read_back_is_what_was_given(rows: list[dict[str, Any]]) -> None:
    document = json.loads(to_json({"repository": "acme/watch"}, COLUMNS, rows))
    assert (document["repository"], document["count"]) == ("acme/watch", len(rows))
    assert document["issues"] == rows


def test_column_that_a_row_lacks_is_empty() -> None:
    assert parsed(to_csv(COLUMNS, [{"number": 1}])) == [list(COLUMNS), ["1", "", ""]]
