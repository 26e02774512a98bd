"""Worlds that many tests begin with are built once, and their rows put back for each test.

A builder starts a rollout through the real services, in a hundred queries or more. `@recorded` keeps the rows that it
left and the value that it returned; the next test at the same moment gets the rows by one INSERT per table, and a copy
of the value. Where the database was not empty before, it is built as if not decorated.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar, cast

from django.db import connection, transaction

from pipeline import clock

P = ParamSpec("P")
R = TypeVar("R")
STALE_AFTER = timedelta(minutes=1)  # for what was built by the wall clock
KEPT_BY_A_FLUSH = ("django_content_type", "auth_permission", "django_migrations")


@dataclass(frozen=True, slots=True)
class Recording:
    rows: list[tuple[str, list[tuple[Any, ...]]]]  # for each table its INSERT and its rows
    value: object
    ended: datetime


_recordings: dict[tuple[object, ...], Recording] = {}


def recorded(build: Callable[P, R]) -> Callable[P, R]:
    """For builders that do nothing but leave rows, move a virtual clock, and return rows or dataclasses of rows."""

    @functools.wraps(build)
    def replayed(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _is_empty():
            return build(*args, **kwargs)
        key = (build, repr((args, kwargs)), _virtual_now(), _foundation())
        found = _recordings.get(key)
        if found is None or (key[2] is None and clock.now() - found.ended > STALE_AFTER):
            made = build(*args, **kwargs)
            _recordings[key] = Recording(_rows(), copy.deepcopy(made), clock.now())
            return made
        _put_back(found)
        return cast(R, copy.deepcopy(found.value))

    return replayed


def _virtual_now() -> datetime | None:
    return clock.now() if isinstance(clock._clock, clock.VirtualClock) else None


def _put_back(found: Recording) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, rows in found.rows:
            cursor.executemany(statement, rows)
    if _virtual_now():
        clock.sleep((found.ended - clock.now()).total_seconds())


def _rows() -> list[tuple[str, list[tuple[Any, ...]]]]:
    found = []
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our own tables
            rows = cursor.fetchall()
            if rows:
                columns = [connection.ops.quote_name(column[0]) for column in cursor.description]
                places = ", ".join(["%s"] * len(columns))
                name = connection.ops.quote_name(table)
                found.append((f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})", rows))  # noqa: S608
    return found


@functools.cache
def _tables() -> tuple[str, ...]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return tuple(sorted(set(names) - set(KEPT_BY_A_FLUSH)))


def _is_empty() -> bool:
    some = " OR ".join(f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})" for table in _tables())  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {some}")
        return not cursor.fetchone()[0]


def _foundation() -> tuple[Any, ...]:
    """What the rows stand on: permissions and types are numbered anew by a test that empties the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT min(id) FROM auth_permission), (SELECT max(id) FROM auth_permission), "
            "(SELECT min(id) FROM django_content_type), (SELECT max(id) FROM django_content_type)"
        )
        found: tuple[Any, ...] = cursor.fetchone()
    return found
