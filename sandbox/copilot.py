"""A Copilot that starts, works, waits, fails, is lost or finishes, and the people who review what it made.

Everything is drawn from the seed, the issue and the number of its assignment, so that the order in which issues are
handed over changes nothing. Sessions step in `Sandbox.advance`.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from sandbox import copilot_work, git, issues, pulls
from sandbox.call import Call
from sandbox.errors import Refusal
from sandbox.model import COPILOT_LOGIN, Issue, Repository, Session
from sandbox.remarks import REMARKS
from sandbox.seed import REVIEWER
from sandbox.world import World

Span = list[float]  # seconds, from and to, drawn evenly
AGENT_STAGES = ("start", "work", "approve", "finish", "fail")
OUTCOMES = ("lost", "error", "fail", "wait", "reject", "finish")
SPANS = ("start", "work", "commits", "approve", "review")
CANNOT_START = "The agent encountered an error and was unable to start working on this issue: "
NO_PERMISSION = "The token used to assign the agent doesn't have the necessary permissions to start a session."
NO_BRANCH = "The base branch {name} could not be found."


@dataclass
class CopilotConfig:
    """Spans in seconds before `speed`; shares are weights of the outcomes.

    lost: accepted, nothing happens; error: a comment instead of a session; fail: starts, then fails; wait: stands
    until a person approves the workflows, then finishes; reject: finishes, and the reviewer closes it unmerged.
    """

    assignable: bool = True
    people: bool = True  # whether a simulated reviewer approves, merges and rejects
    start: Span = field(default_factory=lambda: [3.0, 7.0])
    work: Span = field(default_factory=lambda: [120.0, 900.0])
    commits: list[int] = field(default_factory=lambda: [1, 3])
    approve: Span = field(default_factory=lambda: [120.0, 600.0])
    review: Span = field(default_factory=lambda: [300.0, 3600.0])
    shares: dict[str, float] = field(
        default_factory=lambda: dict(zip(OUTCOMES, (0.04, 0.02, 0.06, 0.06, 0.04, 0.78), strict=True))
    )
    remarks: float = 0.5  # of the sessions that finish, the share in which Copilot says something about its task
    failure_message: str = "The session stopped because the premium request allowance is used up."

    def update(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"Unknown Copilot setting {name!r}; known are {', '.join(self.__dataclass_fields__)}.")
            if name == "shares" and (not set(value) <= set(OUTCOMES) or sum(value.values()) <= 0):
                raise ValueError(f"Copilot's shares are weights of {', '.join(OUTCOMES)}, not all zero.")
            if name == "remarks" and not (isinstance(value, int | float) and 0 <= value <= 1):
                raise ValueError(f"Copilot's remarks are a share, 0 to 1, not {value!r}.")
            if name in SPANS and not _is_span(value):
                raise ValueError(f"Copilot's {name} is {value!r}; it must be [from, to] with 0 <= from <= to.")
            setattr(self, name, value)

    def dump(self) -> dict[str, Any]:
        return asdict(self)


def _is_span(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(item, int | float) for item in value)
    return numbers and 0 <= value[0] <= value[1]


class Pace(Protocol):
    """The part of the sandbox's settings that Copilot needs."""

    speed: float
    copilot: CopilotConfig


