"""What is put back is what was built, and each test has a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from inspect import unwrap

import pytest
from django.db import transaction

from pipeline import clock
from pipeline.models import Operation, Repository
from pipeline.services import operations
from tests.factories import make_repository
from tests.recorded import recorded

pytestmark = pytest.mark.django_db
builds: list[str] = []


@recorded
def governed(name: str) -> Repository:
    builds.append(name)
    repository = make_repository(full_name=name)
    operations.ship_operations(repository, actor="olga", reason="For a test.")
    clock.sleep(60)
    return repository


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside leaves no rows, and the clock is set back."""
    start = clock.now()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    clock.sleep((start - clock.now()).total_seconds())


@pytest.fixture(autouse=True)
def built_before(virtual_clock: clock.VirtualClock, db: None) -> None:
    with undone():
        governed("acme/one")
    builds.clear()


def rows() -> list[tuple[object, ...]]:
    return list(
        Operation.objects.order_by("pk").values_list("name", "mode", "slots_since", "periodic_task__crontab__minute")
    )


def test_rows_and_clock_are_as_the_builder_left_them() -> None:
    with undone():
        unwrap(governed)("acme/one")
        wanted, end = rows(), clock.now()
    builds.clear()

    governed("acme/one")

    assert (builds, rows(), clock.now()) == ([], wanted, end)
    assert rows()


def test_changes_of_one_test_do_not_reach_the_next() -> None:
    with undone():
        governed("acme/one").full_name = "acme/other"

    assert governed("acme/one").full_name == "acme/one"


def test_new_rows_have_numbers_of_their_own() -> None:
    governed("acme/one")

    assert make_repository().pk not in {None, Repository.objects.get(full_name="acme/one").pk}


def test_another_argument_is_built_anew() -> None:
    assert governed("acme/two").full_name == "acme/two"
    assert builds == ["acme/two"]


def test_another_moment_is_built_anew(virtual_clock: clock.VirtualClock) -> None:
    virtual_clock.advance(timedelta(days=1))
    governed("acme/one")
    assert builds == ["acme/one"]


def test_beside_other_rows_it_is_built_anew() -> None:
    make_repository()
    governed("acme/one")
    assert builds == ["acme/one"]
