"""A small world with a row on every screen, hostile text included."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models import Model
from django.urls import reverse
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from pipeline import models
from pipeline.domain import changes
from pipeline.services import operations
from tests import factories as make
from tests.recorded import recorded

HOSTILE = (
    "<script>window.hacked=1</script> <img src=x onerror=window.hacked=1> ![x](https://evil.example/x.png) "
    "[a](javascript:alert(1)) [b](https://ok.example/) <a href='javascript:alert(2)'>c</a>\n"
)
DIFF = "--- ## AI Assessment (now)\n+++ ## AI Assessment (planned)\n@@ -1 +1 @@\n-Nothing\n+**A convoy** <b>seen</b>"


@dataclass(frozen=True)
class World:
    repository: models.Repository
    operation: models.Operation
    daily: models.Operation
    part: models.OperationPart
    workflow: models.Workflow
    specialist: models.Specialist
    source: models.Source
    issue: models.Issue
    discovery: models.Discovery
    dry_run: models.Run
    live_run: models.Run
    open_run: models.Run
    slot: models.Slot
    handover: models.Handover
    finding: models.Finding
    report: models.ProblemReport
    audit: models.AuditEntry
    delivery: models.WebhookDelivery
    budget: models.TokenBudget
    api_call: models.ApiCall
    ai_call: models.AiCall
    heartbeat: models.Heartbeat
    person: User
    role: Group
    entry: PeriodicTask
    crontab: CrontabSchedule
    interval: IntervalSchedule
    solar: SolarSchedule
    clocked: ClockedSchedule

    def rows(self) -> list[Model]:
        return [getattr(self, field.name) for field in fields(self)]

    def lists(self) -> list[str]:
        """The addresses of all lists, each once."""
        names = {f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist" for row in self.rows()}
        return [reverse(name) for name in sorted(names)]

    def pages(self) -> list[str]:
        """The addresses of one row per screen."""
        return [
            reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]) for row in self.rows()
        ]


@recorded
def build() -> World:
    call_command("roles", verbosity=0)
    repository = make.make_repository(full_name="acme/watch", synced_at=make.MOMENT)
    operations.ship_operations(repository, actor="olga", reason="First set-up.")
    operation = repository.operations.get(kind="assign")
    daily = repository.operations.get(kind="daily")
    workflow = make.make_workflow(deliverables=2)
    source = make.make_source(repository=repository)
    issue = make.make_issue(
        repository=repository,
        title="Convoy <script>window.hacked=1</script>",
        body=f"{make.BODY}\n## AI Assessment\n\n{HOSTILE}",
        workflow=workflow,
        specialist=workflow.specialist,
    )
    make.make_transition(issue=issue)
    dry_run = run_with_item(operation, issue, "dry_run")
    assert operation.periodic_task is not None
    assert operation.periodic_task.crontab is not None
    return World(
        repository=repository,
        operation=operation,
        daily=daily,
        part=daily.parts.all()[0],
        workflow=workflow,
        specialist=workflow.specialist,
        source=source,
        issue=issue,
        discovery=make.make_discovery(source=source, issue=issue, title=HOSTILE, url="javascript:alert(1)"),
        dry_run=dry_run,
        live_run=run_with_item(operation, issue, "live"),
        open_run=make.make_run(operation=daily, state="working"),
        slot=make.make_slot(operation=operation, run=dry_run),
        handover=make.make_handover(issue=issue, evidence={"note": HOSTILE}),
        finding=make.make_finding(repository=repository, issue=issue, message=HOSTILE),
        report=make.make_problem_report(
            repository=repository,
            group="labels.conflicting_states",
            body=f"## Validation Findings\n\n{HOSTILE}",
        ),
        audit=models.AuditEntry.objects.all()[0],
        delivery=make.make_delivery(repository=repository),
        budget=make.make_token_budget(),
        api_call=make.make_api_call(repository=repository, run=dry_run),
        ai_call=make.make_ai_call(repository=repository, run=dry_run),
        heartbeat=make.make_heartbeat(),
        person=User.objects.create_user("pat"),
        role=Group.objects.get(name="operator"),
        entry=operation.periodic_task,
        crontab=operation.periodic_task.crontab,
        interval=IntervalSchedule.objects.create(every=5, period="minutes"),
        solar=SolarSchedule.objects.create(event="sunrise", latitude=52, longitude=5),
        clocked=ClockedSchedule.objects.create(clocked_time=make.MOMENT + timedelta(days=1)),
    )


def run_with_item(operation: models.Operation, issue: models.Issue, mode: str) -> models.Run:
    """A closed run with one item, its effects and its figures."""
    live = mode == "live"
    run = make.make_run(operation=operation, mode=mode, state="succeeded", statistics={"by_state": {"done": 1}})
    item = make.make_item(run=run, issue=issue, state="done" if live else "planned", reason="Confidence 0.91.")
    state = "applied" if live else "planned"
    labels = changes.AddLabels(("state::assigned",))
    make.make_effect(item=item, change=labels, diff="+ label state::assigned", state=state)
    sections = changes.WriteSections((("AI Assessment", HOSTILE),))
    make.make_effect(
        item=item, change=sections, diff=DIFF, state=state, before={"sections": {"AI Assessment": HOSTILE}}
    )
    return run
