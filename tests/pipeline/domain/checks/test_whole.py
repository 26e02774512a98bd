"""Checks of a repository as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain.checks import look_at_whole
from pipeline.domain.checks.values import Count, Seen, Whole
from tests.values import MOMENT

HOUR = timedelta(hours=1)


def found(**values: Any) -> list[str]:
    return sorted(look_at_whole(Whole(now=MOMENT, **values))[0])


def seen(number: int, **values: Any) -> Seen:
    defaults: dict[str, Any] = {"issue_id": 100 + number, "number": number, "is_open": True, "ours": True}
    return Seen(**{**defaults, **values})


def test_issues_with_one_marker_are_duplicates_of_the_first() -> None:
    rows = [seen(9, keys=("k",)), seen(7, keys=("k",)), seen(8, keys=("other",))]
    (fault,) = look_at_whole(Whole(now=MOMENT, seen=rows))[0]["duplicate.issue"]
    assert (fault.issue_id, fault.detail["first"]) == (109, 7)
    assert fault.message.startswith("Issue #9 carries the same signed marker as #7")


def test_open_issues_of_one_address_are_duplicates() -> None:
    assert found(seen=[seen(7, url="a/b"), seen(8, url="a/b")]) == ["duplicate.discovery"]


@pytest.mark.parametrize(
    "rows",
    [
        [seen(7, keys=("k",)), seen(8, keys=("k",), ours=False)],
        [seen(7, keys=("k",)), seen(8, keys=("l",))],
        [seen(7, url="a/b"), seen(8, url="a/b", is_open=False)],
        [seen(7, url="a/b"), seen(8, url="a/c")],
        [seen(7), seen(8)],
    ],
    ids=["copied by somebody", "two markers", "one was closed", "two addresses", "nothing to compare"],
)
def test_what_is_not_the_same_or_not_ours_is_no_duplicate(rows: list[Seen]) -> None:
    assert found(seen=rows) == []


def counts(numbers: Sequence[int], state: str = "assigned", every: timedelta = HOUR) -> list[Count]:
    """The last one now."""
    return [
        Count(MOMENT - every * back, {state: n}) for back, n in zip(range(len(numbers))[::-1], numbers, strict=True)
    ]


def test_backlog_that_only_grows_is_found_once_for_each_state() -> None:
    whole = Whole(now=MOMENT, counts=counts([10, 11, 11, 13, 13, 15, 20]))
    (fault,) = look_at_whole(whole)[0]["backlog.grows"]
    assert (fault.key, fault.detail["from"], fault.detail["to"]) == ("assigned", 10, 20)


@pytest.mark.parametrize(
    "numbers",
    [[10, 11, 9, 13, 14, 15, 20], [10, 10, 11, 11, 12, 13, 14], [100, 101, 102, 103, 104, 105, 106], [5] * 7],
    ids=["fell once", "four more", "six per cent more", "level"],
)
def test_backlog_that_falls_or_hardly_grows_is_none(numbers: list[int]) -> None:
    assert found(counts=counts(numbers)) == []


def test_backlog_is_not_judged_before_it_was_seen_for_long_enough() -> None:
    assert "backlog.grows" in look_at_whole(Whole(now=MOMENT, counts=counts([1, 20])))[1]
    quick = counts([10, 12, 14, 16, 18, 20, 22], every=timedelta(minutes=2))
    assert "backlog.grows" in look_at_whole(Whole(now=MOMENT, counts=quick))[1]


def test_done_issues_are_no_backlog() -> None:
    assert found(counts=counts([10, 11, 12, 13, 14, 20, 30], state="done")) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"token_problem": "GitHub answered 401."}, ["token.refused"]),
        ({"token_checked_at": MOMENT - timedelta(hours=25)}, ["token.unchecked"]),
        ({"token_checked_at": MOMENT - timedelta(hours=24)}, []),
        ({"token_checked_at": None}, []),
    ],
)
def test_token_that_is_refused_or_unchecked_is_found(values: dict[str, Any], expected: list[str]) -> None:
    assert found(**values) == expected


@pytest.mark.parametrize(
    ("expected", "last", "changed", "silent"),
    [
        (True, 7, 1, True),
        (True, 7, 6, False),
        (True, 7, None, False),
        (True, None, 1, False),
        (False, 7, 1, False),
    ],
    ids=["silent while GitHub changed", "nothing changed", "no issue at all", "never came", "not set up"],
)
def test_webhook_that_stopped_is_found(expected: bool, last: int | None, changed: int | None, silent: bool) -> None:
    def ago(hours: int | None) -> Any:
        return None if hours is None else MOMENT - hours * HOUR

    values = {"webhook_expected": expected, "webhook_seen_at": ago(last), "changed_at": ago(changed)}
    assert found(**values) == (["webhook.silent"] if silent else [])


def test_duplicates_are_not_judged_when_not_all_issues_were_looked_at() -> None:
    assert {"duplicate.issue", "duplicate.discovery"} <= set(look_at_whole(Whole(now=MOMENT))[1])
