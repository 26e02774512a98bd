"""Carries runs out: filled with items, worked by any number of workers, closed once. Every function may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.domain.snapshot import to_json
from pipeline.github import port
from pipeline.github.port import GitHub
from pipeline.models import Kind, Mode, OperationPart, Run, RunItem
from pipeline.services import bell, claims, governor, kinds, labels, statistics, telemetry, work
from pipeline.services.connect import connect
from pipeline.services.kinds.base import Candidate, Unfinished
from pipeline.services.runs import cancel_items
from pipeline.services.slots import EXECUTE_TASK

WORK_TASK = "pipeline.tasks.work_run"
NO_LABELS = (Kind.ACTIONS, Kind.REMIND)  # they set none, so none has to exist
AT_ONE_GO = timedelta(minutes=4)  # then the worker passes the run on, well inside a task's time limit


def execute(run_id: int) -> None:
    """Choose the items of a run and ring the workers; safe to call any number of times."""
    run = claims.claim_run(run_id)
    if run is None:
        return
    telemetry.emit("run.started", run=run.pk, kind=run.kind, mode=run.mode, purpose=run.purpose, limit=run.limit)
    if run.has_parts:
        _selected(run, [])
        advance_daily(run)
        return
    try:
        with governor.accounting(run.pk, None):
            github = connect(run.repository)
            candidates = kinds.of(run).select(run, github)
            if run.mode == Mode.LIVE and run.kind not in NO_LABELS and any(not row.skipped for row in candidates):
                labels.ensure(run, github)
    except Unfinished:
        _go_on(run)
    except port.Transient as error:
        _postpone(run, str(error))
    except port.GitHubError as error:
        kind = "quota" if isinstance(error, port.QuotaExhausted) else "permanent"
        fail(run, str(error), kind)
    else:
        _selected(run, candidates)


def _selected(run: Run, candidates: Sequence[Candidate]) -> None:
    now = clock.now()
    with transaction.atomic():
        mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, selected=False, state=Run.State.WORKING)
        if not mine.update(selected=True, claimed_until=None, rung_at=now):
            return  # cancelled, or taken over meanwhile
        first = run.items.count()
        for position, candidate in enumerate(candidates, start=first):
            _add_item(run, position, candidate)
        waiting = run.items.filter(state=RunItem.State.PENDING).count()
        if waiting:
            bell.ring(WORK_TASK, run.pk, times=min(waiting, settings.CONTROLPLANE.worker_concurrency))
    if not waiting and not run.has_parts:
        close_if_done(run.pk)


def _add_item(run: Run, position: int, candidate: Candidate) -> None:
    skipped = bool(candidate.skipped)
    item = RunItem(
        run=run,
        position=position,
        issue=candidate.issue,
        discovery=candidate.discovery,
        report=candidate.report,
        live=run.mode == Mode.LIVE,
        state=RunItem.State.SKIPPED if skipped else RunItem.State.PENDING,
        outcome=candidate.outcome,
        reason=candidate.skipped[:500],
        facts=candidate.facts,
        snapshot=to_json(candidate.prefetched) if candidate.prefetched else {},
        finished_at=clock.now() if skipped else None,
    )
    try:
        with transaction.atomic():
            item.save()
            if not skipped:
                kinds.of(run).prepare(item)
    except IntegrityError:
        item.pk, item.state, item.finished_at = None, RunItem.State.SKIPPED, clock.now()
        item.reason = "Another live run is working on it."
        item.save()


def work_on(run_id: int) -> None:
    """Work items of a run until none is to be had, then close it if it was the last."""
    run = Run.objects.select_related("repository").filter(pk=run_id).first()
    if run is None:
        return
    github: GitHub | None = None
    ends = clock.now() + AT_ONE_GO
    while (item := claims.claim_item(run_id)) is not None:
        if github is None:
            try:
                github = connect(run.repository)
            except port.GitHubError as error:
                work.give_up(item, error)
                continue
        work.work_item(item, github)
        if _must_stop(item):
            stop_rest(run, item)
        if clock.now() > ends:
            bell.ring(WORK_TASK, run_id)
            return
    close_if_done(run_id)


def _must_stop(item: RunItem) -> bool:
    if item.state != RunItem.State.FAILED:
        return False
    operation = item.run.operation
    goes_on = item.run.options.get("continue_on_error", operation.continue_on_error if operation else True)
    return not goes_on


def stop_rest(run: Run, item: RunItem) -> None:
    """Without continue-on-error the first failure ends the run."""
    with transaction.atomic():
        cancel_items(run, f"Item {item.position} failed and the operation does not continue on errors.")


def close_if_done(run_id: int) -> None:
    """Close a run whose items are all settled; the compare-and-set makes sure that it happens once."""
    run = Run.objects.select_related("operation", "repository", "parent").get(pk=run_id)
    if run.has_parts or not run.selected or run.items.filter(state__in=RunItem.ACTIVE).exists():
        return
    attempted = run.items.exclude(state=RunItem.State.SKIPPED)
    states = set(attempted.values_list("state", flat=True))
    if states == {RunItem.State.FAILED}:
        _close(run, Run.State.FAILED, "Every item failed.", "permanent")
    elif states == {RunItem.State.CANCELLED}:  # stopped before it did anything, which is no success
        _close(run, Run.State.CANCELLED, attempted.values_list("reason", flat=True)[0], "")
    else:
        _close(run, Run.State.SUCCEEDED, "", "")


def fail(run: Run, error: str, error_type: str) -> None:
    """End a run that could not do its work at all."""
    telemetry.emit("error", run=run.pk, item=None, stage="", error=error_type, reason=error)
    with transaction.atomic():
        cancel_items(run, error)
    _close(run, Run.State.FAILED, error, error_type)


def _close(run: Run, state: Run.State, error: str, error_type: str) -> None:
    closed = Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE).update(
        state=state,
        finished_at=clock.now(),
        claimed_until=None,
        error=error[:500],
        error_type=error_type,
        statistics=statistics.of(run),
    )
    if not closed:
        return
    run.refresh_from_db()
    telemetry.emit("run.finished", run=run.pk, kind=run.kind, state=run.state, error=error, statistics=run.statistics)
    for task in getattr(settings, "PIPELINE_RUN_FINISHED_TASKS", ()):  # whoever decides on what runs show
        bell.ring(task, run.pk)
    if run.parent_id is not None:
        advance_daily(Run.objects.get(pk=run.parent_id))


def _postpone(run: Run, error: str) -> None:
    """A passing fault while choosing items: the sweeper rings again, until the run's timeout."""
    now = clock.now()
    if run.deadline_at is not None and now >= run.deadline_at:
        fail(run, error, "transient")
        return
    wait = timedelta(seconds=min(300, 10 * 2 ** min(run.epoch, 5)))
    Run.objects.filter(pk=run.pk, epoch=run.epoch).update(claimed_until=now + wait, error=error[:500])


