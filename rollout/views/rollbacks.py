"""What a rollback would do, in live counts; what it did, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.paginator import Page, Paginator

from pipeline.models import AuditEntry, Issue, Mode, Operation
from pipeline.services import undoing
from pipeline.services.undoing import Undone
from pipeline.views.alerts import plural
from pipeline.views.schedules import next_fire
from rollout.domain import saga
from rollout.models import ExternalSchedule, Hold, Rollback, RollbackStep, Rollout
from rollout.services import holds, people, rollback_scope, situation
from rollout.services.rollback_scope import in_flight, live_runs

ISSUES_PER_PAGE = 20
TURNED = ("operation.mode", "operation.limit", "operation.cron", "operation.shipped")
MANUAL = ("completion-low", "quality-degraded", "operational-impact", "strategic-pivot")


@dataclass(frozen=True, slots=True)
class StateLine:
    """One operation on the state table; `hold` is what stops it, `next` its next run by schedule, `last` the last turn
    of a knob, with who and why.
    """

    operation: Operation
    word: str
    tone: str
    hold: Hold | None
    next: datetime | None
    last: AuditEntry | None


def states(rollout: Rollout, now: datetime) -> list[StateLine]:
    """Live, dry run or rolled back, per operation, when it runs next, and who changed it last and why."""
    stopped: dict[int, Hold] = {}
    for hold in rollout.holds.filter(released_at__isnull=True).order_by("-pk"):
        for operation in holds.stopped(rollout, hold):
            stopped.setdefault(operation.pk, hold)
    return [_state(operation, stopped.get(operation.pk), now) for operation in situation.managed(rollout)]


def _state(operation: Operation, hold: Hold | None, now: datetime) -> StateLine:
    word, tone = operation.get_mode_display(), operation.mode
    if hold is not None:
        word, tone = ("rolled back", "rolled_back") if operation.mode == Mode.OFF else ("held", "held")
    turned = AuditEntry.objects.filter(subject=str(operation), action__in=TURNED).order_by("-sequence")
    return StateLine(operation, word, tone, hold, next_fire(operation, now), turned.first())


def consequences(rollout: Rollout, step: str, *, drill: bool) -> Iterator[str]:
    """One sentence each, counted now."""
    scope = _scope(rollout, step)
    operations = rollback_scope.operations(scope)
    names = ", ".join(operation.name for operation in operations) or "none"
    yield f"{plural(len(operations), 'schedule')} off and verified to stay off: {names}."
    active = in_flight(scope).count()
    yield f"{plural(active, 'run')} in flight cancelled; the one request being sent aside, nothing more is written."
    rows = Issue.objects.filter(repository=rollout.repository_id)
    assigned, copilot = (rows.filter(state=state).count() for state in ("assigned", "copilot"))
    yield (
        f"{plural(assigned, 'issue')} in state::assigned and {copilot} in state::copilot listed with a proposal each; "
        "all issue states exported as CSV and JSON."
    )
    told = len(people.addresses(rollout))
    yield f"{told} {'person is' if told == 1 else 'people are'} told by e-mail, and the team's channel is told."
    yield "An incident is opened, with its time line; the post-mortem is due within 48 hours."
    doubles = ExternalSchedule.objects.filter(repository=rollout.repository_id, gone_at__isnull=True).count()
    yield f"{plural(doubles, 'GitHub Actions workflow')} of the same job disabled."
    yield "Runs by hand stay possible. Starting again takes two people and a checklist."
    if drill:
        yield "It is a drill: all of it happens against the demonstration repository, which is put back afterwards."


def revertible(rollout: Rollout, step: str) -> str:
    """What reverting would undo, counted."""
    runs = live_runs(_scope(rollout, step))
    undone = f"{plural(undoing.effects(runs).count(), 'applied effect')} of {plural(runs.count(), 'run')}"
    return f"{undone} would be undone; what people edited since stays."


def undone(rollout: Rollout, step: str, page: str | None) -> tuple[Page[Issue], list[Undone]]:
    """A page of the issues that reverting would touch, and what would become of each."""
    runs = live_runs(_scope(rollout, step))
    shown = Paginator(undoing.issues(runs), ISSUES_PER_PAGE).get_page(page)
    return shown, undoing.preview(runs, list(shown))


def _scope(rollout: Rollout, step: str) -> Rollback:
    """A rollback that nobody has asked for yet."""
    return Rollback(rollout=rollout, step=step, started_at=rollout.created_at)


@dataclass(frozen=True, slots=True)
class SagaLine:
    """A step of the saga and its row."""

    row: RollbackStep
    title: str
    postcondition: str

    @property
    def may_retry(self) -> bool:
        return self.row.state == RollbackStep.State.FAILED

    @property
    def files(self) -> list[str]:
        """Names of exports that can be downloaded."""
        return [str(file["path"]) for file in self.row.evidence.get("files", [])]


def saga_lines(rollback: Rollback) -> list[SagaLine]:
    return [_line(row) for row in rollback.steps.order_by("order")]


def _line(row: RollbackStep) -> SagaLine:
    step = saga.BY_NAME.get(row.name)
    return SagaLine(row, step.title if step else row.name, step.postcondition if step else "")


def running(rollout: Rollout) -> Rollback | None:
    return rollout.rollbacks.exclude(state=Rollback.State.DONE).order_by("-pk").first()


def took(rollback: Rollback, now: datetime) -> tuple[timedelta, timedelta | None]:
    """Since the start (or until the end), and until the schedules were verified off."""
    off = rollback.schedules_off_at - rollback.started_at if rollback.schedules_off_at else None
    return (rollback.finished_at or now) - rollback.started_at, off
