"""One sweep: every present issue of a repository looked at, its findings settled, what can be repaired named.

Two passes. The first reads the rows in chunks and judges what needs no look-up; then the references that were named are
looked up, a few each run; the second judges those. Texts are kept no longer than the first pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline import clock
from pipeline.domain import checks
from pipeline.domain.checks import whole
from pipeline.domain.checks.values import Check, Count, Reference, Seen, Subject, Thing, Whole
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Issue, Kind, Repository, Run
from pipeline.services import comparing, findings, references, subjects, telemetry
from pipeline.services.findings import Found, Looked, Settled

DIRECT = tuple(check for check in checks.ISSUE_CHECKS if not check.of_references)
REFERRING = tuple(check for check in checks.ISSUE_CHECKS if check.of_references)
MOST_COUNTS = 500


@dataclass
class Sweep:
    """What a sweep gathers as it goes on. `repairs`: issue id → checks that have a safe repair there."""

    found: list[Found] = field(default_factory=list)
    unseen: set[tuple[str, int]] = field(default_factory=set)
    looked: set[int] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    waiting: list[tuple[Issue, Subject]] = field(default_factory=list)
    repairs: dict[int, tuple[str, ...]] = field(default_factory=dict)
    by_state: Counter[str] = field(default_factory=Counter)
    changed_at: datetime | None = None

    def judge(self, row: Issue, subject: Subject, judged: Sequence[Check]) -> None:
        faults, unseen = checks.look(subject, judged)
        self.unseen |= {(check, row.pk) for check in unseen}
        self.found += [Found(check, replace(fault, issue_id=row.pk), row.number) for check, fault in faults.items()]
        mendable = checks.repairable(subject, faults) if faults else ()
        if mendable:
            self.repairs[row.pk] = mendable

    def note(self, row: Issue, subject: Subject, login: str) -> None:
        self.looked.add(row.pk)
        self.by_state[row.state] += 1
        self.seen.append(subjects.seen(row, subject, login))
        moments = (at for at in (self.changed_at, row.remote_updated_at) if at)
        self.changed_at = max(moments, default=None)


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of it; `told` goes into the statistics of the run."""

    settled: Settled
    repairs: Mapping[int, tuple[str, ...]]
    told: dict[str, object]


def sweep(run: Run, github: GitHub, numbers: Sequence[int] | None = None) -> Swept:
    """Look at all issues, or those asked for, and settle. Raises GitHubError before anything is settled."""
    repository = run.repository
    read = comparing.bring_up_to_date(run, github)
    gathered, known = Sweep(), subjects.context(repository)
    for rows in subjects.chunks(repository, numbers):
        _first_pass(gathered, rows, known, read.older)
    resolved = _second_pass(gathered, repository, github, complete=numbers is None)
    judged = _judge_whole(gathered, repository, complete=numbers is None)
    looked = Looked(
        frozenset(check.id for check in checks.ISSUE_CHECKS),
        frozenset(gathered.looked),
        frozenset(gathered.unseen),
        judged,
    )
    findings.resolve_gone(repository)
    settled = findings.settle(repository, gathered.found, looked, run)
    differing = {one.number for one in gathered.found if one.check == comparing.CHECK}
    comparing.take_over(repository, {number: one for number, one in read.older.items() if number in differing})
    told: dict[str, object] = {
        "issues": len(gathered.looked),
        "checks": len(checks.BY_ID),
        "compared_issues": read.compared,
        "references": resolved.asked,
        "references_waiting": resolved.waiting,
        "repairable": len(gathered.repairs),
        "new": settled.new,
        "seen_again": settled.again,
        "resolved": settled.resolved,
        "open": settled.open,
        "by_state": dict(gathered.by_state) if numbers is None else None,
        "compared": read.place.told(),
    }
    telemetry.emit("validated", run=run.pk, **told)
    return Swept(settled, gathered.repairs, told)


def sweep_without_github(run: Run) -> Settled:
    """What can be said when GitHub cannot be read: of the token, above all."""
    gathered = Sweep()
    judged = _judge_whole(gathered, run.repository, complete=False)
    return findings.settle(run.repository, gathered.found, Looked(whole=judged), run)


def _first_pass(
    gathered: Sweep, rows: Sequence[Issue], known: subjects.Context, older: Mapping[int, IssueSnapshot]
) -> None:
    for row, subject in subjects.of(rows, known, older):
        gathered.note(row, subject, known.repository.token_login)
        gathered.judge(row, subject, DIRECT)
        if not subject.named:
            gathered.judge(row, subject, REFERRING)
        else:
            row.body = ""
            gathered.waiting.append((row, subjects.light(subject)))


def _second_pass(gathered: Sweep, repository: Repository, github: GitHub, *, complete: bool) -> references.Resolved:
    named = [one for _, subject in gathered.waiting for one in subject.named]
    vouched = {one: at for _, subject in gathered.waiting for one, at in _made_by_us(subject).items()}
    resolved = references.resolve(repository, github, named, vouched, whole=complete)
    for row, subject in gathered.waiting:
        found = {one: resolved.found[one] for one in subject.named if one in resolved.found}
        gathered.judge(row, replace(subject, found=found), REFERRING)
    return resolved


def _made_by_us(subject: Subject) -> dict[Reference, datetime]:
    """What a hand-over was based on was there when it was made."""
    made = subject.handover
    if made is None:
        return {}
    return {
        one: made.requested_at
        for one in subject.named
        if (one.thing is Thing.BRANCH and one.name == made.branch)
        or (one.thing is Thing.FILE and one.ref == made.branch)
        or (one.thing is Thing.PULL and one.name == str(made.scaffold_pull))
    }


def _judge_whole(gathered: Sweep, repository: Repository, *, complete: bool) -> frozenset[str]:
    """The ids of the checks that could be made."""
    now = clock.now()
    repository.refresh_from_db()
    counts = [*_counts(repository, now), Count(now, gathered.by_state)] if complete else []
    faults, unseen = checks.look_at_whole(
        Whole(
            now=now,
            counts=counts,
            seen=gathered.seen if complete else None,
            token_problem=repository.token_problem,
            token_checked_at=repository.token_checked_at,
            webhook_expected=bool(repository.webhook_secret_reference),
            webhook_seen_at=repository.webhook_seen_at,
            changed_at=gathered.changed_at,
        )
    )
    numbers = {one.issue_id: one.number for one in gathered.seen}
    for check, found in faults.items():
        gathered.found += [
            Found(check, fault, numbers[fault.issue_id] if fault.issue_id is not None else None) for fault in found
        ]
    return frozenset(check.id for check in checks.WHOLE_CHECKS if check.id not in unseen)


def _counts(repository: Repository, now: datetime) -> list[Count]:
    """What former whole sweeps counted, oldest first."""
    rows = Run.objects.filter(
        repository=repository,
        kind=Kind.VALIDATE,
        state=Run.State.SUCCEEDED,
        finished_at__gte=now - whole.BACKLOG_OVER,
        statistics__has_key="validation",
    )
    told = rows.order_by("-finished_at").values_list("finished_at", "statistics__validation__by_state")[:MOST_COUNTS]
    return [Count(at, by_state) for at, by_state in reversed(told) if at is not None and by_state]
