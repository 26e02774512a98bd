"""The coordinated timetable (plan 2.3) as cron entries, applied in one action after its clashes were shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from pipeline import clock
from pipeline.models import Operation, Run
from pipeline.services import audit, operations
from pipeline.services.operations import NotPossible, cron_of
from rollout.domain import timetable
from rollout.domain.plan import TimetableEntry
from rollout.domain.timetable import Clash
from rollout.models import Rollout
from rollout.services import fence, plans, record, situation

MEASURED_RUNS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """What one operation's cron is and would become."""

    operation: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Proposal:
    """`refusals` are lines of the timetable that cannot be one cron entry: with any of them nothing is applied."""

    lines: tuple[Line, ...]
    clashes: tuple[Clash, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]


def propose(rollout: Rollout) -> Proposal:
    """What `apply` would do; changes nothing."""
    entries = plans.plan_of(rollout.plan).timetable
    rows = {row.name: row for row in situation.managed(rollout)}
    found: dict[str, str] = {}
    refusals = [] if entries else ["The plan has no timetable."]
    for name in dict.fromkeys(entry.operation for entry in entries):
        try:
            found |= timetable.crons(entry for entry in entries if entry.operation == name)
        except timetable.NotOneCron as error:
            refusals.append(str(error))
        if name not in rows:
            refusals.append(f"The timetable names {name}, which {rollout.repository} does not have.")
    lines = tuple(Line(name, cron_of(rows[name]) or "", cron) for name, cron in found.items() if name in rows)
    return Proposal(lines, _clashes(rows.values(), lines), tuple(refusals), _notes(entries))


def apply(rollout: Rollout, actor: str, reason: str) -> Proposal:
    """Set every cron of the timetable at once, or none. Times that went by meanwhile are not made up for."""
    record.need_person(actor, "Applying the timetable")
    record.need_reason(reason)
    with transaction.atomic():
        fence.cut(rollout)
        rollout.refresh_from_db()
        proposal = propose(rollout)
        if proposal.refusals:
            raise NotPossible(f"{' '.join(proposal.refusals)} Nothing was changed.")
        rows = {row.name: row for row in situation.managed(rollout)}
        for line in proposal.lines:
            operations.set_cron(rows[line.operation], line.after, actor=actor, reason=reason)
        _pin(rollout, proposal.lines, actor, reason)
        changed = [line.operation for line in proposal.lines if line.changes]
        audit.append(
            actor=actor,
            action="timetable.applied",
            subject=str(rollout),
            reason=reason,
            before={line.operation: line.before for line in proposal.lines},
            after={line.operation: line.after for line in proposal.lines},
            evidence={"clashes": [clash.sentence for clash in proposal.clashes]},
        )
        record.say(rollout, actor, f"The timetable is in force for {', '.join(changed) or 'all'}: {reason}")
    return proposal


def _pin(rollout: Rollout, lines: Iterable[Line], actor: str, reason: str) -> None:
    """A person set these; the plan's steps do not put theirs back."""
    at = clock.now().isoformat()
    pins = {line.operation: {"cron": line.after, "by": actor, "reason": reason, "at": at} for line in lines}
    rollout.pinned_crons = {**rollout.pinned_crons, **pins}
    rollout.save(update_fields=["pinned_crons"])


def _clashes(rows: Iterable[Operation], lines: tuple[Line, ...]) -> tuple[Clash, ...]:
    """Of all schedules as they would then be, those that the timetable leaves alone among them."""
    rows = list(rows)
    becomes = {line.operation: line.after for line in lines}
    schedule = {row.name: becomes.get(row.name) or cron_of(row) or "" for row in rows}
    groups = {row.name: [row.concurrency_group, *(part.kind for part in row.parts.all())] for row in rows}
    lasts = {row.name: _lasts(row) for row in rows}
    return timetable.clashes({name: cron for name, cron in schedule.items() if cron}, groups, lasts=lasts)


def _lasts(row: Operation) -> timedelta:
    """How long the longest of its newest scheduled runs took; nothing before the first."""
    ended = Run.objects.filter(operation=row, purpose=Run.Purpose.SCHEDULED, finished_at__isnull=False)
    newest = ended.filter(started_at__isnull=False).order_by("-nominal_at").values_list("started_at", "finished_at")
    spans = [end - start for start, end in newest[:MEASURED_RUNS] if start is not None and end is not None]
    return max(spans, default=timedelta(0))


def _notes(entries: Iterable[TimetableEntry]) -> tuple[str, ...]:
    return tuple(
        f"The timetable says {entry.mode.replace('_', ' ')} for {entry.operation} at {entry.at}; modes are set by the "
        "steps, and stay as they are."
        for entry in entries
        if entry.mode
    )