class Copilot:
    def __init__(self, world: World, pace: Pace, seed: int) -> None:
        self._world = world
        self._pace = pace
        self._seed = seed
        self._stages = {
            "start": self._start,
            "work": self._work,
            "approve": self._approve,
            "finish": self._finish,
            "fail": self._fail,
            "review": self._review,
            "deliver": self._deliver,
        }
        world.on_copilot_assigned.append(self.assigned)
        world.on_copilot_unassigned.append(self.unassigned)

    @property
    def _sessions(self) -> list[Session]:
        return self._world.state.sessions

    def next_session(self) -> Session | None:
        return min(self._sessions, key=lambda session: (session.due, session.id), default=None)

    def step(self, session: Session) -> None:
        """What is due now; a session whose ground has gone (issue, branch) ends."""
        repository = self._world.state.repositories.get(session.repository.lower())
        issue = repository.issues.get(session.number) if repository else None
        if repository is None or issue is None or issue.deleted or issue.moved_to:
            self._end(session)
            return
        try:
            self._stages[session.stage](session, repository, issue)
        except Refusal as refusal:
            call = self._call(repository, session.number)
            call.note("ended", session.stage, refusal.message)
            self._world.record(call, "copilot.ended")
            self._end(session)

    # -- being assigned ------------------------------------------------------------------------------------------

    def assigned(self, repository: Repository, issue: Issue, call: Call, agent: dict[str, Any]) -> None:
        world = self._world
        hand_overs = [entry for entry in issue.timeline if entry.event == "assigned"]
        generation = sum(1 for entry in hand_overs if entry.data["assignee"] == COPILOT_LOGIN)
        session = Session(
            id=world.next_id(), repository=repository.full_name, number=issue.number, generation=generation,
            by=call.actor, base_branch=str(agent.get("base_branch") or repository.default_branch),
            instructions=str(agent.get("custom_instructions") or ""), outcome="finish", stage="start",
            due=world.precise_now(), assigned_at=world.now(),
        )  # fmt: skip
        dice = self._dice(session, "outcome")
        shares = self._pace.copilot.shares
        session.outcome = dice.choices(list(shares), weights=list(shares.values()))[0]
        fewest, most = (max(1, int(count)) for count in self._pace.copilot.commits)
        session.commits_left = dice.randint(fewest, most)
        if session.outcome == "lost":
            self._log(repository, session, "copilot.lost")
            return
        self._later(session, "start", "start")
        self._sessions.append(session)
        world.touch()

    def unassigned(self, repository: Repository, issue: Issue) -> None:
        """Work that is under way stops; a pull request that is there stays."""
        for session in list(self._sessions):
            mine = session.repository == repository.full_name and session.number == issue.number
            if mine and session.stage in AGENT_STAGES:
                self._end(session)

    # -- the agent -----------------------------------------------------------------------------------------------

    def _start(self, session: Session, repository: Repository, issue: Issue) -> None:
        if issue.state == "closed":
            self._end(session)
            return
        call = self._call(repository, issue.number)
        missing = f"heads/{session.base_branch}" not in repository.git.refs
        if session.outcome == "error" or missing:
            reason = NO_BRANCH.format(name=session.base_branch) if missing else NO_PERMISSION
            issues.comment(self._world, repository, issue, call, CANNOT_START + reason)
            self._world.record(call, "copilot.error")
            self._end(session)
            return
        pull = copilot_work.open_pull(self._world, repository, issue, session, call)
        self._world.record(call, "copilot.started")
        session.pull_number = pull.number
        self._next_work(session)

    def _next_work(self, session: Session) -> None:
        self._later(session, "work", "work", 1 / (session.commits_left + 1))

    def _work(self, session: Session, repository: Repository, issue: Issue) -> None:
        pull = self._pull(session, repository)
        if session.outcome == "fail" and session.commits_left <= 1:
            self._later(session, "fail", "work", 0.1)
            return
        call = self._call(repository, pull.number)
        copilot_work.commit(self._world, repository, issue, pull, session, call)
        self._world.record(call, "copilot.committed")
        session.commits_left -= 1
        session.commits_made += 1
        if session.outcome == "wait" and session.commits_made == 1:
            copilot_work.await_approval(self._world, repository, pull)
            self._world.record(self._call(repository, pull.number), "copilot.waits")
            if self._pace.copilot.people:
                self._later(session, "approve", "approve")
            else:
                self._end(session)
        elif session.commits_left > 0:
            self._next_work(session)
        else:
            self._later(session, "finish", "work", 0.1)

    def _approve(self, session: Session, repository: Repository, _issue: Issue) -> None:
        pull = self._pull(session, repository)
        copilot_work.approve_runs(self._world, repository, pull)
        self._world.record(self._person(repository, pull.number), "human.approved_workflows")
        if session.commits_left > 0:
            self._next_work(session)
        else:
            self._later(session, "finish", "work", 0.1)

    def _fail(self, session: Session, repository: Repository, _issue: Issue) -> None:
        pull = self._pull(session, repository)
        call = self._call(repository, pull.number)
        message = self._pace.copilot.failure_message
        issues.trace(self._world, pull, call, "copilot_work_finished_failure", failure_message=message)
        text = f"Copilot stopped work on behalf of @{session.by}: {message}"
        issues.comment(self._world, repository, pull, call, text)
        self._world.record(call, "copilot.failed")
        self._end(session)

    def _finish(self, session: Session, repository: Repository, issue: Issue) -> None:
        pull = self._pull(session, repository)
        call = self._call(repository, pull.number)
        copilot_work.finish(self._world, repository, issue, pull, session, call)
        self._remark(session, repository, pull, call)
        self._world.record(call, "copilot.finished")
        if self._pace.copilot.people:
            self._later(session, "review", "review")
        else:
            self._end(session)

    def _remark(self, session: Session, repository: Repository, pull: Issue, call: Call) -> None:
        dice = self._dice(session, "remark")
        if dice.random() >= self._pace.copilot.remarks:
            return
        kind, text = dice.choice(REMARKS)
        if kind == "review":
            pulls.review(self._world, repository, pull, call, "COMMENTED", text)
        else:
            issues.comment(self._world, repository, pull, call, text)

    # -- the people ----------------------------------------------------------------------------------------------

    def _review(self, session: Session, repository: Repository, _issue: Issue) -> None:
        pull, world = self._pull(session, repository), self._world
        call = self._person(repository, pull.number)
        if session.outcome == "reject":
            issues.comment(world, repository, pull, call, "This does not answer the issue; closing without a merge.")
            pulls.close(world, repository, pull, call)
            world.record(call, "human.rejected")
            self._end(session)
            return
        pulls.ready(world, repository, pull, call)
        pulls.review(world, repository, pull, call, "APPROVED", "")
        pulls.merge(world, repository, pull, call)
        world.record(call, "human.merged")
        if session.base_branch == repository.default_branch:
            self._end(session)
        else:
            self._later(session, "deliver", "review", 0.3)

    def _deliver(self, session: Session, repository: Repository, _issue: Issue) -> None:
        """Merge the pull request of the scaffold branch into the default branch, if there is one."""
        for pull in pulls.find_open(repository, session.base_branch, repository.default_branch):
            call = self._person(repository, pull.number)
            pulls.ready(self._world, repository, pull, call)
            pulls.merge(self._world, repository, pull, call)
            self._world.record(call, "human.merged")
        self._end(session)

    # -- small things ----------------------------------------------------------------------------------------------

    def _pull(self, session: Session, repository: Repository) -> Issue:
        """The session's pull request, still open and on its branch."""
        pull = self._world.pull(repository, session.pull_number or 0)
        if pull.state == "closed":
            raise Refusal(422, "the pull request was closed by somebody")
        git.head(repository.git, session.branch or "")
        return pull

    def _call(self, repository: Repository, number: int) -> Call:
        return Call(COPILOT_LOGIN, "copilot", repository=repository.full_name, number=number)

    def _person(self, repository: Repository, number: int) -> Call:
        return Call(REVIEWER, "human", repository=repository.full_name, number=number)

    def _log(self, repository: Repository, session: Session, field: str) -> None:
        self._world.record(self._call(repository, session.number), field)

    def _end(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
        self._world.touch()

    def _dice(self, session: Session, purpose: str) -> random.Random:
        key = f"{self._seed}:{session.repository}:{session.number}:{session.generation}:{purpose}"
        return random.Random(key)

    def _later(self, session: Session, stage: str, span: str, share: float = 1.0) -> None:
        """Set the next stage, after a delay drawn from the configured span."""
        low, high = getattr(self._pace.copilot, span)
        dice = self._dice(session, f"{stage}:{session.commits_made}")
        seconds = dice.uniform(low, high) * share / max(self._pace.speed, 1e-6)
        session.stage, session.due = stage, self._world.precise_now() + timedelta(seconds=seconds)
        self._world.touch()
