"""Rows for tests: plain functions, sensible defaults, any field by keyword.

Every function returns a saved row. Numbers count up within a process, so that names and keys never clash.
"""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django_celery_beat.models import CrontabSchedule, PeriodicTask

from pipeline.domain import changes
from pipeline.models import (
    AiCall,
    ApiCall,
    AuditEntry,
    Deliverable,
    Discovery,
    Effect,
    Feedback,
    Finding,
    Handover,
    Heartbeat,
    Issue,
    Kind,
    Mode,
    Operation,
    OperationPart,
    ProblemReport,
    Reference,
    Repository,
    Run,
    RunItem,
    Slot,
    Source,
    Specialist,
    TokenBudget,
    Transition,
    WebhookDelivery,
    Workflow,
)

MOMENT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # a Monday, when nothing else is said
_numbers = itertools.count(1)

CRONS = {"monitor": "0 */2 * * *", "assign": "5 */4 * * *", "process": "5 */4 * * *", "daily": "30 6 * * *"}
BODY = (
    "## Discovery\n\n- Source: Harbour news\n- URL: https://news.example/harbour\n\n"
    "> A convoy was seen at the northern pier.\n\nWritten by a person, and to be left alone.\n"
)


def number() -> int:
    """The next number, unique within the process."""
    return next(_numbers)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_repository(**values: Any) -> Repository:
    values.setdefault("full_name", f"acme/watch-{number()}")
    values.setdefault("write_spacing_ms", 0)
    return Repository.objects.create(**values)


def make_specialist(**values: Any) -> Specialist:
    serial = number()
    defaults: dict[str, Any] = {
        "slug": f"analyst-{serial}",
        "name": f"Intelligence Analyst {serial}",
        "role": "You analyse reports and say how sure you are.",
        "objective": "Turn the discovery into an assessment that a reader can act on.",
        "guidance": "Work on {title} as {role}.",
        "required_actions": ["Read every source", "Name what is not known"],
        "quality_checklist": ["Every claim has a source"],
    }
    return Specialist.objects.create(**{**defaults, **values})


def make_workflow(*, deliverables: int = 1, **values: Any) -> Workflow:
    serial = number()
    defaults: dict[str, Any] = {
        "slug": f"workflow-{serial}",
        "name": f"Workflow {serial}",
        "trigger_labels": ["intelligence"],
        "content_keywords": ["convoy", "pier"],
        "acceptance_criteria": ["The report names its sources"],
    }
    values.setdefault("specialist", values.get("specialist") or make_specialist())
    workflow = Workflow.objects.create(**{**defaults, **values})
    for order in range(deliverables):
        make_deliverable(workflow=workflow, order=order)
    return workflow


def make_deliverable(**values: Any) -> Deliverable:
    serial = number()
    defaults: dict[str, Any] = {
        "name": f"report-{serial}",
        "title": f"Report {serial}",
        "template": "# {title}\n",
        "path": f"{{folder}}/report-{serial}.md",
    }
    values.setdefault("workflow", values.get("workflow") or make_workflow(deliverables=0))
    return Deliverable.objects.create(**{**defaults, **values})


def make_schedule(cron: str = "0 */2 * * *", **values: Any) -> PeriodicTask:
    """A beat entry; `cron` has the usual five fields."""
    minute, hour, day, month, weekday = cron.split()
    schedule, _ = CrontabSchedule.objects.get_or_create(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday, timezone="UTC"
    )
    values.setdefault("name", f"schedule {number()}")
    values.setdefault("task", "pipeline.tasks.ring")
    return PeriodicTask.objects.create(crontab=schedule, **values)


def make_operation(*, cron: str | None = None, **values: Any) -> Operation:
    """An operation of kind assign in dry run; with `cron`, also its schedule."""
    values.setdefault("kind", Kind.ASSIGN)
    values.setdefault("name", f"{values['kind']}-{number()}")
    values.setdefault("mode", Mode.DRY_RUN)
    values.setdefault("repository", values.get("repository") or make_repository())
    if cron is not None:
        values["periodic_task"] = make_schedule(cron)
    return Operation.objects.create(**values)


def make_part(**values: Any) -> OperationPart:
    values.setdefault("kind", Kind.ASSIGN)
    values.setdefault("operation", values.get("operation") or make_operation(kind=Kind.DAILY))
    return OperationPart.objects.create(**values)


