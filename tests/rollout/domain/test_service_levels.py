"""Which service level holds, and when it is met: never on too few cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from rollout.domain.measures import Reading
from rollout.domain.service_levels import Target, closest, judge
from rollout.domain.verdicts import Verdict

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
TARGET = Target("completion-48h", "80% completion within 48 hours", ">=", 0.8, minimum_sample=20)
BLOCKED = Target("blocked", "<5% blocked", "<", 0.05, minimum_sample=20)


@dataclass(frozen=True)
class Level:
    slug: str
    workflow: str
    repository_id: int | None


EVERYWHERE = Level("a", "", None)
OF_REPOSITORY = Level("a", "", 1)
OF_WORKFLOW = Level("a", "osint", None)
OF_BOTH = Level("a", "osint", 1)


@pytest.mark.parametrize("levels", list(permutations([EVERYWHERE, OF_REPOSITORY, OF_WORKFLOW, OF_BOTH])))
def test_closest_holds_whatever_the_order(levels: tuple[Level, ...]) -> None:
    assert closest(levels, 1, "osint")["a"] is OF_BOTH
    assert closest(levels, 2, "osint")["a"] is OF_WORKFLOW
    assert closest(levels, 1, "")["a"] is OF_REPOSITORY
    assert closest(levels, 2, "dossier")["a"] is EVERYWHERE


def test_level_of_a_workflow_beats_that_of_a_repository() -> None:
    assert closest([OF_REPOSITORY, OF_WORKFLOW], 1, "osint")["a"] is OF_WORKFLOW


def test_each_slug_is_found_for_itself() -> None:
    other = Level("b", "", None)
    assert closest([OF_BOTH, other], 1, "osint") == {"a": OF_BOTH, "b": other}


def reading(value: float | None, n: int, **parts: object) -> Reading:
    return Reading(value=value, n=n, newest=NOW - timedelta(hours=1), parts=parts)


@pytest.mark.parametrize(
    ("target", "value", "n", "verdict", "word"),
    [
        (TARGET, 0.8, 20, Verdict.PASS, "met"),
        (TARGET, 0.799, 20, Verdict.BREACH, "missed"),
        (TARGET, 1.0, 19, Verdict.INCONCLUSIVE, "not enough data"),
        (TARGET, 0.0, 19, Verdict.INCONCLUSIVE, "not enough data"),
        (TARGET, None, 0, Verdict.INCONCLUSIVE, "not enough data"),
        (BLOCKED, 0.049, 41, Verdict.PASS, "met"),
        (BLOCKED, 0.05, 40, Verdict.BREACH, "missed"),
        (BLOCKED, 0.0, 0, Verdict.INCONCLUSIVE, "not enough data"),
    ],
)
def test_level_is_judged_only_on_enough_cases(
    target: Target, value: float | None, n: int, verdict: Verdict, word: str
) -> None:
    found = judge(target, reading(value, n), floor=NOW - timedelta(days=56), now=NOW)
    assert (found.verdict, found.word) == (verdict, word)


def test_level_without_a_case_says_how_many_are_too_young() -> None:
    found = judge(TARGET, Reading(value=None, n=0, parts={"pending": 3}), floor=NOW, now=NOW)
    assert found.sentence == "No case can be judged yet; asked for: at least 80 %. 3 cases not old enough to be judged."


def test_fault_and_old_evidence_have_verdicts_of_their_own() -> None:
    floor = NOW - timedelta(days=56)
    fault = judge(TARGET, Reading(value=None, n=0, error="the database is locked"), floor=floor, now=NOW)
    old = judge(TARGET, Reading(value=0.9, n=40, newest=NOW - timedelta(days=9)), floor=floor, now=NOW)
    assert (fault.word, old.word) == ("could not be measured", "stale")
    assert "the database is locked" in fault.sentence


def test_interval_is_carried_along() -> None:
    found = judge(TARGET, reading(0.9, 40, low=0.77, high=0.96), floor=NOW - timedelta(days=56), now=NOW)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0.77, 0.96)
    assert found.sentence == "90 % of 40 cases; asked for: at least 80 %."
