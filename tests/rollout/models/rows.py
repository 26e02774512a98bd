"""Rows for the constraints' tests, each valid as it is made: those of plans, evidence, control and completion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rollout.models import (
    ChangeRequest,
    ClockPause,
    CompletionCase,
    EscalationEvent,
    EscalationRule,
    Evaluation,
    ExternalSchedule,
    Firing,
    Gate,
    Hold,
    ManualReview,
    Override,
    Resumption,
    RoleHolder,
    Rollback,
    RollbackStep,
    SecurityAlert,
    ServiceLevel,
    Signature,
    StepProgress,
    Survey,
    SurveyAnswer,
    TriageItem,
    TriggerState,
)
from tests.factories import MOMENT, make_handover, make_issue, make_repository, number, sha
from tests.rollout.factories import make_person, make_rollout

Values = Any


def make_step(**values: Values) -> StepProgress:
    return StepProgress.objects.create(**{"rollout": _rollout(values), "number": "1.1", **values})


def make_change(**values: Values) -> ChangeRequest:
    defaults = {"text": "a: 1", "diff": "+a: 1", "reason": "A typo.", "asked_by": "lena", "asked_at": MOMENT}
    return ChangeRequest.objects.create(
        **{"rollout": _rollout(values), **defaults, "base_sha256": sha("plan"), **values}
    )


def make_evaluation(**values: Values) -> Evaluation:
    defaults: dict[str, Any] = {
        "key": sha(f"evidence {number()}"),
        "rule": "assign-runs",
        "rule_hash": sha("rule"),
        "verdict": "pass",
        "floor": MOMENT,
        "reason": "4 of 4.",
        "at": MOMENT,
    }
    return Evaluation.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_gate(**values: Values) -> Gate:
    defaults: dict[str, Any] = {
        "slug": "day-7",
        "asked_by": "lena",
        "asked_at": MOMENT,
        "evidence": [1],
        "evidence_hash": sha("evidence"),
        "verdict": "pass",
    }
    return Gate.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_signature(**values: Values) -> Signature:
    defaults = {"role": "devops", "by": "dora", "at": MOMENT, "evidence_hash": sha("evidence")}
    return Signature.objects.create(**{"gate": values.get("gate") or make_gate(), **defaults, **values})


def make_role_holder(**values: Values) -> RoleHolder:
    person = values.get("user") or make_person()
    return RoleHolder.objects.create(**{"rollout": _rollout(values), "role": "devops", "user": person, **values})


def make_trigger(**values: Values) -> TriggerState:
    return TriggerState.objects.create(**{"rollout": _rollout(values), "slug": "half-failing", **values})


def make_firing(**values: Values) -> Firing:
    defaults = {"trigger": "half-failing", "action": "hold", "at": MOMENT, "sentence": "6 of 10 failed."}
    return Firing.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_hold(**values: Values) -> Hold:
    defaults = {"operation": "assign", "step": "1.1", "by": "lena", "reason": "It looks odd.", "at": MOMENT}
    return Hold.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_override(**values: Values) -> Override:
    defaults: dict[str, Any] = {
        "operation": "assign",
        "limit": 3,
        "owner": "lena",
        "reason": "Slowly.",
        "created_at": MOMENT,
        "expires_at": MOMENT + timedelta(hours=4),
    }
    return Override.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_resumption(**values: Values) -> Resumption:
    defaults: dict[str, Any] = {"asked_by": "olga", "asked_at": MOMENT, "reason": "It is mended.", "checklist": [{}]}
    return Resumption.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_rollback(**values: Values) -> Rollback:
    defaults = {"step": "1.1", "by": "lena", "reason": "It went wrong.", "started_at": MOMENT}
    return Rollback.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_rollback_step(**values: Values) -> RollbackStep:
    rollback = values.get("rollback") or make_rollback()
    return RollbackStep.objects.create(**{"rollback": rollback, "order": 1, "name": "announced", **values})


def make_triage(**values: Values) -> TriageItem:
    rollback = values.get("rollback") or make_rollback()
    issue = values.get("issue") or make_issue(repository=rollback.rollout.repository)
    defaults = {"state": "assigned", "proposal": "triage", "reason": "Nobody works on it."}
    return TriageItem.objects.create(**{"rollback": rollback, "issue": issue, **defaults, **values})


def make_schedule(**values: Values) -> ExternalSchedule:
    defaults: dict[str, Any] = {
        "repository": values.get("repository") or make_repository(),
        "workflow_id": 7,
        "path": ".github/workflows/ops.yml",
        "crons": ["0 * * * *"],
        "found_at": MOMENT,
    }
    return ExternalSchedule.objects.create(**{**defaults, **values})


def make_alert(**values: Values) -> SecurityAlert:
    repository = values.get("repository") or make_repository()
    defaults = {"source": "webhook", "external_id": "7", "summary": "A token leaked.", "at": MOMENT}
    return SecurityAlert.objects.create(**{"repository": repository, **defaults, **values})


def make_service_level(**values: Values) -> ServiceLevel:
    """Of a repository, as an override is."""
    repository = values["repository"] if "repository" in values else make_repository()
    defaults: dict[str, Any] = {
        "workflow": "osint",
        "slug": f"level-{number()}",
        "text": "80 % in 48 hours",
        "metric": "copilot_completion_48h",
        "comparator": ">=",
        "threshold": 0.8,
    }
    return ServiceLevel.objects.create(**{"repository": repository, **defaults, **values})


def make_escalation_rule(**values: Values) -> EscalationRule:
    """Of a repository, as an override is."""
    repository = values["repository"] if "repository" in values else make_repository()
    defaults = {"workflow": f"flow-{number()}", "action": "remind", "days_overdue": 3, "text": "Day 3: remind"}
    return EscalationRule.objects.create(**{"repository": repository, **defaults, **values})


def make_case(**values: Values) -> CompletionCase:
    handover = values.get("handover") or make_handover()
    defaults: dict[str, Any] = {
        "issue": handover.issue,
        "handover": handover,
        "opened_at": MOMENT,
        "due_at": MOMENT + timedelta(days=2),
    }
    return CompletionCase.objects.create(**{**defaults, **values})


def make_pause(**values: Values) -> ClockPause:
    defaults = {"kind": "blocked", "reason": "We owe an answer.", "by": "rule:blocked", "started_at": MOMENT}
    return ClockPause.objects.create(**{"case": values.get("case") or make_case(), **defaults, **values})


def make_escalation(**values: Values) -> EscalationEvent:
    defaults = {"action": "remind", "days_overdue": 3, "at": MOMENT, "sentence": "3 days overdue."}
    return EscalationEvent.objects.create(**{"case": values.get("case") or make_case(), **defaults, **values})


def make_manual_review(**values: Values) -> ManualReview:
    defaults = {"owner": "olga", "opened_at": MOMENT, "due_at": MOMENT + timedelta(days=1)}
    return ManualReview.objects.create(**{"case": values.get("case") or make_case(), **defaults, **values})


def make_survey(**values: Values) -> Survey:
    defaults: dict[str, Any] = {
        "round": 1,
        "question": "Are you content?",
        "opened_by": "lena",
        "opened_at": MOMENT,
        "closes_at": MOMENT + timedelta(days=5),
    }
    return Survey.objects.create(**{"rollout": _rollout(values), **defaults, **values})


def make_answer(**values: Values) -> SurveyAnswer:
    survey, person = values.get("survey") or make_survey(), values.get("person") or make_person()
    return SurveyAnswer.objects.create(**{"survey": survey, "person": person, "score": 4, "at": MOMENT, **values})


def _rollout(values: dict[str, Any]) -> Any:
    """The rollout that was given, or one of its own."""
    return values.get("rollout") or make_rollout()
