"""What to do with an issue that stands between two states when its automation is rolled back: a proposal, with why.

Only a proposal: a person chooses. It never proposes to take work away from somebody who is at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Proposal(StrEnum):
    TRIAGE = "triage"
    LEAVE = "leave"
    COMPLETE = "complete"
    REASSIGN = "reassign"


@dataclass(frozen=True, slots=True)
class Facts:
    """`handover`: outcome of the newest hand-over, empty without one. `by_rolled_back`: the run that put the issue
    where it is belongs to what is rolled back. `conflicting`: it carries several state labels.
    """

    state: str
    present: bool = True
    is_open: bool = True
    closed_as: str = ""
    conflicting: bool = False
    needs_clarification: bool = False
    by_rolled_back: bool = False
    handover: str = ""
    blocker: str = ""
    pull_number: int | None = None
    pull_merged: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    proposal: Proposal
    reason: str


def propose(facts: Facts) -> Proposed:
    """Total: every combination of facts has an answer."""
    if not facts.present:
        return Proposed(Proposal.LEAVE, "The issue cannot be read any more; look for it on GitHub.")
    if not facts.is_open:
        how = f" as {facts.closed_as.replace('_', ' ')}" if facts.closed_as else ""
        return Proposed(Proposal.COMPLETE, f"The issue was closed{how} already; only its label says otherwise.")
    if facts.conflicting:
        return Proposed(Proposal.TRIAGE, "The issue carries contradicting state labels; it needs a new look.")
    if facts.state == "assigned":
        return _assigned(facts)
    return _handed_over(facts)


def _assigned(facts: Facts) -> Proposed:
    if facts.needs_clarification:
        return Proposed(Proposal.LEAVE, "The issue waits for a person's answer already.")
    if facts.by_rolled_back:
        return Proposed(Proposal.TRIAGE, "The issue was assigned by what is rolled back; its workflow is in doubt.")
    return Proposed(Proposal.LEAVE, "The issue was assigned before; it can be processed by hand.")


_ENDED = {
    "lost": "The hand-over was lost",
    "failed": "The agent failed",
    "rejected": "The agent's work was rejected",
    "withdrawn": "The hand-over was withdrawn",
}


def _handed_over(facts: Facts) -> Proposed:
    pull = f"pull request #{facts.pull_number}" if facts.pull_number else "its pull request"
    if facts.handover == "completed" or facts.pull_merged:
        return Proposed(Proposal.COMPLETE, f"The agent's work is done: {pull} was merged.")
    if facts.handover == "finished":
        return Proposed(Proposal.LEAVE, f"The agent has finished; {pull} waits for a person to merge it.")
    if facts.handover == "working":
        return Proposed(Proposal.LEAVE, f"The agent is at work in {pull}; let it finish.")
    if facts.handover == "waiting":
        return Proposed(Proposal.LEAVE, f"The agent waits for a person in {pull}.")
    if facts.handover in _ENDED:
        ended = _ENDED[facts.handover]
        if facts.blocker == "unclear":
            return Proposed(Proposal.TRIAGE, f"{ended} because the task was unclear; it needs a new look.")
        return Proposed(Proposal.REASSIGN, f"{ended}; it can be handed over again from state::assigned.")
    if facts.handover == "pending":
        return Proposed(Proposal.REASSIGN, "The agent has not begun; the hand-over can be taken back.")
    return Proposed(Proposal.REASSIGN, "No hand-over is on record, although the label says so.")
