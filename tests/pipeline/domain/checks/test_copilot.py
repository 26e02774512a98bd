"""Hand-overs that lack a half, or an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain import checks
from pipeline.domain.sections import remove_section, splice
from pipeline.domain.states import State
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import Life, with_labels
from tests.values import COPILOT, MOMENT, PERSON

OPENED, ASSIGNED, HANDED = healthy.opened(), healthy.assigned(), healthy.handed_over()
SOON, NEXT_DAY = MOMENT + timedelta(hours=1), MOMENT + timedelta(days=1)


def edited(life: Life, **values: Any) -> Life:
    return replace(life, issue=replace(life.issue, **values))


def without(life: Life, *headings: str) -> Life:
    body = life.issue.body
    for heading in headings:
        body = remove_section(body, heading)
    return edited(replace(life, written=life.written - set(headings)), body=body)


def back_in_assigned(life: Life) -> Life:
    """Both sections are written and nobody was assigned."""
    shown = with_labels(life, "state::assigned", without=["state::copilot"])
    return edited(replace(shown, state=State.ASSIGNED, handover=None), assignees=())


GUIDANCE, ASSIGNMENT = "Specialist Guidance", "Copilot Assignment"
UNREADY = {"copilot.no_guidance", "copilot.no_state"}
WRONG = {
    "assigned without guidance": (without(HANDED, GUIDANCE, ASSIGNMENT), SOON, {"copilot.no_guidance"}),
    "guidance is empty": (
        edited(HANDED, body=splice(HANDED.issue.body, [(GUIDANCE, "")])),
        SOON,
        {"copilot.no_guidance", "remnant.empty"},
    ),
    "guidance without assignment": (without(HANDED, ASSIGNMENT), SOON, {"copilot.no_assignment"}),
    "guidance and nobody assigned for a day": (back_in_assigned(HANDED), NEXT_DAY, {"copilot.no_assignment"}),
    "state without assignee": (edited(HANDED, assignees=(PERSON,)), SOON, {"copilot.no_assignee"}),
    "assignee without state": (edited(ASSIGNED, assignees=(COPILOT,)), SOON, UNREADY),
    "assignee in discovery": (edited(OPENED, assignees=(COPILOT,)), SOON, UNREADY),
    "older than seven days": (HANDED, MOMENT + timedelta(days=7, minutes=1), {"copilot.stale"}),
}  # fmt: skip
RIGHT = {
    "handed over": (HANDED, SOON),
    "handed over seven days ago": (HANDED, MOMENT + timedelta(days=7)),
    "assigned, not processed yet": (ASSIGNED, NEXT_DAY),
    "guidance written an hour ago": (back_in_assigned(HANDED), SOON),
    "guidance, and a person was asked": (with_labels(back_in_assigned(HANDED), "needs clarification"), NEXT_DAY),
    "person assigned in discovery": (edited(OPENED, assignees=(PERSON,)), SOON),
    "a person who is called Copilot": (edited(OPENED, assignees=(replace(PERSON, login="copilot"),)), SOON),
    "closed, whoever was assigned": (
        edited(HANDED, is_open=False, closed_at=MOMENT, assignees=()),
        SOON,
    ),
    "done long ago": (healthy.done(), MOMENT + timedelta(days=90)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_hand_over_without_a_half_or_an_end_is_found(name: str) -> None:
    life, now, expected = WRONG[name]
    assert set(checks.look(life.subject(now=now))[0]) == expected


@pytest.mark.parametrize("name", RIGHT)
def test_hand_over_that_is_under_way_is_no_fault(name: str) -> None:
    life, now = RIGHT[name]
    assert checks.look(life.subject(now=now))[0] == {}
