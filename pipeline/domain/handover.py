"""What became of a hand-over to Copilot, from GitHub's own facts only.

Rules (GITHUB.md, section 2, and DESIGN.md): merged or closed as completed = completed; closed otherwise = rejected; a
failure event with no later start or commit = failed; no sign of the agent after a while = lost. The draft flag and the
state of single Actions runs say nothing. Events are compared by time, never by order.

A branch that conflicts and checks that fail stand in the way once the agent has stopped: while it works it may still
mend them. Permission, quota and an unclear task are known from its failure message only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.domain.facts import Pull, TimelineEvent
from pipeline.domain.snapshot import IssueSnapshot

STARTED, FINISHED, FAILED = "copilot_work_started", "copilot_work_finished", "copilot_work_finished_failure"
REFUSAL = "the agent encountered an error and was unable to start working on this issue"


class Outcome(StrEnum):
    PENDING = "pending"  # handed over, no sign yet
    WORKING = "working"
    WAITING = "waiting"  # for a person: approval of runs, or a question
    FINISHED = "finished"  # the agent is done, a person has to merge
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    LOST = "lost"


ENDED = frozenset({Outcome.COMPLETED, Outcome.REJECTED, Outcome.FAILED, Outcome.LOST})


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was read. `pulls` are those that refer to the issue; `events` of the issue and of the agent's pull."""

    issue: IssueSnapshot
    pulls: Sequence[Pull]
    events: Sequence[TimelineEvent]
    requested_at: datetime
    scaffold_branch: str
    now: datetime
    lost_after: timedelta


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: Outcome
    reason: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pull: Pull | None = None
    blocker: str = ""
    message: str = ""


def agent_pull(pulls: Sequence[Pull], requested_at: datetime) -> Pull | None:
    """The agent's newest pull request since the hand-over (a little clock skew allowed)."""
    earliest = requested_at - timedelta(minutes=1)
    ours = [pull for pull in pulls if pull.author.is_copilot and pull.created_at >= earliest]
    return max(ours, key=lambda pull: pull.created_at, default=None)


def judge(evidence: Evidence) -> Judgement:
    """One hand-over, judged."""
    pull = agent_pull(evidence.pulls, evidence.requested_at)
    started = _latest(evidence, STARTED) or (pull.created_at if pull else None)
    finished = _latest(evidence, FINISHED)
    closed = _closed(evidence, pull, started, finished)
    if closed is not None:
        return closed
    failure = _failure(evidence, pull)
    if failure is not None:
        return failure
    if pull is None:
        return _no_pull(evidence, started)
    if not pull.is_open and pull.merged_at is None:
        reason = f"The agent's pull request #{pull.number} was closed without being merged."
        return Judgement(Outcome.REJECTED, reason, started, pull.closed_at, pull)
    if pull.merged_at is not None:
        reason = f"The agent's pull request #{pull.number} was merged into {pull.base}; the issue is still open."
        return Judgement(Outcome.FINISHED, reason, started, pull.merged_at, pull)
    if finished is not None and (started is None or finished >= started):
        return _done_working(pull, started, finished)
    return _at_work(evidence, pull, started)


def _done_working(pull: Pull, started: datetime | None, finished: datetime) -> Judgement:
    obstacle = _obstacle(pull)
    if obstacle is not None:
        blocker, says = obstacle
        reason = f"The agent finished, but {says}."
        return Judgement(Outcome.WAITING, reason, started, finished, pull, blocker, reason)
    reason = f"The agent finished; pull request #{pull.number} waits to be merged."
    return Judgement(Outcome.FINISHED, reason, started, finished, pull)


def _obstacle(pull: Pull) -> tuple[str, str] | None:
    """What GitHub shows in the way of merging: (blocker, half a sentence)."""
    if pull.conflicts:
        return "conflict", f"pull request #{pull.number} conflicts with {pull.base}"
    if pull.checks_fail:
        return "checks", f"the checks of pull request #{pull.number} fail"
    return None