def make_issue(**values: Any) -> Issue:
    """An open issue in discovery with the labels of its state, read at MOMENT."""
    serial = number()
    state = str(values.get("state", Issue.State.DISCOVERY))
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "number": serial,
        "node_id": f"I_node{serial}",
        "state": state,
        "title": f"Convoy at the northern pier {serial}",
        "body": BODY,
        "labels": labels_of(state),
        "author": {"login": "watch-bot", "id": 7, "kind": "Bot"},
        "author_association": "NONE",
        "remote_created_at": MOMENT,
        "remote_updated_at": MOMENT,
        "read_at": MOMENT,
        "discovered_at": MOMENT,
    }
    values.setdefault("html_url", f"{values['repository'].html_url}/issues/{values.get('number', serial)}")
    return Issue.objects.create(**{**defaults, **values})


def labels_of(state: str) -> list[str]:
    """The labels that an issue in `state` carries."""
    triage = ["monitor::triage"] if state == "discovery" else []
    return ["site-monitor", *triage, f"state::{state}"]


def make_transition(**values: Any) -> Transition:
    values.setdefault("issue", values.get("issue") or make_issue())
    issue = values["issue"]
    last = issue.transitions.order_by("-sequence").first()
    defaults: dict[str, Any] = {
        "sequence": last.sequence + 1 if last else 1,
        "before": last.after if last else "",
        "after": issue.state,
        "cause": Transition.Cause.PIPELINE if last else Transition.Cause.IMPORTED,
        "reason": "Classified with confidence 0.91." if last else "First seen on GitHub.",
        "at": MOMENT,
    }
    return Transition.objects.create(**{**defaults, **values})


def make_handover(**values: Any) -> Handover:
    values.setdefault("issue", values.get("issue") or make_issue(state=Issue.State.COPILOT))
    defaults: dict[str, Any] = {"generation": values["issue"].handovers.count() + 1, "requested_at": MOMENT}
    return Handover.objects.create(**{**defaults, **values})


def make_finding(**values: Any) -> Finding:
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "check_id": "labels.conflicting_states",
        "fingerprint": sha(str(number())),
        "message": "The issue carries state::assigned and state::copilot; remove one of them on GitHub.",
        "first_seen": MOMENT,
        "last_seen": MOMENT,
    }
    return Finding.objects.create(**{**defaults, **values})


def make_problem_report(**values: Any) -> ProblemReport:
    """An open report that GitHub has taken."""
    values.setdefault("repository", values.get("repository") or make_repository())
    serial = number()
    defaults: dict[str, Any] = {
        "group": "labels.triage",
        "number": serial,
        "node_id": f"I_report{serial}",
        "html_url": f"{values['repository'].html_url}/issues/{serial}",
        "opened_at": MOMENT,
        "updated_at": MOMENT,
    }
    return ProblemReport.objects.create(**{**defaults, **values})


def make_reference(**values: Any) -> Reference:
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {"thing": "branch", "name": f"branch-{number()}", "exists": True, "checked_at": MOMENT}
    return Reference.objects.create(**{**defaults, **values})


def make_feedback(**values: Any) -> Feedback:
    values.setdefault("handover", values.get("handover") or make_handover())
    defaults: dict[str, Any] = {
        "external_id": f"IC_{number()}",
        "source": Feedback.Source.COMMENT,
        "text": "The task does not say which pier is meant.",
        "said_at": MOMENT,
    }
    return Feedback.objects.create(**{**defaults, **values})


def make_run(**values: Any) -> Run:
    """A manual run of an operation, waiting to start; a closed state gets its times."""
    values.setdefault("operation", values.get("operation") or make_operation())
    operation = values["operation"]
    defaults: dict[str, Any] = {
        "repository": operation.repository,
        "kind": operation.kind,
        "purpose": Run.Purpose.MANUAL,
        "mode": operation.mode,
        "limit": operation.limit,
        "created_at": MOMENT,
    }
    if values.get("state", Run.State.OPEN) != Run.State.OPEN:
        defaults |= {"started_at": MOMENT, "selected": True}
    if values.get("state", Run.State.OPEN) not in Run.ACTIVE:
        defaults |= {"finished_at": MOMENT + timedelta(minutes=2)}
    return Run.objects.create(**{**defaults, **values})


