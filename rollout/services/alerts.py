"""Tells people what validation found: Slack for any failure, e-mail to the workflow lead for critical ones (plan 3.1).

What is told when is `rollout.domain.alerts`'s to say. The message and the note that it was told are one transaction,
and its key comes from what it tells of, so that a task repeated or killed tells nothing twice and forgets nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.urls import reverse

from pipeline import clock
from pipeline.domain import checks
from pipeline.models import Finding, Kind, Repository, Run
from rollout.domain import alerts as domain
from rollout.domain.alerts import Fact, Telling
from rollout.models import Announcement, RoleHolder, Rollout
from rollout.services import announcements, links, reconcile

LEAD_ROLE = "workflow-assignment"
LEAD_GROUP = "rollout lead"
CHUNK = 500
ENDED = (Run.State.SUCCEEDED, Run.State.FAILED)
ORDINARY = (Run.Purpose.SCHEDULED, Run.Purpose.MANUAL, Run.Purpose.PART)


def after_run(run: Run) -> None:
    """A validation run ended: what it found, or that it could not look, is told."""
    if run.kind != Kind.VALIDATE or run.purpose not in ORDINARY:
        return
    tell_of_failure(run.repository)
    tell(run.repository, clock.now())


def tell(repository: Repository, now: datetime) -> Telling:
    """Store the messages that are due about a repository, with the note that they were; nothing is sent here.

    After each run, and every minute for what had to wait and for mutes that ran out meanwhile.
    """
    if not _maybe_due(repository, now).exists():
        return Telling()
    with transaction.atomic():
        Repository.objects.select_for_update().filter(pk=repository.pk).first()  # one teller at a time
        facts = _facts(repository, now)
        standing = set(_seen(repository).filter(_unmuted(now)).values_list("check_id", flat=True).distinct())
        telling = domain.decide(facts, standing, now, _last_at(repository))
        if telling:
            _announce(repository, telling)
            _note(telling, now)
    return telling


def _maybe_due(repository: Repository, now: datetime) -> QuerySet[Finding]:
    """A superset of what may have to be told, so that a quiet repository costs one query."""
    unheard = Q(alerted_at__isnull=True) | Q(muted_until__lte=now, alerted_at__lt=F("muted_until"))
    lasting = Q(severity=Finding.Severity.CRITICAL, alerted_at__lte=now - domain.COOL_DOWN)
    reopened = Q(alerted_at__lt=F("first_seen"))
    is_open = Q(resolved_at__isnull=True) & _unmuted(now) & Q(sweeps__gt=0) & (unheard | lasting | reopened)
    untold = Q(recovery_told_at__isnull=True) | Q(recovery_told_at__lt=F("alerted_at"))
    over = Q(resolved_at__isnull=False, alerted_at__isnull=False) & untold
    return _failures(repository).filter(is_open | over)


def _failures(repository: Repository) -> QuerySet[Finding]:
    """A notice is no failure: it is shown, and nobody is called for it."""
    return Finding.objects.filter(repository=repository).exclude(severity=Finding.Severity.NOTICE)


def _seen(repository: Repository) -> QuerySet[Finding]:
    """Open, and seen by a validation run: what is only under way between two reads is not told."""
    return _failures(repository).filter(resolved_at__isnull=True, sweeps__gt=0)


def _unmuted(now: datetime) -> Q:
    return Q(muted_until__isnull=True) | Q(muted_until__lte=now)


_NEEDED = (
    "check_id", "severity", "message", "fingerprint", "first_seen", "resolved_at", "muted_until", "acknowledged_at",
    "alerted_at", "recovery_told_at", "issue__number",
)  # fmt: skip


def _facts(repository: Repository, now: datetime) -> list[Fact]:
    due = _maybe_due(repository, now)
    rows = list(due.select_related("issue").only(*_NEEDED).order_by("pk"))
    prints = due.filter(resolved_at__isnull=True).values("fingerprint")
    heard = Finding.objects.filter(repository=repository, fingerprint__in=prints, alerted_at__isnull=False)
    last = dict(heard.order_by().values_list("fingerprint").annotate(at=Max("alerted_at")))
    return [_fact(row, last.get(row.fingerprint), now) for row in rows]


def _fact(row: Finding, heard_at: datetime | None, now: datetime) -> Fact:
    ended = row.muted_until if row.muted_until is not None and row.muted_until <= now else None
    return Fact(
        id=row.pk,
        check=row.check_id,
        name=f"#{row.issue.number}" if row.issue else row.message,
        critical=row.severity == Finding.Severity.CRITICAL,
        first_seen=row.first_seen,
        is_open=row.resolved_at is None,
        muted=row.muted_until is not None and row.muted_until > now,
        acknowledged=row.acknowledged_at is not None,
        told_at=row.alerted_at,
        heard_at=heard_at,
        mute_ended_at=ended,
        recovery_told_at=row.recovery_told_at,
    )


def _last_at(repository: Repository) -> datetime | None:
    found = Announcement.objects.filter(key__startswith=f"{_prefix(repository)}:told:")
    newest: datetime | None = found.aggregate(at=Max("created_at"))["at"]
    return newest


def _announce(repository: Repository, telling: Telling) -> None:
    titles = {check: known.title for check, known in checks.BY_ID.items()}
    link, key = _findings_page(repository), _key(repository, telling)
    place, rollout = repository.full_name, _rollout(repository)
    announcements.announce(
        rollout,
        key=key,
        subject=domain.subject(telling, place),
        body=domain.body(telling, titles, link),
        channels=("slack",),
    )
    if telling.critical:
        subject, body = domain.letter(telling, titles, place, link)
        announcements.announce(
            rollout, key=key, subject=subject, body=body, channels=("email",), recipients=leads(rollout)
        )


def _note(telling: Telling, now: datetime) -> None:
    for facts, field in ((telling.told, "alerted_at"), (telling.over, "recovery_told_at")):
        for start in range(0, len(facts), CHUNK):
            keys = [fact.id for fact in facts[start : start + CHUNK]]
            Finding.objects.filter(pk__in=keys).update(**{field: now})


def _key(repository: Repository, telling: Telling) -> str:
    """The same for the same findings at the same standing, so that a second teller stores nothing."""
    parts = [f"{fact.id}:{fact.told_at}:{fact.recovery_told_at}" for fact in (*telling.told, *telling.over)]
    return f"{_prefix(repository)}:told:{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:24]}"


def _prefix(repository: Repository) -> str:
    return f"validation:{repository.pk}"


def _findings_page(repository: Repository) -> str:
    return links.absolute(f"{reverse('admin:pipeline_finding_changelist')}?repository__id__exact={repository.pk}")


# --- the run itself ---


def tell_of_failure(repository: Repository) -> None:
    """That validation could not look is a failure too: told once, and once more when it works again."""
    runs = Run.objects.filter(
        repository=repository, kind=Kind.VALIDATE, purpose__in=ORDINARY, state__in=ENDED
    ).order_by("-finished_at", "-pk")
    last = runs.first()
    if last is None:
        return
    if last.state == Run.State.FAILED:
        first = _first_of_failures(runs)
        _tell(repository, "failed", first, "Validation cannot look at", last.error or "The run failed.")
        return
    before = runs.filter(state=Run.State.FAILED).first()
    first = _first_of_failures(runs.filter(pk__lte=before.pk)) if before is not None else None
    if first is not None and _was_told(_failure_key(repository, "failed", first)):
        _tell(repository, "works", first, "Validation works again on", "Its last run succeeded.")


def _was_told(key: str) -> bool:
    return Announcement.objects.filter(key=f"{key}:slack").exists()


def _first_of_failures(runs: QuerySet[Run]) -> Run | None:
    """The first failed run since the last one that succeeded; the newest of `runs` has failed."""
    good = runs.filter(state=Run.State.SUCCEEDED).first()
    failed = runs.filter(state=Run.State.FAILED)
    return (failed.filter(pk__gt=good.pk) if good is not None else failed).last()


def _failure_key(repository: Repository, what: str, first: Run) -> str:
    return f"{_prefix(repository)}:{what}:{first.pk}"


def _tell(repository: Repository, what: str, first: Run | None, head: str, why: str) -> None:
    if first is None:
        return
    announcements.announce(
        _rollout(repository),
        key=_failure_key(repository, what, first),
        subject=f"{head} {repository.full_name}",
        body=f"{why}\n{links.absolute(reverse('admin:pipeline_run_change', args=[first.pk]))}",
        channels=("slack",),
    )


# --- whom ---


def leads(rollout: Rollout | None) -> Sequence[str]:
    """Addresses of who holds the role workflow-assignment in the rollout; where nobody does, of all rollout leads."""
    if rollout is not None:
        named = {LEAD_ROLE, LEAD_ROLE.replace("-", "_")}
        holders = RoleHolder.objects.filter(rollout=rollout, role__in=named, user__is_active=True)
        found = _addresses(holders.values_list("user__email", flat=True))
        if found:
            return found
    users = get_user_model().objects.filter(is_active=True, groups__name=LEAD_GROUP)
    return _addresses(users.values_list("email", flat=True))


def _addresses(found: Iterable[str]) -> list[str]:
    return sorted({address for address in found if address})


def _rollout(repository: Repository) -> Rollout | None:
    """The one at work on the repository, else the newest; a message may belong to none."""
    rows = Rollout.objects.filter(repository=repository).order_by("-pk")
    return rows.filter(state__in=reconcile.AT_WORK).first() or rows.first()
