"""Rows as CSV and JSON that other programs read without acting on them.

A spreadsheet runs a cell that begins with = + - @ (full-width ones too), a tab or a line break as a formula; titles
and labels come from outside, so such a cell is written with an apostrophe in front (OWASP, "CSV injection"). JSON keeps
the text as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Row = Mapping[str, Any]


def safe_cell(value: Any) -> str:
    """One cell of a CSV as text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)  # a negative number of ours is a number
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(RISKY) else text


def to_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Columns in the order given; CRLF as RFC 4180 asks for."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows([safe_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def to_json(about: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Row], under: str = "issues") -> str:
    """`about` says what the rows are; they follow under the name `under`."""
    found = [{name: row.get(name) for name in columns} for row in rows]
    document = {**about, "count": len(found), under: found}
    return json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"
