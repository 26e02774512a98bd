"""The copied schema is the one that the migrations make."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests import schema


@pytest.fixture
def application(tmp_path: Path) -> Path:
    folder = tmp_path / "application"
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations" / "0001_initial.py").write_text("first")
    return folder


def test_nothing_is_left_to_migrate_in_the_copy(db: None) -> None:
    executor = MigrationExecutor(connection)

    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


@pytest.mark.parametrize(
    ("name", "text"), [("0001_initial.py", "changed"), ("0002_more.py", ""), ("0002_more.py", "first")]
)
def test_changed_or_added_migration_has_another_fingerprint(application: Path, name: str, text: str) -> None:
    before = schema.fingerprint([application])

    (application / "migrations" / name).write_text(text)

    assert schema.fingerprint([application]) != before


def test_same_migrations_have_the_same_fingerprint(application: Path) -> None:
    before = schema.fingerprint([application])

    (application / "migrations" / "0001_initial.py").write_text("first")

    assert schema.fingerprint([application]) == before
