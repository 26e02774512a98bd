"""The empty schema on PostgreSQL: migrated once for a server, then copied by the server itself.

As `tests/schema.py` does for SQLite: the original is named by what it was made of, and others are dropped.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from tests.schema import applications, fingerprint

LOCK = 7_240_917  # any number that nobody else takes: the workers of one session come at the same time
PREFIX = "controlplane_schema_"


def copy(*, afresh: bool = False) -> str:
    """From now on the default connection stands on a database of its own, migrated and without rows."""
    name = str(settings.DATABASES[connection.alias]["TEST"]["NAME"])
    original = PREFIX + fingerprint(applications())
    with connection._nodb_cursor() as server:
        server.execute("SET lock_timeout = 0")  # migrating takes longer than anything may wait in production
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # given back with the connection
        if afresh or original not in _originals(server):
            for old in _originals(server):
                _drop(server, old)
            _migrate(server, original)
        server.execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(original)}")
    _stand_on(name)
    return name


def drop(name: str) -> None:
    connection.close()
    with connection._nodb_cursor() as server:
        _drop(server, name)


def _originals(server: CursorWrapper) -> list[str]:
    server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [PREFIX.replace("_", r"\_") + "%"])
    return [row[0] for row in server.fetchall()]


def _migrate(server: CursorWrapper, original: str) -> None:
    """Under another name until it is whole: a session that is killed leaves no half original."""
    tests_own = dict(connection.settings_dict["TEST"])
    making = f"{PREFIX}making"
    connection.settings_dict["TEST"]["NAME"] = making
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    finally:
        connection.settings_dict["TEST"].update(tests_own)
    server.execute(f"ALTER DATABASE {_quoted(making)} RENAME TO {_quoted(original)}")


def _stand_on(name: str) -> None:
    connection.close()
    settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name


def _drop(server: CursorWrapper, name: str) -> None:
    server.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
