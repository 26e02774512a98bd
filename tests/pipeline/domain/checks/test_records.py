"""Our copy against what was read, and what we wrote against what is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain import checks
from pipeline.domain.sections import remove_section, splice
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import Life
from tests.values import MOMENT, PERSON

HANDED = healthy.handed_over()
SHOWN = HANDED.issue


def found(life: Life = HANDED, **values: Any) -> set[str]:
    return set(checks.look(life.subject(**values))[0])


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        (replace(SHOWN, labels=(*SHOWN.labels, "bug")), ["labels"]),
        (replace(SHOWN, assignees=(PERSON,)), ["assignees"]),
        (replace(SHOWN, is_open=False), ["open or closed"]),
        (replace(SHOWN, body=splice(SHOWN.body, [("AI Assessment", "Other.")])), ["sections"]),
    ],
)
def test_difference_without_a_later_change_is_found(shown: Any, what: list[str]) -> None:
    faults, _ = checks.look(HANDED.subject(read=shown))
    assert set(faults) == {"record.differs"}
    assert faults["record.differs"].detail["differs"] == what


@pytest.mark.parametrize(
    "shown",
    [
        replace(SHOWN, labels=tuple(name.upper() for name in reversed(SHOWN.labels))),
        replace(SHOWN, body=f"A person's line.\r\n\r\n{SHOWN.body}"),
        replace(SHOWN, labels=(), updated_at=MOMENT + timedelta(minutes=30)),
        replace(SHOWN, assignees=tuple(replace(actor, login="copilot-swe-agent") for actor in SHOWN.assignees)),
    ],
    ids=["order and case", "text of people", "later change", "other name of the agent"],
)
def test_what_means_the_same_or_is_news_is_no_difference(shown: Any) -> None:
    assert found(read=shown) == set()


def test_list_that_trails_our_last_write_is_no_difference() -> None:
    stale = replace(SHOWN, labels=(), updated_at=MOMENT - timedelta(minutes=5))
    assert found(read=stale, now=MOMENT + timedelta(minutes=9)) == set()
    assert found(read=stale, now=MOMENT + timedelta(minutes=11)) == {"record.differs"}


def test_issue_that_was_not_read_is_not_compared() -> None:
    assert "record.differs" in checks.look(HANDED.subject(read=None))[1]


def test_section_that_we_wrote_and_that_is_gone_is_found() -> None:
    gone = replace(SHOWN, body=remove_section(SHOWN.body, "AI Assessment"))
    assert found(replace(HANDED, issue=gone)) == {"record.section_gone"}
    assert found(replace(HANDED, issue=gone, written=HANDED.written - {"AI Assessment"})) == set()
