"""The bell: messages go out after the commit, and a broker that is away costs time only."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from pipeline.services import bell


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    calls: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: calls.append((name, args)))
    return calls


@pytest.mark.django_db(transaction=True)
def test_message_goes_out_after_the_commit_and_not_before(sent: list[Any]) -> None:
    with transaction.atomic():
        bell.ring("task", 7, times=2)
        assert sent == []
    assert sent == [("task", (7,)), ("task", (7,))]


@pytest.mark.django_db(transaction=True)
def test_message_of_a_transaction_that_was_undone_is_not_sent(sent: list[Any]) -> None:
    with transaction.atomic():
        bell.ring("task", 7)
        transaction.set_rollback(True)
    assert sent == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("gone"), ConnectionRefusedError(), OSError()])
def test_broker_that_is_away_is_logged_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(current_app, "send_task", away)
    bell.ring("task", 7)
    assert "the sweeper will send it again" in caplog.text
