"""Celery tasks of the deciding half: take ids, fetch, call one function."""

from __future__ import annotations

from celery import shared_task

from pipeline.models import Run
from rollout.services import ticking


@shared_task(name="rollout.tasks.reconcile_all", ignore_result=True)
def reconcile_all() -> None:
    """Every minute by beat; any process may call it at any time."""
    ticking.tick()


@shared_task(name="rollout.tasks.run_finished", ignore_result=True)
def run_finished(run_id: int) -> None:
    run = Run.objects.filter(pk=run_id).select_related("repository", "operation").first()
    if run is not None:
        ticking.after_run(run)


@shared_task(name="rollout.tasks.knob_turned", ignore_result=True)
def knob_turned(repository_id: int) -> None:
    """A person switched an operation, or changed its limit or schedule, on its own page or by command."""
    ticking.after_turn(repository_id)


@shared_task(name="rollout.tasks.carry_on", ignore_result=True)
def carry_on() -> None:
    """Every minute too, apart from the tick: it talks to GitHub, Slack and mail servers."""
    ticking.carry_on()
