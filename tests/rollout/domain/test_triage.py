"""Proposals for issues between two states: total, reasoned, and never against somebody who is at work."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.plan_triage import Choice
from rollout.domain.triage import Facts, Proposal, propose

OUTCOMES = ("", "pending", "working", "waiting", "finished", "completed", "rejected", "failed", "lost", "withdrawn")
FACTS = st.builds(
    Facts,
    state=st.sampled_from(["assigned", "copilot"]),
    present=st.booleans(),
    is_open=st.booleans(),
    closed_as=st.sampled_from(["", "completed", "not_planned"]),
    conflicting=st.booleans(),
    needs_clarification=st.booleans(),
    by_rolled_back=st.booleans(),
    handover=st.sampled_from(OUTCOMES),
    blocker=st.sampled_from(["", "unclear", "quota"]),
    pull_number=st.none() | st.integers(1, 999),
    pull_merged=st.booleans(),
)


@pytest.mark.parametrize(
    ("facts", "proposal", "word"),
    [
        ({"state": "assigned"}, Proposal.LEAVE, "by hand"),
        ({"state": "assigned", "by_rolled_back": True}, Proposal.TRIAGE, "in doubt"),
        ({"state": "assigned", "needs_clarification": True}, Proposal.LEAVE, "person's answer"),
        ({"state": "assigned", "conflicting": True}, Proposal.TRIAGE, "contradicting"),
        ({"state": "copilot"}, Proposal.REASSIGN, "No hand-over"),
        ({"state": "copilot", "handover": "pending"}, Proposal.REASSIGN, "has not begun"),
        ({"state": "copilot", "handover": "working", "pull_number": 7}, Proposal.LEAVE, "#7"),
        ({"state": "copilot", "handover": "finished", "pull_number": 7}, Proposal.LEAVE, "merge"),
        ({"state": "copilot", "handover": "finished", "pull_merged": True}, Proposal.COMPLETE, "merged"),
        ({"state": "copilot", "handover": "failed", "blocker": "quota"}, Proposal.REASSIGN, "failed"),
        ({"state": "copilot", "handover": "failed", "blocker": "unclear"}, Proposal.TRIAGE, "unclear"),
        ({"state": "copilot", "is_open": False, "closed_as": "not_planned"}, Proposal.COMPLETE, "not planned"),
        ({"state": "copilot", "present": False}, Proposal.LEAVE, "cannot be read"),
    ],
)
def test_proposal_follows_from_the_facts(facts: dict[str, Any], proposal: Proposal, word: str) -> None:
    found = propose(Facts(**facts))
    assert found.proposal is proposal
    assert word in found.reason


@given(FACTS)
def test_every_proposal_has_a_reason_in_a_sentence(facts: Facts) -> None:
    reason = propose(facts).reason
    assert reason[0].isupper()
    assert reason.endswith(".")
    assert len(reason) <= 300


@given(FACTS)
def test_agent_at_work_is_never_taken_off(facts: Facts) -> None:
    if facts.state == "copilot" and facts.handover in {"working", "waiting", "finished"} and not facts.conflicting:
        assert propose(facts).proposal in {Proposal.LEAVE, Proposal.COMPLETE}


@given(FACTS)
def test_open_issue_is_called_complete_only_when_the_work_was_merged(facts: Facts) -> None:
    if propose(facts).proposal is Proposal.COMPLETE and facts.is_open:
        assert facts.pull_merged or facts.handover == "completed"


def test_proposals_are_what_the_pipeline_can_carry_out() -> None:
    assert {proposal.value for proposal in Proposal} == {choice.value for choice in Choice}