def _part_binding(part: OperationPart, run: Run) -> str:
    """The term that binds what a part takes on: its own, or what the whole daily run may."""
    binding = part.limit_reason if part.limit <= run.limit else run.limit_reason
    return f"{binding}; part of the daily run {run.pk}" if binding else f"part of the daily run {run.pk}"


def _go_on(run: Run) -> None:
    """Another task takes the choosing up where this one left it; past the run's timeout the next run does."""
    now = clock.now()
    if run.deadline_at is not None and now >= run.deadline_at:
        _selected(run, [])
        return
    with transaction.atomic():
        if Run.objects.filter(pk=run.pk, epoch=run.epoch).update(claimed_until=None, rung_at=now):
            bell.ring(EXECUTE_TASK, run.pk)


def _close_daily(run: Run) -> None:
    ended = list(run.children.values_list("kind", "state", "error"))
    failed = [kind for kind, state, _ in ended if state == Run.State.FAILED]
    if failed:
        _close(run, Run.State.FAILED, f"Parts failed: {', '.join(failed)}.", "permanent")
    elif ended and all(state == Run.State.CANCELLED for _, state, _ in ended):
        _close(run, Run.State.CANCELLED, ended[-1][2], "")
    else:
        _close(run, Run.State.SUCCEEDED, "", "")


def advance_daily(run: Run) -> None:
    """Start the next part of a daily run, or close it after the last (plan 1.3). Idempotent."""
    if not run.is_active or run.operation is None or run.children.filter(state__in=Run.ACTIVE).exists():
        return
    done = set(run.children.values_list("kind", flat=True))
    parts = [part for part in run.operation.parts.all() if part.mode != Mode.OFF and part.kind not in done]
    if not parts:
        _close_daily(run)
        return
    part, now = parts[0], clock.now()
    live = run.mode == Mode.LIVE and part.mode == Mode.LIVE
    try:
        with transaction.atomic():
            child = Run.objects.create(
                operation=run.operation,
                repository=run.repository,
                kind=part.kind,
                purpose=Run.Purpose.PART,
                mode=Mode.LIVE if live else Mode.DRY_RUN,
                parent=run,
                group=f"part:{run.pk}",  # two workers that advance at once start one child
                limit=min(part.limit, run.limit),
                limit_reason=_part_binding(part, run),
                options=run.options,
                requested_by=run.requested_by,
                created_at=now,
                rung_at=now,
                deadline_at=run.deadline_at,
            )
            bell.ring(EXECUTE_TASK, child.pk)
    except IntegrityError:
        return
