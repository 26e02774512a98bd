"""What is the same evidence, and from when evidence counts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import evidence
from rollout.domain.measures import Reading, Row

EARLIEST = datetime(2026, 11, 2, tzinfo=UTC)
MOMENTS = st.integers(-500, 500).map(lambda hours: EARLIEST + timedelta(hours=hours))
CHANGES = st.lists(st.tuples(MOMENTS, st.integers(0, 30)), max_size=8, unique_by=lambda change: change[0])
READING = Reading(
    value=0.5, n=2, rows=(Row("pipeline.run", 1), Row("pipeline.run", 2)), parts={"facts": [[1, 0], [2, 1]]}
)


def key(reading: Reading, *, rule: str = "rule", subject: str = "assign", verdict: str = "pass") -> str:
    return evidence.key(rule, subject, verdict, reading)


@given(st.lists(st.none() | MOMENTS, max_size=6))
def test_the_floor_is_the_latest_of_what_there_was(moments: list[datetime | None]) -> None:
    known = [moment for moment in moments if moment is not None]
    assert evidence.floor(moments, earliest=EARLIEST) == (max(known) if known else EARLIEST)


@given(st.lists(MOMENTS, min_size=1, max_size=6), MOMENTS)
def test_another_decision_never_lowers_the_floor(moments: list[datetime], another: datetime) -> None:
    before = evidence.floor(moments, earliest=EARLIEST)
    assert evidence.floor([*moments, another], earliest=EARLIEST) == max(before, another)


@given(CHANGES, st.integers(0, 30))
def test_only_a_new_height_of_the_limit_starts_evidence_again(changes: list[tuple[datetime, int]], first: int) -> None:
    found = evidence.highest_since(changes, first)
    top = max((limit for _, limit in changes), default=first)
    if top <= first:
        assert found is None
    else:
        assert found == min(moment for moment, limit in changes if limit == top)


@given(CHANGES, st.integers(0, 30), st.integers(0, 10**6))
def test_in_whatever_order_changes_come_the_height_is_the_same(
    changes: list[tuple[datetime, int]], first: int, seed: int
) -> None:
    shuffled = random.Random(seed).sample(changes, len(changes))
    assert evidence.highest_since(shuffled, first) == evidence.highest_since(changes, first)


def test_the_same_rows_and_facts_in_another_order_are_the_same_evidence() -> None:
    turned = replace(READING, rows=READING.rows[::-1], parts={"facts": [[2, 1], [1, 0]], "named": "other words"})
    assert key(turned) == key(READING)
    assert evidence.same([[1, 0], [2, 1]], [[2, 1], [1, 0]])


@pytest.mark.parametrize(
    "other",
    [
        replace(READING, value=0.6),
        replace(READING, rows=READING.rows[:1]),
        replace(READING, parts={"facts": [[1, 1], [2, 1]]}),
        replace(READING, error="It could not be read."),
        replace(READING, end=EARLIEST),
    ],
)
def test_anything_else_seen_is_other_evidence(other: Reading) -> None:
    assert key(other) != key(READING)


def test_another_rule_subject_or_verdict_is_other_evidence() -> None:
    assert len({key(READING), key(READING, rule="x"), key(READING, subject="x"), key(READING, verdict="stale")}) == 4
