"""What is wrong now, each with a page to act on. An empty list means that nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.urls import reverse

from pipeline.models import Effect, Finding, Heartbeat, Mode, Operation, Repository, Run, Slot, Source, TokenBudget
from pipeline.views import display

RECENT = timedelta(hours=24)
STALE_BEATS = 4  # so many ticks without a sign of life
LEAST_STALE = timedelta(minutes=3)
HEARTBEATS = ("tick", "beat", "worker")
FAILING = 3  # checks of a source in a row


@dataclass(frozen=True, slots=True)
class Alert:
    """One sentence, and the address where something can be done about it."""

    text: str
    url: str


def alerts(now: datetime) -> list[Alert]:
    sources = (heartbeats, tokens, budgets, unknown_fates, failed_runs, missed_slots, findings, failing_sources, leases)
    return [alert for source in sources for alert in source(now)]


def heartbeats(now: datetime) -> Iterator[Alert]:
    stale = max(LEAST_STALE, settings.CONTROLPLANE.tick * STALE_BEATS)
    url = address("heartbeat")
    # Other rows of that table are marks of when something was done, not signs of life.
    beats = dict(Heartbeat.objects.filter(name__in=HEARTBEATS).values_list("name", "beaten_at"))
    if not beats and Operation.objects.exclude(mode=Mode.OFF).exists():
        yield Alert("No worker and no beat has ever run; start them, for example with “make up”.", url)
    for name, beaten_at in sorted(beats.items()):
        if now - beaten_at > stale:
            last = display.relative(beaten_at, now)
            yield Alert(f"The {name} has stopped: its last sign of life was {last}. Start it again.", url)


def tokens(now: datetime) -> Iterator[Alert]:  # noqa: ARG001 - all sources have one form
    for repository in Repository.objects.filter(standing=Repository.Standing.ACTIVE):
        if repository.token_problem:
            yield Alert(
                f"The token of {repository} has a problem: {repository.token_problem}", display.page_of(repository)
            )
        if repository.sync_problem:
            text = f"{repository} could not be synchronised: {repository.sync_problem}"
            yield Alert(text, display.page_of(repository))


def budgets(now: datetime) -> Iterator[Alert]:
    for budget in TokenBudget.objects.all():
        if budget.blocked_until and budget.blocked_until > now:
            until = display.relative(budget.blocked_until, now)
            yield Alert(
                f"GitHub asked {budget} to wait; calls go on {until}. {budget.blocked_reason}", address("tokenbudget")
            )
        elif budget.remaining == 0 and budget.reset_at and budget.reset_at > now:
            until = display.relative(budget.reset_at, now)
            yield Alert(f"The quota of {budget} is used up; it comes back {until}.", address("tokenbudget"))


def unknown_fates(now: datetime) -> Iterator[Alert]:  # noqa: ARG001 - all sources have one form
    rows = Effect.objects.filter(state=Effect.State.UNKNOWN).order_by().values("item__run")
    for row in rows.annotate(n=Count("pk")).order_by("item__run"):
        run = reverse("admin:pipeline_run_change", args=[row["item__run"]])
        yield Alert(f"{plural(row['n'], 'write')} of run {row['item__run']} of unknown fate; being looked up.", run)


def failed_runs(now: datetime) -> Iterator[Alert]:
    failed = Run.objects.filter(state=Run.State.FAILED, finished_at__gte=now - RECENT).count()
    if failed:
        yield Alert(f"{plural(failed, 'run')} failed in the last 24 hours.", f"{address('run')}?state__exact=failed")


def missed_slots(now: datetime) -> Iterator[Alert]:
    missed = Slot.objects.filter(status=Slot.Status.MISSED, settled_at__gte=now - RECENT).count()
    if missed:
        text = f"{plural(missed, 'slot')} missed in the last 24 hours."
        yield Alert(text, f"{address('slot')}?status__exact=missed")


def findings(now: datetime) -> Iterator[Alert]:
    """A muted one is known to somebody who said until when."""
    serious = Finding.objects.filter(resolved_at__isnull=True, severity=Finding.Severity.CRITICAL)
    serious = serious.exclude(muted_until__gt=now)
    for finding in serious.select_related("issue")[:5]:
        where = f"#{finding.issue.number}: " if finding.issue else ""
        yield Alert(f"{where}{finding.message}", display.page_of(finding))


def failing_sources(now: datetime) -> Iterator[Alert]:  # noqa: ARG001 - all sources have one form
    for source in Source.objects.filter(active=True, failures__gte=FAILING):
        text = f"The source {source} failed {source.failures} times in a row: {source.problem}"
        yield Alert(text, display.page_of(source))


def leases(now: datetime) -> Iterator[Alert]:
    for operation in Operation.objects.filter(mode=Mode.LIVE).select_related("repository"):
        if operation.live_until is None or operation.live_until <= now:
            text = f"{operation} is live but its lease has run out, so it writes nothing; is the tick running?"
            yield Alert(text, display.page_of(operation))


def plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def address(model: str) -> str:
    return reverse(f"admin:pipeline_{model}_changelist")