def make_slot(**values: Any) -> Slot:
    values.setdefault("operation", values.get("operation") or make_operation())
    defaults: dict[str, Any] = {
        "nominal_at": MOMENT + timedelta(hours=number()),
        "status": Slot.Status.RAN,
        "settled_at": MOMENT,
    }
    return Slot.objects.create(**{**defaults, **values})


def make_item(**values: Any) -> RunItem:
    values.setdefault("run", values.get("run") or make_run())
    run = values["run"]
    defaults: dict[str, Any] = {"position": run.items.count() + 1, "live": run.mode == Mode.LIVE}
    if not {"issue", "discovery", "report"} & values.keys():
        values["issue"] = make_issue(repository=run.repository)
    return RunItem.objects.create(**{**defaults, **values})


def make_effect(*, change: changes.Change | None = None, **values: Any) -> Effect:
    """An effect of `change` (by default one label added), planned."""
    change = change or changes.AddLabels(("state::assigned",))
    values.setdefault("item", values.get("item") or make_item())
    item = values["item"]
    payload = changes.to_payload(change)
    defaults: dict[str, Any] = {
        "issue": item.issue,
        "order": item.effects.count(),
        "key": f"key-{number()}",
        "kind": change.kind,
        "payload": payload,
        "request_hash": changes.request_hash(change.kind, payload),
        "live": item.live,
        "planned_at": MOMENT,
    }
    return Effect.objects.create(**{**defaults, **values})


def make_source(**values: Any) -> Source:
    serial = number()
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {"name": f"Harbour news {serial}", "url": f"https://news.example/{serial}/feed.xml"}
    return Source.objects.create(**{**defaults, **values})


def make_discovery(**values: Any) -> Discovery:
    serial = number()
    values.setdefault("source", values.get("source") or make_source())
    url = values.setdefault("url", f"https://news.example/item/{serial}")
    title = values.setdefault("title", f"Convoy at the northern pier {serial}")
    defaults: dict[str, Any] = {
        "repository": values["source"].repository,
        "normalised_url": url.lower(),
        "normalised_title": title.lower(),
        "fingerprint": sha(f"{url.lower()}\n{title.lower()}"),
        "entry_key": sha(f"{url}\n{title}"),
        "excerpt": "A convoy was seen at the northern pier.",
        "found_at": MOMENT,
    }
    if values.get("issue"):
        defaults["status"] = Discovery.Status.OPENED
    return Discovery.objects.create(**{**defaults, **values})


def make_token_budget(**values: Any) -> TokenBudget:
    defaults: dict[str, Any] = {
        "token_key": sha(str(number())),
        "label": "env:GITHUB_TOKEN (watch-bot)",
        "limit": 5000,
        "remaining": 4200,
        "reset_at": MOMENT + timedelta(minutes=40),
    }
    return TokenBudget.objects.create(**{**defaults, **values})


def make_api_call(**values: Any) -> ApiCall:
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "at": MOMENT,
        "token_key": sha("token"),
        "protocol": "rest",
        "method": "GET",
        "route": "/repos/{owner}/{repo}/issues",
        "status": 200,
        "duration_ms": 42,
    }
    return ApiCall.objects.create(**{**defaults, **values})


def make_ai_call(**values: Any) -> AiCall:
    values.setdefault("repository", values.get("repository") or make_repository())
    return AiCall.objects.create(**{"at": MOMENT, "provider": "rules", **values})


def make_heartbeat(name: str = "tick", beaten_at: datetime = MOMENT) -> Heartbeat:
    return Heartbeat.objects.create(name=name, beaten_at=beaten_at)


def make_delivery(**values: Any) -> WebhookDelivery:
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "delivery_id": f"delivery-{number()}",
        "event": "issues",
        "action": "labeled",
        "received_at": MOMENT,
    }
    return WebhookDelivery.objects.create(**{**defaults, **values})


def make_audit_entry(**values: Any) -> AuditEntry:
    """An entry that looks right; it is not part of a valid chain."""
    serial = number()
    defaults: dict[str, Any] = {
        "sequence": serial,
        "at": MOMENT,
        "actor": "olga",
        "action": "operation.set_mode",
        "subject": "assign on acme/watch",
        "reason": "Week 1 begins.",
        "before": {"mode": "off"},
        "after": {"mode": "dry_run"},
        "previous_hash": sha(f"before {serial}"),
        "hash": sha(f"hash {serial}"),
    }
    return AuditEntry.objects.create(**{**defaults, **values})
