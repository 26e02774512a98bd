"""What a kind of operation has to say: which items a run takes on, and what is to be done about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.domain.plan import Plan
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Discovery, Effect, Issue, ProblemReport, Run, RunItem


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item to be. A skipped one is recorded with its reason and does not count against the limit."""

    issue: Issue | None = None
    discovery: Discovery | None = None
    report: ProblemReport | None = None
    skipped: str = ""
    outcome: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    prefetched: IssueSnapshot | None = None  # read moments ago, for changes that carry no text


class Unfinished(Exception):
    """Choosing takes longer than one task may: what was done so far is kept, and `select` is to be called again."""


class Kind(Protocol):
    """`select` and `fresh` may read from GitHub or sources; `plan` only through what it is given."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        """At most `run.limit` candidates that are not skipped. May raise Unfinished."""
        ...

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan: ...

    def prepare(self, item: RunItem) -> None:
        """Called in the transaction that adds an item: where effects that are known already are stored."""
        ...

    def fresh(self, item: RunItem, github: GitHub) -> IssueSnapshot | None:
        """A read of the issue made moments ago for the whole run, when there is one."""
        ...


class NoPrefetch:
    """A kind whose items read their issue themselves."""

    def prepare(self, item: RunItem) -> None:
        """Nothing is known before the item is worked."""

    def fresh(self, item: RunItem, github: GitHub) -> IssueSnapshot | None:
        return None


def asked_for(run: Run) -> list[int] | None:
    """The issue numbers that a person named for this run, or None for all."""
    numbers = run.options.get("issues")
    return [int(number) for number in numbers] if numbers else None


def written_by_us(issue: Issue) -> dict[str, str | None]:
    """Section heading → what the last applied effect wrote there; None where it was taken away again."""
    rows = issue.effects.filter(kind="write_sections", state=Effect.State.APPLIED).order_by("settled_at", "pk")
    return {
        heading: content
        for payload in rows.values_list("payload", flat=True)
        for heading, content in payload["sections"]
    }
