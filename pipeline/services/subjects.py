"""Rows as the subjects that checks look at: a few queries for each chunk of issues, none for each issue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline import clock
from pipeline.domain import markers, urls
from pipeline.domain.checks import naming, reading
from pipeline.domain.checks.values import HandoverNow, Seen, Subject
from pipeline.domain.discovery_section import HEADING as DISCOVERY
from pipeline.domain.discovery_section import parse_discovery
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.workflows import WorkflowSpec
from pipeline.models import Effect, Handover, Issue, Repository, RunItem
from pipeline.services import workflows
from pipeline.services.effects import marker_secret

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for every issue of a sweep."""

    repository: Repository
    now: datetime
    workflows: Mapping[str, WorkflowSpec]
    busy: frozenset[int]


def context(repository: Repository, *, apart_from: RunItem | None = None) -> Context:
    """`apart_from`: the item that asks, which is itself under way."""
    return Context(repository, clock.now(), workflows.in_force(repository), frozenset(_busy(repository, apart_from)))


def _busy(repository: Repository, apart_from: RunItem | None) -> Iterator[int]:
    """Issues of which half a change of ours may be what is seen."""
    effects = Effect.objects.filter(
        issue__repository=repository, state__in=(Effect.State.SENDING, Effect.State.UNKNOWN)
    )
    items = RunItem.objects.filter(run__repository=repository, issue__isnull=False, live=True, state__in=RunItem.ACTIVE)
    if apart_from is not None:
        effects, items = effects.exclude(item=apart_from), items.exclude(pk=apart_from.pk)
    yield from effects.values_list("issue_id", flat=True)
    yield from items.values_list("issue_id", flat=True)


def chunks(repository: Repository, numbers: Sequence[int] | None) -> Iterator[list[Issue]]:
    """Present issues in order of their numbers, those that were asked for only."""
    rows = Issue.objects.filter(repository=repository, presence=Issue.Presence.PRESENT).order_by("number")
    if numbers is not None:
        rows = rows.filter(number__in=numbers)
    last = -1
    while chunk := list(rows.filter(number__gt=last)[:CHUNK]):
        yield chunk
        last = chunk[-1].number


def of(rows: Sequence[Issue], known: Context, read: Mapping[int, IssueSnapshot]) -> list[tuple[Issue, Subject]]:
    """One subject for each row, with what its hand-overs and applied effects say."""
    ids = [row.pk for row in rows]
    handovers = {row.issue_id: row for row in Handover.objects.filter(issue__in=ids).order_by("generation")}
    written = _written([row.pk for row in rows if _is_live(row)])
    return [
        (row, _subject(row, known, handovers.get(row.pk), written.get(row.pk, frozenset()), read.get(row.number)))
        for row in rows
    ]


def _is_live(row: Issue) -> bool:
    """What is closed or done is not read any more."""
    return row.is_open and row.state != State.DONE.value


def _written(ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Issue → headings that the last applied effect wrote and did not take away."""
    found: dict[int, dict[str, bool]] = {}
    rows = Effect.objects.filter(issue__in=ids, kind="write_sections", state=Effect.State.APPLIED)
    for issue, payload in rows.order_by("settled_at", "pk").values_list("issue_id", "payload"):
        for heading, content in payload["sections"]:
            found.setdefault(int(issue or 0), {})[heading] = content is not None
    return {
        issue: frozenset(heading for heading, stands in headings.items() if stands) for issue, headings in found.items()
    }


def _subject(
    row: Issue, known: Context, last: Handover | None, written: frozenset[str], read: IssueSnapshot | None
) -> Subject:
    handover = _handover(last) if last else None
    sections = reading.sections(row.body) if _is_live(row) else {}
    state = State(row.state)
    at_work = _is_live(row) and state is not State.DISCOVERY
    return Subject(
        issue=row.snapshot(),
        state=state,
        grammar=known.repository.grammar,
        now=known.now,
        workflows=known.workflows,
        sections=sections,
        written=written,
        handover=handover,
        handed_over_at=row.handed_over_at,
        read=read,
        busy=row.pk in known.busy,
        named=naming.named(sections, handover, known.repository.html_url, known.repository.default_branch)
        if at_work
        else (),
    )


def _handover(row: Handover) -> HandoverNow:
    return HandoverNow(
        outcome=row.outcome,
        requested_at=row.requested_at,
        branch=row.scaffold_branch,
        pull=row.pull_number,
        scaffold_pull=row.scaffold_pull,
        is_open=row.outcome in Handover.OPEN,
        merged=bool(row.evidence.get("merged_at")),
    )


def light(subject: Subject) -> Subject:
    """Without the text: what waits for its references to be looked up does not need it, and there are many."""
    return replace(subject, issue=replace(subject.issue, body=""), read=None)


def seen(row: Issue, subject: Subject, login: str) -> Seen:
    """What of an issue is compared with the others. A marker counts only where our own account wrote it."""
    ours = bool(login) and subject.issue.author.login.lower() == login.lower()
    keys = markers.find(row.body, marker_secret()) if ours and "<!-- cp:" in row.body else ()
    return Seen(row.pk, row.number, row.is_open, ours, keys, _address(subject), row.title)


def _address(subject: Subject) -> str:
    content = subject.sections.get(DISCOVERY)
    facts = parse_discovery(content) if content else None
    if facts is None:
        return ""
    try:
        return urls.part_key(facts.url)
    except ValueError:
        return ""


def one(row: Issue, item: RunItem, snapshot: IssueSnapshot) -> Subject:
    """The subject of a single issue as it was read a moment ago."""
    ((_, subject),) = of([row], context(item.run.repository, apart_from=item), {})
    return replace(subject, issue=snapshot, sections=reading.sections(snapshot.body))
