"""Rows and database constraints of the deciding half."""

from rollout.models.control import (
    Announcement,
    ExternalSchedule,
    Firing,
    Hold,
    Incident,
    Override,
    ProgressEntry,
    Resumption,
    Rollback,
    RollbackStep,
    SecurityAlert,
    TriageItem,
    TriggerState,
)
from rollout.models.evidence import Evaluation, Gate, RoleHolder, Signature, Tick
from rollout.models.plans import ChangeRequest, PlanVersion, Rollout, StepProgress

__all__ = [
    "Announcement",
    "ChangeRequest",
    "Evaluation",
    "ExternalSchedule",
    "Firing",
    "Gate",
    "Hold",
    "Incident",
    "Override",
    "PlanVersion",
    "ProgressEntry",
    "Resumption",
    "RoleHolder",
    "Rollback",
    "RollbackStep",
    "Rollout",
    "SecurityAlert",
    "Signature",
    "StepProgress",
    "Tick",
    "TriageItem",
    "TriggerState",
]
