"""Findings: found by checks, seen again, resolved when gone; acknowledged and muted by people.

A finding is one fault of one check on one issue (or on the repository), known by its fingerprint. It is resolved only
by somebody who looked again and did not see it: what could not be read keeps its findings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from pipeline import clock
from pipeline.domain.checks import BY_ID
from pipeline.domain.checks.values import Fault
from pipeline.models import Finding, Issue, Repository, Run
from pipeline.services import audit
from pipeline.services.operations import NotPossible

CHUNK = 500
LONGEST_MUTE = timedelta(days=90)
STATES = "state."  # settled at every read of an issue too
GONE = (Issue.Presence.DELETED, Issue.Presence.TRANSFERRED)
RESOLVED_AT_READ = "The issue was read again and it was gone."


@dataclass(frozen=True, slots=True)
class Looked:
    """What a sweep really looked at. `unseen`: (check, issue) pairs that could not be judged. `whole`: of the whole."""

    checks: frozenset[str] = frozenset()
    issues: frozenset[int] = frozenset()
    unseen: frozenset[tuple[str, int]] = frozenset()
    whole: frozenset[str] = frozenset()

    def at(self, row: Finding) -> bool:
        if row.check_id in self.whole:
            return True
        return (
            row.check_id in self.checks
            and row.issue_id in self.issues
            and (row.check_id, row.issue_id) not in self.unseen
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the findings of one repository; `open` counts all that are open now."""

    new: int
    again: int
    resolved: int
    open: int


@dataclass(frozen=True, slots=True)
class Found:
    """One fault as a sweep found it; `number` is the issue's, where there is one."""

    check: str
    fault: Fault
    number: int | None = None

    def fingerprint(self, repository_id: int) -> str:
        return fingerprint(self.check, repository_id, self.number if self.number is not None else self.fault.key)


def fingerprint(check: str, repository_id: int, place: int | str) -> str:
    """What makes two sightings one finding: the check and where it was."""
    return hashlib.sha256(f"{check}:{repository_id}:{place}".encode()).hexdigest()


def settle(repository: Repository, found: Iterable[Found], looked: Looked, run: Run | None = None) -> Settled:
    """Bring the findings of a repository up to date with one sweep; the same run settles nothing twice."""
    now = clock.now()
    wanted = {one.fingerprint(repository.pk): one for one in found}
    with transaction.atomic():
        rows = Finding.objects.filter(
            repository=repository, resolved_at__isnull=True, check_id__in=looked.checks | looked.whole
        )
        known = {row.fingerprint: row for row in rows}
        gone = [row for key, row in known.items() if key not in wanted and looked.at(row)]
        by = f"Run {run.pk} looked again and it was gone." if run else "It was gone when it was looked for again."
        _resolve(gone, by, now)
        again = {row.pk: (row, wanted[key]) for key, row in known.items() if key in wanted}
        _seen_again(again, run, now)
        new = [one for key, one in wanted.items() if key not in known]
        _first_seen(repository, new, run, now)
    return Settled(len(new), len(again), len(gone), open_of(repository))


def open_of(repository: Repository) -> int:
    return Finding.objects.filter(repository=repository, resolved_at__isnull=True).count()


def _resolve(rows: Sequence[Finding], reason: str, now: datetime) -> None:
    for chunk in _chunks([row.pk for row in rows]):
        Finding.objects.filter(pk__in=chunk, resolved_at__isnull=True).update(resolved_at=now, resolved_reason=reason)


def _seen_again(rows: Mapping[int, tuple[Finding, Found]], run: Run | None, now: datetime) -> None:
    """Counted once for each run, however often a run that died is taken up again."""
    counted = [pk for pk, (row, _) in rows.items() if run is None or row.last_run_id != run.pk]
    for chunk in _chunks(counted):
        Finding.objects.filter(pk__in=chunk).update(
            last_seen=now,
            occurrences=F("occurrences") + 1,
            sweeps=F("sweeps") + (1 if run else 0),
            last_run=run if run else F("last_run"),
        )
    changed = []
    for row, one in rows.values():
        told = (_severity(one), one.fault.message, one.fault.detail)
        if (row.severity, row.message, row.detail) != told:
            row.severity, row.message, row.detail = told
            changed.append(row)
    Finding.objects.bulk_update(changed, ["severity", "message", "detail"], batch_size=100)


def _first_seen(repository: Repository, new: Sequence[Found], run: Run | None, now: datetime) -> None:
    """A mute that has not run out goes over to the same fault come back: otherwise a flapping fault would break it."""
    muted = _still_muted(repository, [one.fingerprint(repository.pk) for one in new], now)
    rows = []
    for one in new:
        key = one.fingerprint(repository.pk)
        before = muted.get(key)
        rows.append(
            Finding(
                repository=repository,
                issue_id=one.fault.issue_id,
                check_id=one.check,
                fingerprint=key,
                severity=_severity(one),
                message=one.fault.message,
                detail=one.fault.detail,
                first_seen=now,
                last_seen=now,
                sweeps=1 if run else 0,
                last_run=run,
                muted_until=before.muted_until if before else None,
                muted_by=before.muted_by if before else "",
                muted_reason=before.muted_reason if before else "",
            )
        )
    Finding.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)


