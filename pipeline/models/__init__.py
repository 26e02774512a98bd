"""Rows and database constraints; no logic beyond turning a row into a value."""

from pipeline.models.findings import Finding, ProblemReport, Reference
from pipeline.models.issues import Feedback, Handover, Issue, Transition
from pipeline.models.operations import BY_REQUEST, Kind, Mode, Operation, OperationPart
from pipeline.models.repositories import Repository, RepositoryLabel
from pipeline.models.runs import Effect, Run, RunItem, Slot
from pipeline.models.sources import Discovery, Source
from pipeline.models.usage import AiCall, AiDay, ApiCall, AuditEntry, Heartbeat, TokenBudget, WebhookDelivery
from pipeline.models.workflows import Deliverable, Specialist, Workflow

__all__ = [
    "BY_REQUEST",
    "AiCall",
    "AiDay",
    "ApiCall",
    "AuditEntry",
    "Deliverable",
    "Discovery",
    "Effect",
    "Feedback",
    "Finding",
    "Handover",
    "Heartbeat",
    "Issue",
    "Kind",
    "Mode",
    "Operation",
    "OperationPart",
    "ProblemReport",
    "Reference",
    "Repository",
    "RepositoryLabel",
    "Run",
    "RunItem",
    "Slot",
    "Source",
    "Specialist",
    "TokenBudget",
    "Transition",
    "WebhookDelivery",
    "Workflow",
]
