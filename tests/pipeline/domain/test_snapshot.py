"""Snapshots: what a stored plan is held against."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.snapshot import COPILOT_USER_ID, Actor, from_json, to_json
from tests.values import COPILOT, PERSON, after, snapshot

CHANGED: dict[str, Any] = {
    "title": "Another title",
    "body": "Another body",
    "labels": ("bug",),
    "assignees": (PERSON,),
    "is_open": False,
    "locked": True,
}


@pytest.mark.parametrize("name", CHANGED)
def test_fingerprint_changes_with_whatever_a_plan_reads(name: str) -> None:
    assert replace(snapshot(), **{name: CHANGED[name]}).fingerprint() != snapshot().fingerprint()


@given(st.permutations(["site-monitor", "state::discovery", "bug"]))
def test_fingerprint_ignores_order_and_case_of_labels_and_times(labels: list[str]) -> None:
    shuffled = snapshot(labels=tuple(name.upper() for name in labels), updated_at=after(5), read_at=after(9))
    assert shuffled.fingerprint() == snapshot(labels=("bug", "site-monitor", "state::discovery")).fingerprint()


@given(st.text(max_size=200), st.text(max_size=200))
def test_fingerprint_tells_title_from_body(title: str, body: str) -> None:
    same = snapshot(title=title, body=body).fingerprint() == snapshot(title=body, body=title).fingerprint()
    assert same is (title == body)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("Copilot", COPILOT_USER_ID, "Bot"),
        Actor("copilot-swe-agent", None, "Bot"),
        Actor("copilot-swe-agent[bot]", 5, "Bot"),
        Actor("renamed", COPILOT_USER_ID),
    ],
)
def test_copilot_is_known_by_id_or_as_a_bot_of_its_names(actor: Actor) -> None:
    assert actor.is_copilot
    assert snapshot(assignees=(PERSON, actor)).copilot_assigned


def test_person_who_is_called_copilot_is_no_copilot() -> None:
    assert not Actor("copilot", 77, "User").is_copilot
    assert not snapshot(assignees=(PERSON,)).copilot_assigned


@given(st.text(max_size=80), st.booleans())
def test_json_read_back_is_the_snapshot(body: str, closed: bool) -> None:
    one = snapshot(body=body, assignees=(COPILOT, PERSON), closed_at=after(3) if closed else None)
    assert from_json(json.loads(json.dumps(to_json(one)))) == one
