"""The database keeps what is kept for good; a test that plays the intruder takes its guards away first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

AUDIT = "pipeline_auditentry"


@contextmanager
def taken_away(table: str = AUDIT) -> Iterator[None]:
    """Within it the rows of `table` can be changed and removed, as by somebody who owns the database."""
    opening, closing = statements(table)
    _execute(opening)
    yield
    _execute(closing)


def statements(table: str) -> tuple[list[str], list[str]]:
    """What takes the guards of a table away, and what brings them back; nothing where it has none."""
    if connection.vendor == "postgresql":
        quoted = connection.ops.quote_name(table)
        opening, closing = f"ALTER TABLE {quoted} DISABLE TRIGGER USER", f"ALTER TABLE {quoted} ENABLE TRIGGER USER"
        return ([opening], [closing]) if table == AUDIT else ([], [])
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        found = cursor.fetchall()
    return [f"DROP TRIGGER {connection.ops.quote_name(name)}" for name, _sql in found], [sql for _name, sql in found]


def _execute(lines: list[str]) -> None:
    with connection.cursor() as cursor:
        for line in lines:
            cursor.execute(line)
