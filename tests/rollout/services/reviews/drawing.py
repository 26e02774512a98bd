"""Issues with guidance as `process` leaves them, for the tests of drawing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipeline.domain import changes
from pipeline.domain.sections import splice
from pipeline.models import Issue, Kind, Repository
from tests.factories import BODY, MOMENT, make_effect, make_issue, make_item, make_run

LAST_WEEK = MOMENT.date() - timedelta(days=7)  # its Monday; MOMENT is a Monday, 08:00
IN_LAST_WEEK = MOMENT - timedelta(days=3)
NINE = MOMENT + timedelta(hours=1)


def sections(number: int, *, guidance: str | None = None) -> list[tuple[str, str | None]]:
    return [
        ("AI Assessment", f"Assessment of {number}."),
        ("Specialist Guidance", f"Guidance for {number}." if guidance is None else guidance),
        ("Copilot Assignment", f"Assignment of {number}."),
    ]


def processed(
    repository: Repository,
    *,
    at: datetime = IN_LAST_WEEK,
    by: str = "schedule",
    run: dict[str, Any] | None = None,
    effect: dict[str, Any] | None = None,
    **values: Any,
) -> Issue:
    """An issue whose guidance was written by a live process run, settled at `at`."""
    issue = make_issue(repository=repository, state=Issue.State.COPILOT, **values)
    content = sections(issue.number)
    Issue.objects.filter(pk=issue.pk).update(body=splice(issue.body, content))
    made = make_run(
        kind=Kind.PROCESS, repository=repository, mode="live", requested_by=by, state="succeeded", **(run or {})
    )
    item = make_item(run=made, issue=issue, live=True, state="done")
    wrote = changes.WriteSections(tuple(content[1:]))
    make_effect(change=wrote, item=item, state="applied", settled_at=at, **(effect or {}))
    issue.refresh_from_db()
    return issue


def many(repository: Repository, count: int, **values: Any) -> list[Issue]:
    return [processed(repository, **values) for _ in range(count)]


__all__ = ["BODY", "IN_LAST_WEEK", "LAST_WEEK", "NINE", "many", "processed", "sections"]
