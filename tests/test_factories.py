"""Every factory makes a valid row from nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import factories

MAKERS = [value for name, value in vars(factories).items() if name.startswith("make_")]


@pytest.mark.django_db
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_factory_called_twice_makes_two_rows(make: Callable[..., Any]) -> None:
    if make is factories.make_heartbeat:
        assert make("tick").pk != make("beat").pk
    else:
        assert make().pk != make().pk


@pytest.mark.django_db
def test_operation_with_cron_has_its_schedule() -> None:
    operation = factories.make_operation(cron="5 */4 * * *")

    assert operation.periodic_task is not None
    assert operation.periodic_task.crontab.hour == "*/4"


@pytest.mark.django_db
def test_closed_run_has_its_end() -> None:
    assert factories.make_run(state="succeeded").finished_at is not None