def _at_work(evidence: Evidence, pull: Pull, started: datetime | None) -> Judgement:
    """A session ends after an hour at the latest; one that does not move for long waits for a person."""
    still = evidence.now - pull.updated_at
    if still < 2 * evidence.lost_after:
        return Judgement(Outcome.WORKING, f"The agent works in pull request #{pull.number}.", started, None, pull)
    minutes = int(still.total_seconds() // 60)
    blocker, says = _obstacle(pull) or ("approval", "its runs may need approval")
    reason = f"Pull request #{pull.number} has not moved for {minutes} minutes; {says}."
    return Judgement(Outcome.WAITING, reason, started, None, pull, blocker, reason)


def _closed(
    evidence: Evidence, pull: Pull | None, started: datetime | None, finished: datetime | None
) -> Judgement | None:
    issue = evidence.issue
    if issue.is_open:
        return None
    if issue.state_reason in {"not_planned", "duplicate"}:
        reason = f"The issue was closed as {issue.state_reason.replace('_', ' ')}."
        return Judgement(Outcome.REJECTED, reason, started, finished or issue.closed_at, pull)
    return Judgement(
        Outcome.COMPLETED, "The issue was closed as completed.", started, finished or issue.closed_at, pull
    )


def _failure(evidence: Evidence, pull: Pull | None) -> Judgement | None:
    events = [
        event for event in evidence.events if event.at and event.at >= evidence.requested_at - timedelta(minutes=1)
    ]
    failures = [event for event in events if event.event == FAILED or _refuses(event)]
    if not failures:
        return None
    last = max(failures, key=lambda event: event.at or evidence.requested_at)
    later = [e for e in events if e.event in {STARTED, FINISHED, "committed"} and e.at and last.at and e.at > last.at]
    if later:
        return None
    message = last.message or last.body
    blocker = categorise(message)
    return Judgement(
        Outcome.FAILED, f"The agent failed: {_short(message)}", None, last.at, pull, blocker, _short(message)
    )


def _refuses(event: TimelineEvent) -> bool:
    said_by_agent = event.actor is not None and event.actor.is_copilot
    return event.event == "commented" and said_by_agent and REFUSAL in event.body.lower()


def _no_pull(evidence: Evidence, started: datetime | None) -> Judgement:
    waited = evidence.now - evidence.requested_at
    if started is not None:
        return _started_only(evidence, started)
    if not evidence.issue.copilot_assigned:
        return Judgement(Outcome.LOST, "Copilot is no longer assigned and never started.")
    if waited >= evidence.lost_after:
        minutes = int(waited.total_seconds() // 60)
        return Judgement(Outcome.LOST, f"No sign of the agent {minutes} minutes after the hand-over.")
    return Judgement(Outcome.PENDING, "Handed over; the agent has not started yet.")


def _started_only(evidence: Evidence, started: datetime) -> Judgement:
    """A session makes its pull request at its beginning and ends after an hour at the latest."""
    since = evidence.now - started
    if since < 2 * evidence.lost_after:
        return Judgement(Outcome.WORKING, "The agent started and has no pull request yet.", started)
    reason = (
        f"The agent started {int(since.total_seconds() // 60)} minutes ago and has no pull request; see its session."
    )
    return Judgement(Outcome.WAITING, reason, started, None, None, "other", reason)


def _latest(evidence: Evidence, name: str) -> datetime | None:
    earliest = evidence.requested_at - timedelta(minutes=1)
    return max((e.at for e in evidence.events if e.event == name and e.at and e.at >= earliest), default=None)


# In this order: a message that names several is put down to the first.
_CATEGORIES = (
    ("permission", ("permission", "not authorized", "forbidden", "access", "ruleset")),
    ("quota", ("quota", "rate limit", "premium request", "usage limit", "billing")),
    ("conflict", ("merge conflict", "conflict")),
    ("approval", ("approve", "approval", "waiting for")),
    ("checks", ("check", "test", "build", "workflow run", "ci ")),
    ("unclear", ("unclear", "ambiguous", "clarif", "not enough information", "understand")),
)


def categorise(message: str) -> str:
    """The blocker category of a failure message; "other" when no word says which."""
    text = message.lower()
    for name, words in _CATEGORIES:
        if any(word in text for word in words):
            return name
    return "other"


def _short(message: str) -> str:
    return " ".join(message.split())[:300]
