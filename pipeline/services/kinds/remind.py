"""remind: one comment on each issue that is overdue; asked for by the escalation, never scheduled."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePosixPath

from pipeline.domain import plan_remind, workplan
from pipeline.domain.facts import Pull
from pipeline.domain.plan import Plan, skip
from pipeline.domain.plan_remind import Reminder, Wanted
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.workplan import UnusableName
from pipeline.github.port import GitHub, Refused
from pipeline.models import Handover, Issue, Run, RunItem
from pipeline.services.kinds.base import Candidate, NoPrefetch


class Remind(NoPrefetch):
    """`run.options["reminders"]`: number → {subject, due_at (ISO 8601), overdue, paused (seconds)}."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        numbers = [int(number) for number in run.options.get("reminders", {})]
        rows = Issue.objects.filter(repository=run.repository, number__in=numbers).select_related("repository")
        return [_candidate(issue) for issue in rows.order_by("number")[: run.limit]]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to remind anybody of.")
        asked = item.run.options["reminders"][str(item.issue.number)]
        last = item.issue.handovers.order_by("-generation").first()
        branch = item.run.repository.default_branch
        due_at = datetime.fromisoformat(asked["due_at"])
        reminder = Reminder(
            subject=str(asked["subject"]),
            due_at=due_at,
            overdue=timedelta(seconds=float(asked["overdue"])),
            paused=timedelta(seconds=float(asked["paused"])),
            handed_over_at=item.issue.handed_over_at,
            outcome=last.outcome if last else "",
            pull=_pull(last, github),
            pull_number=last.pull_number if last else None,
            blocker=last.blocker if last else "",
            message=last.blocker_message if last else "",
            wanted=_looked_up(_wanted(item.issue, snapshot, due_at), branch, github),
            branch=branch,
        )
        return plan_remind.plan(reminder, State(item.issue.state), snapshot)


def _candidate(issue: Issue) -> Candidate:
    if issue.presence != Issue.Presence.PRESENT:
        return Candidate(issue=issue, skipped=f"The issue is {issue.get_presence_display()}.")
    return Candidate(issue=issue)


def _pull(last: Handover | None, github: GitHub) -> Pull | None:
    """As it is now; one that cannot be seen any more is no reason to be silent."""
    if last is None or last.pull_number is None:
        return None
    try:
        return github.pull(last.pull_number)
    except Refused:
        return None


def _wanted(issue: Issue, snapshot: IssueSnapshot, due_at: datetime) -> tuple[Wanted, ...]:
    """The deliverables that the workflow requires, with the paths that the scaffold gave them."""
    if issue.workflow is None:
        return ()
    spec = issue.workflow.spec()
    facts = workplan.read_issue(snapshot, issue.repository.full_name, issue.repository.default_branch)
    try:
        work = workplan.prepare(spec, issue.workflow.specialist.spec(), facts, due_at)
    except UnusableName:  # the workflow was changed since, and needs mending
        return tuple(Wanted(row.title or row.name) for row in spec.deliverables if row.required)
    return tuple(
        Wanted(file.deliverable.title or file.deliverable.name, file.path)
        for file in work.files
        if file.deliverable.required
    )


def _looked_up(wanted: tuple[Wanted, ...], branch: str, github: GitHub) -> tuple[Wanted, ...]:
    """Which of them are on the default branch; one request for each folder."""
    folders = {str(PurePosixPath(item.path).parent) for item in wanted if item.path}
    there = {path for folder in sorted(folders) for path in github.folder(folder, branch)}
    return tuple(Wanted(item.title, item.path, item.path in there if item.path else None) for item in wanted)
