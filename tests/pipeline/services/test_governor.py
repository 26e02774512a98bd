"""One governor for all workers of a token: pacing, quota, back-off and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, connections

from pipeline import clock
from pipeline.github.client import Call
from pipeline.github.port import QuotaExhausted
from pipeline.models import ApiCall, TokenBudget
from pipeline.services.governor import Governor, Limits, accounting
from tests.factories import make_item, make_repository

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = "k" * 64


@pytest.fixture
def virtual(db: None) -> Iterator[clock.VirtualClock]:
    moving = clock.VirtualClock(START)
    with clock.using(moving):
        yield moving


def governor(**limits: object) -> Governor:
    return Governor(KEY, Limits(**limits), label="env:T")  # type: ignore[arg-type]


def answered(
    status: int | None = 200, limited: str = "", headers: dict[str, str] | None = None, *, write: bool = True
) -> Call:
    return Call("POST", "/repos/{repo}/issues", "rest", write, status, headers or {}, 12, limited)


def standing(remaining: int, reset: datetime, resource: str = "core", limit: int = 5000) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(reset.timestamp())),
        "x-ratelimit-resource": resource,
    }


def test_writes_are_spaced_by_sleeping(virtual: clock.VirtualClock) -> None:
    subject = governor(write_spacing=timedelta(seconds=1))
    for _ in range(4):
        subject.admit(True, "rest")
    assert virtual.now() - START == timedelta(seconds=3)
    assert list(ApiCall.objects.order_by("at").values_list("at", flat=True)) == [
        START + timedelta(seconds=n) for n in range(4)
    ]


def test_each_request_is_told_with_its_run_and_how_it_ended(
    virtual: clock.VirtualClock, told: Callable[[], list[dict[str, Any]]]
) -> None:
    item = make_item()
    with accounting(item.run_id, item.pk):
        governor().record(answered(None))
    (line,) = told()
    assert (line["event"], line["run"], line["item"], line["status"]) == ("api", item.run_id, item.pk, None)
    assert (line["method"], line["route"], line["write"], line["duration_ms"]) == (
        "POST", "/repos/{repo}/issues", True, 12
    )  # fmt: skip


def test_reads_are_not_paced(virtual: clock.VirtualClock) -> None:
    for _ in range(10):
        assert governor().admit(False, "rest") is None
    assert virtual.now() == START


def test_write_beyond_the_minute_is_put_off_until_there_is_room(virtual: clock.VirtualClock) -> None:
    subject = governor(write_spacing=timedelta(0), writes_per_minute=3)
    for _ in range(3):
        subject.admit(True, "rest")
    with pytest.raises(QuotaExhausted, match="Nothing was sent") as caught:
        subject.admit(True, "rest")
    assert caught.value.until == START + timedelta(minutes=1)
    virtual.set(caught.value.until)
    assert subject.admit(True, "rest")


def test_write_beyond_the_hour_is_put_off_until_there_is_room(virtual: clock.VirtualClock) -> None:
    subject = governor(write_spacing=timedelta(seconds=1), writes_per_minute=10, writes_per_hour=5)
    for _ in range(5):
        subject.admit(True, "rest")
    with pytest.raises(QuotaExhausted) as caught:
        subject.admit(True, "rest")
    assert caught.value.until == START + timedelta(hours=1)


def test_no_window_ever_holds_more_than_its_allowance(virtual: clock.VirtualClock) -> None:
    subject = governor(write_spacing=timedelta(seconds=1), writes_per_minute=7, writes_per_hour=30)
    while virtual.now() < START + timedelta(hours=2):
        try:
            subject.admit(True, "rest")
        except QuotaExhausted as error:
            virtual.set(error.until)
    times = list(ApiCall.objects.order_by("at").values_list("at", flat=True))
    assert all(later - first >= timedelta(minutes=1) for first, later in zip(times, times[7:], strict=False))
    assert all(later - first >= timedelta(hours=1) for first, later in zip(times, times[30:], strict=False))
    assert len(times) >= 60


def test_retry_after_blocks_every_request_until_then(virtual: clock.VirtualClock) -> None:
    subject = governor()
    until = subject.record(answered(403, "secondary", {"retry-after": "90"}))
    assert until == START + timedelta(seconds=90)
    for write in (True, False):
        with pytest.raises(QuotaExhausted, match="secondary limit") as caught:
            Governor(KEY, Limits()).admit(write, "graphql")
        assert caught.value.until == until
    virtual.set(until)
    subject.admit(True, "rest")


def test_used_up_hour_blocks_until_its_reset(virtual: clock.VirtualClock) -> None:
    reset = START + timedelta(minutes=20)
    until = governor().record(answered(403, "primary", standing(0, reset)))
    assert until == reset
    with pytest.raises(QuotaExhausted):
        governor().admit(False, "rest")


def test_secondary_limit_without_a_time_doubles_from_a_minute(virtual: clock.VirtualClock) -> None:
    waits = []
    for _ in range(6):
        until = governor().record(answered(403, "secondary"))
        assert until is not None
        waits.append((until - virtual.now()).total_seconds())
        virtual.set(until)
    assert waits[:4] == [60, 120, 240, 480]
    assert max(waits) <= 900


def test_share_kept_for_people_is_not_touched(virtual: clock.VirtualClock) -> None:
    subject = governor(reserve_share=0.1)
    subject.record(answered(200, "", standing(501, START + timedelta(minutes=30))))
    subject.admit(False, "rest")
    subject.record(answered(200, "", standing(500, START + timedelta(minutes=30))))
    with pytest.raises(QuotaExhausted, match="500 of 5000") as caught:
        subject.admit(False, "rest")
    assert caught.value.until == START + timedelta(minutes=30)
    subject.admit(False, "graphql")


def test_late_answer_does_not_raise_the_remainder_again(virtual: clock.VirtualClock) -> None:
    reset = START + timedelta(minutes=30)
    for remaining in (4000, 4002):
        governor().record(answered(200, "", standing(remaining, reset)))
    assert TokenBudget.objects.get().remaining == 4000
    governor().record(answered(200, "", standing(4999, reset + timedelta(hours=1))))
    assert TokenBudget.objects.get().remaining == 4999


def test_graphql_pool_is_kept_apart(virtual: clock.VirtualClock) -> None:
    governor().record(answered(200, "", standing(10, START + timedelta(minutes=5), "graphql")))
    budget = TokenBudget.objects.get()
    assert (budget.graphql_remaining, budget.remaining) == (10, None)


def test_write_leaves_one_row_whether_answered_or_not(virtual: clock.VirtualClock) -> None:
    subject = governor(write_spacing=timedelta(0))
    ticket = subject.admit(True, "rest", method="POST", route="/x")
    subject.admit(True, "rest", method="POST", route="/x")  # and its worker is killed
    subject.record(answered(201), ticket)
    rows = list(ApiCall.objects.order_by("pk").values_list("status", flat=True))
    assert rows == [201, None]


def test_rows_carry_the_run_and_item_in_force(virtual: clock.VirtualClock) -> None:
    item = make_item()
    with accounting(item.run_id, item.pk):
        governor().record(answered(200, write=False))
    governor().record(answered(200, write=False))
    assert list(ApiCall.objects.order_by("pk").values_list("run_id", "item_id")) == [
        (item.run_id, item.pk),
        (None, None),
    ]


def test_block_during_a_sleep_stops_the_write(virtual: clock.VirtualClock) -> None:
    subject = governor(write_spacing=timedelta(seconds=3))
    subject.admit(True, "rest")

    class Meanwhile(clock.VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            governor().record(answered(429, "secondary", {"retry-after": "60"}))

    with clock.using(Meanwhile(START)), pytest.raises(QuotaExhausted):
        subject.admit(True, "rest")
    assert ApiCall.objects.filter(status=None).count() == 1


def test_limits_come_from_the_repository(db: None) -> None:
    row = make_repository(write_spacing_ms=250, writes_per_minute=7, writes_per_hour=70, reserve_share=0.3)
    assert Limits.of(row) == Limits(timedelta(milliseconds=250), 7, 70, 0.3)


@pytest.mark.django_db(transaction=True)
def test_threads_never_get_the_same_moment() -> None:
    subject = [governor(write_spacing=timedelta(milliseconds=20), writes_per_minute=1000) for _ in range(8)]

    def write(index: int) -> None:
        try:
            for _ in range(4):
                subject[index].admit(True, "rest")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    times = list(ApiCall.objects.order_by("at").values_list("at", flat=True))
    gaps = [later - first for first, later in pairwise(times)]
    assert len(times) == 32
    assert min(gaps) >= timedelta(milliseconds=20), connection.vendor
