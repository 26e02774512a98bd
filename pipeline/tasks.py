"""Celery tasks: take ids, fetch, call one function. They return early when the work is done or gone."""

from __future__ import annotations

from celery import shared_task

from pipeline import clock
from pipeline.models import Heartbeat, Operation, WebhookDelivery
from pipeline.services import execution, recover, slots, webhooks


@shared_task(name="pipeline.tasks.tick", ignore_result=True)
def tick() -> None:
    """Rung by beat every half minute; any process may call it at any time."""
    recover.tick()
    Heartbeat.objects.update_or_create(name="tick", defaults={"beaten_at": clock.now()})


@shared_task(name="pipeline.tasks.ring", ignore_result=True)
def ring(operation_id: int) -> None:
    """Fired by beat from an operation's cron row."""
    operation = Operation.objects.filter(pk=operation_id).select_related("repository", "periodic_task").first()
    if operation is not None:
        slots.materialise(operation)


@shared_task(name="pipeline.tasks.execute_run", ignore_result=True)
def execute_run(run_id: int) -> None:
    execution.execute(run_id)


@shared_task(name="pipeline.tasks.work_run", ignore_result=True)
def work_run(run_id: int) -> None:
    execution.work_on(run_id)


@shared_task(name="pipeline.tasks.take_delivery", ignore_result=True)
def take_delivery(delivery_id: int) -> None:
    row = WebhookDelivery.objects.filter(pk=delivery_id, status=WebhookDelivery.Status.STORED).first()
    if row is not None:
        webhooks.take(row)
