"""Hand-overs that lack a half (orphaned) or an end (stale), plan 3.1."""

from __future__ import annotations

from datetime import timedelta

from pipeline.domain.checks.values import Check, Fault, Severity, Subject
from pipeline.domain.guidance import ASSIGNMENT, GUIDANCE
from pipeline.domain.labels import has
from pipeline.domain.states import State

STALE_AFTER = timedelta(days=7)  # plan 3.1
# A hand-over follows its guidance within one run; held operations and reverted runs are given half a day.
WAITS = timedelta(hours=12)


def _no_guidance(subject: Subject) -> Fault | None:
    handed = subject.issue.copilot_assigned or subject.state is State.COPILOT
    if not subject.issue.is_open or not handed or subject.sections.get(GUIDANCE, "").strip():
        return None
    return Fault(
        f"Copilot has the issue and there is no {GUIDANCE!r} in it. Send the issue back to assigned, so that it is "
        "processed, or write the guidance on GitHub.",
        {"assigned": subject.issue.copilot_assigned},
    )


def _no_assignment(subject: Subject) -> Fault | None:
    """Guidance without the section that goes with it, or without a hand-over long after both were written."""
    issue = subject.issue
    if not issue.is_open or subject.state is State.DONE or not subject.sections.get(GUIDANCE, "").strip():
        return None
    if not subject.sections.get(ASSIGNMENT, "").strip():
        return Fault(f"The issue has {GUIDANCE!r} and no {ASSIGNMENT!r}. Have it processed again.", {"missing": "text"})
    waits = subject.state is State.ASSIGNED and not issue.copilot_assigned
    asked = has(issue.labels, subject.grammar.needs_clarification)
    if not waits or asked or subject.now - issue.updated_at < WAITS:
        return None
    return Fault(
        "Guidance was written and Copilot was never assigned; nothing has moved since "
        f"{issue.updated_at:%Y-%m-%d %H:%M} UTC. See whether processing runs, or remove both sections.",
        {"missing": "assignee", "since": issue.updated_at.isoformat()},
    )


def _no_assignee(subject: Subject) -> Fault | None:
    if not subject.issue.is_open or subject.state is not State.COPILOT or subject.issue.copilot_assigned:
        return None
    return Fault(
        "The issue is in state::copilot and Copilot is not assigned. Let tracking repeat the hand-over, or send the "
        "issue back to assigned.",
        {"assignees": [actor.login for actor in subject.issue.assignees]},
    )


def _no_state(subject: Subject) -> Fault | None:
    if not subject.issue.is_open or subject.state is State.COPILOT or not subject.issue.copilot_assigned:
        return None
    return Fault(
        f"Copilot is assigned and the issue is in state::{subject.state.value}. Unassign Copilot on GitHub, or set "
        f"{subject.grammar.state(State.COPILOT)}.",
        {"state": subject.state.value},
    )


def _stale(subject: Subject) -> Fault | None:
    since = subject.handed_over_at
    if since is None or not subject.issue.is_open or subject.state is not State.COPILOT:
        return None
    if subject.now - since <= STALE_AFTER:
        return None
    outcome = subject.handover.outcome if subject.handover else "unknown"
    return Fault(
        f"Copilot has had the issue since {since:%Y-%m-%d %H:%M} UTC, more than {STALE_AFTER.days} days, and it is not "
        f"done (outcome: {outcome}). Look at its pull request; merge it, answer it, or take the issue back.",
        {"since": since.isoformat(), "outcome": outcome},
    )


_NO_REPAIR = "No repair: handing over, or taking back, is a decision of processing, of tracking or of a person."

CHECKS = (
    Check(
        "copilot.no_guidance", Severity.WARNING, "Handed over without guidance",
        "Copilot works on an issue that has no specialist guidance (orphaned assignment, plan 3.1).",
        _no_guidance, _NO_REPAIR,
    ),
    Check(
        "copilot.no_assignment", Severity.WARNING, "Guidance without assignment",
        "Guidance was written and the hand-over that goes with it is missing.",
        _no_assignment, _NO_REPAIR,
    ),
    Check(
        "copilot.no_assignee", Severity.WARNING, "In state::copilot without Copilot",
        "The state says that Copilot works on the issue, and GitHub shows no such assignee.",
        _no_assignee, _NO_REPAIR,
    ),
    Check(
        "copilot.no_state", Severity.WARNING, "Copilot assigned outside of its state",
        "GitHub shows Copilot as assignee, and the issue is not in state::copilot.",
        _no_state, _NO_REPAIR,
    ),
    Check(
        "copilot.stale", Severity.WARNING, "Hand-over without an end",
        "An issue has been in state::copilot for more than seven days (plan 3.1).",
        _stale, _NO_REPAIR,
    ),
)  # fmt: skip
