"""A test that commits leaves rows in a few tables; only those are emptied after it.

Django would empty all of them, a hundred files to make anew on PostgreSQL, and fill content types and permissions
again, which no test changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations

from tests import guards

KEPT = frozenset({"django_content_type", "auth_permission", "django_migrations"})


def sql_flush(self: BaseDatabaseOperations, style: object, tables: Sequence[str], **options: Any) -> list[str]:
    """One DELETE for each table with rows; foreign keys are checked at the end of the transaction."""
    names = sorted(set(tables) - KEPT)
    counted = " UNION ALL ".join(
        f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})"  # noqa: S608 - our own tables
        for number, name in enumerate(names)
    )
    with connection.cursor() as cursor:
        cursor.execute(counted)
        filled = [names[row[0]] for row in cursor.fetchall()]
    return [line for name in filled for line in _emptying(name)]


def _emptying(table: str) -> list[str]:
    opening, closing = guards.statements(table)
    return [*opening, f"DELETE FROM {connection.ops.quote_name(table)}", *closing]  # noqa: S608