def _still_muted(repository: Repository, keys: Sequence[str], now: datetime) -> dict[str, Finding]:
    rows = Finding.objects.filter(repository=repository, muted_until__gt=now, resolved_at__isnull=False)
    wanted = set(keys)
    return {row.fingerprint: row for row in rows.order_by("pk") if row.fingerprint in wanted} if wanted else {}


def _severity(one: Found) -> str:
    check = BY_ID.get(one.check)
    return check.severity.value if check else Finding.Severity.WARNING.value


def _chunks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def settle_states(issue: Issue, faults: Mapping[str, str]) -> None:
    """Make the open `state.*` findings of an issue be exactly `faults` (check → sentence), as it was just read."""
    rows = Finding.objects.filter(issue=issue, resolved_at__isnull=True, check_id__startswith=STATES)
    known = {row.check_id: row for row in rows}
    if not faults and not known:
        return
    now = clock.now()
    _resolve([row for check, row in known.items() if check not in faults], RESOLVED_AT_READ, now)
    seen = {check: Found(check, Fault(message, issue_id=issue.pk), issue.number) for check, message in faults.items()}
    for check, row in known.items():
        if check in seen:
            Finding.objects.filter(pk=row.pk).update(
                last_seen=now, occurrences=F("occurrences") + 1, message=seen[check].fault.message
            )
    _first_seen(issue.repository, [one for check, one in seen.items() if check not in known], None, now)


def resolve_gone(repository: Repository) -> int:
    """An issue that was deleted or transferred has no faults any more, but for the one that says so."""
    now = clock.now()
    resolved = 0
    for presence in GONE:
        rows = Finding.objects.filter(repository=repository, issue__presence=presence, resolved_at__isnull=True)
        resolved += rows.exclude(check_id__startswith=STATES).update(
            resolved_at=now, resolved_reason=f"The issue is {presence.label}."
        )
    return resolved


def is_muted(finding: Finding, now: datetime) -> bool:
    """A mute that has run out counts as none."""
    return finding.muted_until is not None and finding.muted_until > now


@transaction.atomic
def acknowledge(finding: Finding, *, actor: str, note: str) -> None:
    """A person knows of it. It stays open until it is gone; when it comes back it is a new finding."""
    if not note.strip():
        raise NotPossible("An acknowledgement needs a note: what is known, or what is being done.")
    _change(
        finding,
        acknowledged_at=clock.now(),
        acknowledged_by=actor[:150],
        acknowledged_note=note.strip()[:500],
    )
    _audit(finding, "finding.acknowledged", actor, note)


@transaction.atomic
def mute(finding: Finding, until: datetime, *, actor: str, reason: str) -> None:
    """Tell nobody of it until then; it is still counted and still resolved when it is gone."""
    now = clock.now()
    if not reason.strip():
        raise NotPossible("A mute needs a reason; write one sentence.")
    if until <= now:
        raise NotPossible(f"The mute would end {until:%Y-%m-%d %H:%M} UTC, which is past; choose a later moment.")
    if until - now > LONGEST_MUTE:
        raise NotPossible(f"A mute ends within {LONGEST_MUTE.days} days; choose an earlier moment.")
    _change(finding, muted_until=until, muted_by=actor[:150], muted_reason=reason.strip()[:500])
    _audit(finding, "finding.muted", actor, reason, until=until.isoformat())


@transaction.atomic
def unmute(finding: Finding, *, actor: str, reason: str) -> None:
    if not is_muted(finding, clock.now()):
        raise NotPossible(f"{_named(finding)} is not muted.")
    _change(finding, muted_until=None, muted_by="", muted_reason="")
    _audit(finding, "finding.unmuted", actor, reason)


def _change(finding: Finding, **values: object) -> None:
    """Compare-and-set: nothing is noted on a finding that was resolved meanwhile."""
    if Finding.objects.filter(pk=finding.pk, resolved_at__isnull=True).update(**values) != 1:
        raise NotPossible(f"{_named(finding)} was resolved already; nothing was changed.")
    for name, value in values.items():
        setattr(finding, name, value)


def _named(finding: Finding) -> str:
    return f"Finding {finding.pk} ({finding.check_id})"


def _audit(finding: Finding, action: str, actor: str, reason: str, **after: object) -> None:
    try:
        audit.append(
            actor=actor,
            action=action,
            subject=f"finding {finding.pk} ({finding.check_id}) on {finding.repository}",
            reason=reason,
            after=after,
            evidence={"message": finding.message},
        )
    except ValueError as error:  # no reason given
        raise NotPossible(str(error)) from error
