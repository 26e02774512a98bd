"""Rows of problem reports: taken from GitHub, and brought up to date by what an applied effect made true.

Which reports a run takes on, and what it plans for them, is said in `pipeline.services.kinds.reports`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from pipeline import clock
from pipeline.domain.reports import HEADING
from pipeline.domain.sections import read_section, splice
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import IssueTarget
from pipeline.models import Effect, ProblemReport, Repository

Facts = dict[str, Any]
Ending = ProblemReport.Ending


def absorb(repository: Repository, snapshot: IssueSnapshot) -> bool:
    """Whether the issue is a report of ours; then what GitHub shows of it is kept, and a person's closing respected."""
    if HEADING not in snapshot.body and snapshot.author.login.lower() != repository.token_login.lower():
        return False  # nobody else's issue costs a query
    row = ProblemReport.objects.filter(repository=repository, number=snapshot.number).first()
    if row is not None:
        take_over(row, snapshot)
    return row is not None


def take_over(row: ProblemReport, snapshot: IssueSnapshot) -> None:
    """Keep what GitHub shows of a report: what is written next is spliced into exactly this."""
    ProblemReport.objects.filter(pk=row.pk).update(body=snapshot.body.replace("\x00", ""))
    if row.is_open and not snapshot.is_open and not being_written(row):
        close(row, Ending.BY_PERSON, snapshot.closed_at)


def being_written(row: ProblemReport) -> bool:
    """Whether a closing that is seen may be one of ours, not settled yet."""
    open_states = (Effect.State.SENDING, Effect.State.UNKNOWN)
    return Effect.objects.filter(item__report=row, state__in=open_states).exists()


def close(row: ProblemReport, ending: ProblemReport.Ending, at: datetime | None = None) -> None:
    """The report is over: what comes of its group later gets an issue of its own."""
    now = clock.now()
    ProblemReport.objects.filter(pk=row.pk, is_open=True).update(
        is_open=False, closed_at=at or now, updated_at=now, ending=ending
    )
    row.refresh_from_db()


def lost(row: ProblemReport) -> None:
    """Its issue was deleted or transferred: nothing more is written to it."""
    close(row, Ending.GONE)


def target(row: ProblemReport) -> IssueTarget:
    """What is written to: nothing yet, for a report that GitHub has not taken."""
    row.refresh_from_db()
    return IssueTarget(number=row.number, node_id=row.node_id, body=row.body)


def written(row: ProblemReport) -> str | None:
    """Our section as we last wrote it; None when it was never written, or taken away again."""
    effects = _applied(row).filter(kind__in=("create_issue", "write_sections")).order_by("-settled_at", "-pk")
    last = effects.first()
    if last is None:
        return None
    if last.kind == "create_issue":
        return read_section(str(last.payload["body"]), HEADING)
    content: str | None = dict(last.payload["sections"]).get(HEADING)
    return content


def taken_leave(row: ProblemReport) -> bool:
    """Whether the last comment stands there already."""
    return _applied(row).filter(kind="add_comment").exists()


def _applied(row: ProblemReport) -> QuerySet[Effect]:
    return Effect.objects.filter(item__report=row, state=Effect.State.APPLIED)


# --- what an applied effect made true; all of it joins the transaction that settles the effect ---


def opened(row: ProblemReport, effect: Effect, facts: Facts) -> None:
    """GitHub has taken the issue. A second one can never be: the effect's subject is taken."""
    now = clock.now()
    kept_up = not _other_open(row)
    _remember(
        row,
        number=int(str(facts["number"])),
        node_id=str(facts["node_id"]),
        html_url=str(facts.get("html_url", "")),
        body=effect.payload["body"],
        content_hash=_hash(effect),
        is_open=kept_up,
        opened_at=now,
        closed_at=None if kept_up else row.closed_at,
        ending="" if kept_up else row.ending,
    )


def sections_written(row: ProblemReport, effect: Effect, facts: Facts) -> None:
    sections = [(name, content) for name, content in effect.payload["sections"]]
    _remember(row, body=facts.get("body") or splice(row.body, sections), content_hash=_hash(effect))


def closed(row: ProblemReport, effect: Effect) -> None:
    close(row, Ending.REVERTED if effect.item.run.undoes else Ending.RECOVERED)


def reopened(row: ProblemReport) -> None:
    """A revert opened the issue again; the group's newer report, where there is one, is the one that is kept up."""
    if not _other_open(row):
        _remember(row, is_open=True, closed_at=None, ending="")


def _other_open(row: ProblemReport) -> bool:
    others = ProblemReport.objects.filter(repository=row.repository_id, group=row.group, is_open=True)
    return others.exclude(pk=row.pk).exists()


def _hash(effect: Effect) -> str:
    return str(effect.item.facts.get("content_hash", ""))


def _remember(row: ProblemReport, **values: object) -> None:
    ProblemReport.objects.filter(pk=row.pk).update(updated_at=clock.now(), **values)
    row.refresh_from_db()
