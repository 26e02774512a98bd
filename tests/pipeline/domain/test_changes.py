"""Changes as stored values: nothing is lost on the way into the database and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import changes
from pipeline.domain.changes import KINDS, Change, from_payload, request_hash, to_payload

TEXT = st.text(max_size=40)
TEXTS = st.lists(TEXT, max_size=4).map(tuple)
SECTIONS = st.lists(st.tuples(TEXT, st.none() | TEXT), max_size=3).map(tuple)
FILES = st.lists(st.builds(changes.ScaffoldFile, TEXT, TEXT), max_size=3).map(tuple)

CHANGES: st.SearchStrategy[Any] = st.one_of(
    st.builds(changes.CreateIssue, TEXT, TEXT, TEXTS),
    st.builds(changes.AddLabels, TEXTS),
    st.builds(changes.RemoveLabels, TEXTS),
    st.builds(changes.WriteSections, SECTIONS),
    st.builds(changes.AddComment, TEXT),
    st.builds(changes.CreateBranch, TEXT, TEXT, TEXT, FILES, TEXTS),
    st.builds(changes.OpenPull, TEXT, TEXT, TEXT, TEXT),
    st.builds(changes.AssignCopilot, TEXT, TEXT),
    st.builds(changes.UnassignCopilot),
    st.builds(changes.ClosePull, st.integers(1, 10**6)),
    st.builds(changes.DeleteBranch, TEXT, TEXT),
    st.builds(changes.CloseIssue, TEXT),
    st.builds(changes.ReopenIssue),
    st.builds(changes.CreateLabel, TEXT, TEXT, TEXT),
    st.builds(changes.DisableWorkflow, st.integers(1, 10**12), TEXT),
)


@given(CHANGES)
def test_payload_read_back_is_the_change(change: Change) -> None:
    stored = json.loads(json.dumps(to_payload(change)))
    assert from_payload(change.kind, stored) == change


@given(CHANGES, CHANGES)
def test_request_hash_is_equal_exactly_for_equal_changes(one: Change, other: Change) -> None:
    same = one == other and one.kind == other.kind
    hashes = [request_hash(change.kind, to_payload(change)) for change in (one, other)]
    assert (hashes[0] == hashes[1]) is same


def test_request_hash_ignores_the_order_of_keys() -> None:
    payload = to_payload(changes.OpenPull("b", "main", "t", "text"))
    assert request_hash("open_pull", payload) == request_hash("open_pull", dict(reversed(payload.items())))


def test_every_change_of_the_port_has_a_kind_of_its_own() -> None:
    assert set(KINDS.values()) == set(Change.__args__)
    assert all(KINDS[cls.kind] is cls for cls in Change.__args__)


def test_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Unknown kind of change 'delete_repository'; known are add_comment"):
        from_payload("delete_repository", {})
