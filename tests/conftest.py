"""What every test may ask for, and what none may do: reach beyond this machine."""

from __future__ import annotations

import functools
import importlib
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from psycopg import sql
from pytest_django import DjangoDbBlocker

from pipeline import clock
from tests import flush, schema, schema_postgres
from tests.processes import process_environment as clean_environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL") or os.environ.get("TEST_DATABASE_URL", "")
ON_POSTGRES = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
LOOPBACK = ("127.", "::1", "localhost")

# The same examples every time, few enough for five minutes; HYPOTHESIS_PROFILE=search looks wider, by chance.
property_settings.register_profile(
    "suite", max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
property_settings.register_profile("search", max_examples=1000, deadline=None)
property_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

MISSING = {
    "postgres": "" if POSTGRES_URL else "no PostgreSQL server: set TEST_POSTGRES_URL or TEST_DATABASE_URL",
    "redis": "" if os.environ.get("TEST_REDIS_URL") else "no Redis server: set TEST_REDIS_URL",
    "rabbitmq": "" if os.environ.get("TEST_RABBITMQ_URL") else "no RabbitMQ server: set TEST_RABBITMQ_URL",
    "browser": "" if CHROMIUM else "no chromium: apt-get install chromium",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need PostgreSQL below the Django connection belong to the pass that stands on it."""
    elsewhere = [item for item in items if POSTGRES_URL and _needs_postgres_below(item)]
    if elsewhere and not ON_POSTGRES:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
    for item in items:
        for marker, reason in MISSING.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    items[:] = in_order(items, workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def in_order(items: Sequence[pytest.Item], *, workers: int) -> list[pytest.Item]:
    """What takes long begins early, so that the workers end together: real processes, and the rollouts.

    xdist gives each worker one stretch of the list, and when that is done the ends of other stretches.
    """
    if workers == 1:
        return list(items)
    processes = [item for item in items if item.get_closest_marker("processes")]
    rollouts = [item for item in items if "tests/rollout/scenarios/" in item.nodeid]
    early = {*processes, *rollouts}
    others = [item for item in items if item not in early]
    rollouts.sort(key=lambda item: "test_whole_plan" not in item.nodeid)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        length = (len(items) - len(ordered)) // (workers - worker)
        first = processes[worker::workers]
        if worker == workers - 1:  # before what needs no database, which pytest-django puts last
            first += rollouts
        rest = max(0, length - len(first))
        ordered += [*first, *others[:rest]]
        others = others[rest:]
    return [*ordered, *others]


def _needs_postgres_below(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgres") is not None and "postgres_url" not in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """With REQUIRE_ALL=1 a skip is a failure."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped and REQUIRE_ALL=1 is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_createdb: bool,
) -> Iterator[None]:
    """A copy of the migrated schema; --create-db migrates anew."""
    with django_db_blocker.unblock():
        drop = _copied_schema(afresh=django_db_createdb)
    with pytest.MonkeyPatch.context() as patch:
        # Of the class: where a browser's event loop runs, Django opens another connection.
        patch.setattr(type(connection.ops), "sql_flush", flush.sql_flush)
        yield
    with django_db_blocker.unblock():
        drop()


def _copied_schema(*, afresh: bool) -> Callable[[], None]:
    if ON_POSTGRES:
        return functools.partial(schema_postgres.drop, schema_postgres.copy(afresh=afresh))
    folder = Path(settings.DATABASES["default"]["TEST"]["NAME"]).parent
    return functools.partial(schema.drop, schema.copy(folder, afresh=afresh))


@pytest.fixture(scope="session")
def schema_template(django_db_setup: None) -> Path | None:
    """A migrated SQLite file to copy; None where the session stands on PostgreSQL."""
    return None if ON_POSTGRES else schema.template(Path(settings.DATABASES["default"]["TEST"]["NAME"]).parent)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection beyond this machine is a fault of the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"The test tried to reach {address[0]}; only this machine may be reached.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def virtual_clock() -> Iterator[clock.VirtualClock]:
    """Stands at a Monday noon until the test moves it."""
    virtual = clock.VirtualClock(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Any]:
    """The sandbox on a free port, over real HTTP, ended with the test."""
    server = importlib.import_module("sandbox.server")
    with server.Sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def process_environment(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """`process_environment(NAME=value)`: a clean environment for child processes, with a data folder of its own."""
    return lambda **changes: clean_environment(tmp_path / "data", **changes)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of a fresh, empty PostgreSQL database, dropped afterwards."""
    parts = urlsplit(POSTGRES_URL)
    name = f"controlplane_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
