"""Problem reports as items of a validation run: which groups have something to be told, and what is planned for each.

`candidates` belongs into `Validate.select`, after the findings were brought up to date; `plan` into `Validate.plan` for
an item with a report. They count against no limit, which is for issues worked on: there is at most one for each check.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from pipeline import clock
from pipeline.domain import checks
from pipeline.domain import reports as domain
from pipeline.domain.plan import Plan, Verdict, skip
from pipeline.domain.reports import Group, Known, Line
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.models import Finding, ProblemReport, Repository, Run, RunItem
from pipeline.services import reports
from pipeline.services.kinds.base import Candidate

Ending = ProblemReport.Ending
QUIET_AFTER = (Ending.BY_PERSON, Ending.REVERTED, Ending.GONE)  # what people do is respected


def candidates(run: Run) -> list[Candidate]:
    """One for each group whose issue has to be opened, written anew or closed; in the order of the checks' ids.

    Dry runs too: the row of a report that GitHub has not taken is ours alone, and their plan can be applied later.
    """
    now = clock.now()
    found = groups(run.repository)
    open_rows = {row.group: row for row in ProblemReport.objects.filter(repository=run.repository, is_open=True)}
    _end_quiet(run.repository, found)
    chosen = []
    for check in sorted({*found, *open_rows}):
        row = _due(run.repository, check, found.get(check), open_rows.get(check), now)
        if row is not None:
            chosen.append(Candidate(report=row, facts={"report": check}))
    return chosen


def plan(item: RunItem, snapshot: IssueSnapshot | None) -> Plan:
    """From the findings as they are now: what came or went since the run began is told as well."""
    if item.report is None:
        return skip("no report", "There is no report to keep up.")
    item.report.refresh_from_db()
    if not item.report.is_open:
        return skip("closed", f"The report is over: {item.report.get_ending_display()}.")
    group = groups(item.run.repository, item.report.group).get(item.report.group)
    planned = domain.plan(_known(item.report), group, snapshot)
    if planned.verdict is Verdict.SKIP:
        _nothing_to_do(item.report, planned)
    return planned


def groups(repository: Repository, check: str = "") -> dict[str, Group]:
    """Check → its open findings that are not muted, where there is one; all checks, or the one asked for.

    A notice is for whoever looks at the findings: no issue is opened about it.
    """
    rows = Finding.objects.filter(_unmuted(clock.now()), repository=repository, resolved_at__isnull=True)
    rows = rows.exclude(severity=Finding.Severity.NOTICE)
    if check:
        rows = rows.filter(check_id=check)
    found: dict[str, list[Finding]] = defaultdict(list)
    for row in rows.select_related("issue").only(*_NEEDED).order_by("pk"):
        found[row.check_id].append(row)
    return {name: _group(name, listed) for name, listed in found.items()}


_NEEDED = (
    "check_id", "fingerprint", "severity", "message", "first_seen", "sweeps", "acknowledged_at", "issue__number",
    "issue__html_url",
)  # fmt: skip


def _unmuted(now: datetime) -> Q:
    return Q(muted_until__isnull=True) | Q(muted_until__lte=now)


def _group(check: str, rows: Iterable[Finding]) -> Group:
    lines = tuple(
        Line(
            fingerprint=row.fingerprint,
            severity=row.severity,
            message=row.message,
            since=row.first_seen,
            sweeps=row.sweeps,
            number=row.issue.number if row.issue else None,
            url=row.issue.html_url if row.issue else "",
            acknowledged=row.acknowledged_at is not None,
        )
        for row in rows
    )
    title, explanation = described(check)
    return Group(check, title, explanation, lines)


def described(check: str) -> tuple[str, str]:
    """What people call a check, and what it means."""
    known = checks.BY_ID.get(check)
    return (known.title, known.explanation) if known else (check.replace("_", " "), "")


def _due(
    repository: Repository, check: str, group: Group | None, row: ProblemReport | None, now: datetime
) -> ProblemReport | None:
    """The report that something has to be written to; a row is made for a group that has none yet."""
    if row is not None and row.number is not None:
        return row if group is None or domain.content_hash(group) != row.content_hash else None
    if group is None or not group.persists or _quiet(repository, check, now):
        _drop(row, group)
        return None
    if row is None:
        row, _ = ProblemReport.objects.get_or_create(  # another run may be at the same point
            repository=repository, group=check, is_open=True, defaults={"opened_at": now, "updated_at": now}
        )
    return row


def _drop(row: ProblemReport | None, group: Group | None) -> None:
    """What a dry run showed and nobody applied is needed no more."""
    if row is not None and group is None and not row.items.filter(state__in=RunItem.ACTIVE).exists():
        reports.close(row, Ending.RECOVERED)


def _quiet(repository: Repository, check: str, now: datetime) -> bool:
    """A person closed the issue, reverted its run or deleted it less than a day ago, and the trouble never stopped."""
    ended = ProblemReport.objects.filter(repository=repository, group=check, is_open=False)
    last = ended.order_by("-closed_at").first()
    if last is None or last.closed_at is None or last.ending not in QUIET_AFTER:
        return False
    return now - last.closed_at < domain.QUIET


def _end_quiet(repository: Repository, found: dict[str, Group]) -> None:
    """A group that was empty once is new trouble when it comes back, whoever closed the issue about the old one."""
    rows = ProblemReport.objects.filter(repository=repository, is_open=False, ending__in=QUIET_AFTER)
    rows.exclude(group__in=found).update(ending=Ending.RECOVERED)


def _known(row: ProblemReport) -> Known:
    earlier = ProblemReport.objects.filter(repository=row.repository_id, group=row.group, pk__lt=row.pk).count()
    muted = Finding.objects.filter(
        repository=row.repository_id, check_id=row.group, resolved_at__isnull=True, muted_until__gt=clock.now()
    )
    return Known(
        subject=f"report:{row.repository_id}:{row.group}:{earlier + 1}",
        number=row.number,
        written=reports.written(row),
        taken_leave=reports.taken_leave(row),
        muted=muted.count(),
    )


def _nothing_to_do(row: ProblemReport, planned: Plan) -> None:
    """So that the next run does not come to the same end."""
    if planned.outcome == "closed":
        reports.close(row, Ending.BY_PERSON)
    elif "content_hash" in planned.facts:
        ProblemReport.objects.filter(pk=row.pk).update(content_hash=planned.facts["content_hash"])
