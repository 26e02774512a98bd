"""What checks look at and what they say: plain values. A check is a pure function over one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Planned
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.workflows import WorkflowSpec


class Severity(StrEnum):
    """Notice: to know. Warning: somebody has to look. Critical: the automation works on something false, or cannot."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class Thing(StrEnum):
    """What a section of ours may name inside the repository."""

    BRANCH = "branch"
    FILE = "file"
    PULL = "pull"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One thing that is named. `name` is the branch, the path or the number; `ref` the branch that a file is on."""

    thing: Thing
    name: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What GitHub said of a reference. `words` are those of a file, None where nobody counted."""

    exists: bool
    words: int | None = None


@dataclass(frozen=True, slots=True)
class HandoverNow:
    """The last hand-over of an issue. `merged`: the agent's pull request was; `is_open`: nothing has ended it."""

    outcome: str
    requested_at: datetime
    branch: str = ""
    pull: int | None = None
    scaffold_pull: int | None = None
    is_open: bool = True
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One issue with everything that is known of it. `state` is ours; `workflows` are those in force, by slug.

    `sections`: heading → content of our sections; `written`: headings that applied effects of ours left standing.
    `read`: what GitHub showed in this sweep beside our copy, where it was read. `busy`: a change of ours is under way.
    `found`: what is known of the references in `named`; what is missing there could not be looked up yet.
    """

    issue: IssueSnapshot
    state: State
    grammar: LabelGrammar
    now: datetime
    workflows: Mapping[str, WorkflowSpec] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    written: frozenset[str] = frozenset()
    handover: HandoverNow | None = None
    handed_over_at: datetime | None = None
    read: IssueSnapshot | None = None
    busy: bool = False
    named: tuple[Reference, ...] = ()
    found: Mapping[Reference, Found] = field(default_factory=dict)

    @property
    def workflow(self) -> WorkflowSpec | None:
        """The one workflow in force that the labels name; None when they name none, several or an unknown one."""
        slugs = self.grammar.values(self.issue.labels, "workflow::")
        return self.workflows.get(slugs[0]) if len(slugs) == 1 else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What of one issue is compared with the others. `keys` are those of valid markers; `ours`: we wrote the issue."""

    issue_id: int
    number: int
    is_open: bool
    ours: bool
    keys: tuple[str, ...] = ()
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many issues stood in each state when a former sweep looked."""

    at: datetime
    by_state: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Whole:
    """A repository as a whole. `counts` are oldest first, the present one last; `changed_at`: the newest change seen.

    `seen` is None when not every issue was looked at.
    """

    now: datetime
    counts: Sequence[Count] = ()
    seen: Sequence[Seen] | None = None
    token_problem: str = ""
    token_checked_at: datetime | None = None
    webhook_expected: bool = False
    webhook_seen_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be. `message` says what was seen and what to do.

    `key` tells several faults of one check apart; `issue_id` is set where a check of the whole finds one issue.
    """

    message: str
    detail: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    issue_id: int | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """Changes of one step that mend a fault, and the state that the issue has afterwards where they move it."""

    effects: tuple[Planned, ...]
    moves: Mapping[int, State] = field(default_factory=dict)


def _always(subject: Subject) -> bool:
    return not subject.busy


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one issue. `able` says whether it can be judged now: where not, what was found before stays.

    `safety` says why `repair` may be made without asking anybody, or why there is none.
    """

    id: str
    severity: Severity
    title: str
    explanation: str
    look: Callable[[Subject], Fault | None]
    safety: str
    repair: Callable[[Subject], Repair | None] | None = None
    able: Callable[[Subject], bool] = _always
    of_references: bool = False


@dataclass(frozen=True, slots=True)
class WholeCheck:
    """A check of the repository as a whole."""

    id: str
    severity: Severity
    title: str
    explanation: str
    look: Callable[[Whole], Sequence[Fault]]
    able: Callable[[Whole], bool] = lambda _: True
