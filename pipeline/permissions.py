"""Who may do what: roles as data. `manage.py roles` writes them as groups; a new role is one more entry.

Five roles, each with all that the one before it may, except that the administrator alone looks after people.
"""

from __future__ import annotations

from dataclasses import dataclass

VIEWED = (
    "aicall",
    "apicall",
    "auditentry",
    "deliverable",
    "discovery",
    "effect",
    "feedback",
    "finding",
    "handover",
    "heartbeat",
    "issue",
    "operation",
    "operationpart",
    "problemreport",
    "repository",
    "run",
    "runitem",
    "slot",
    "source",
    "specialist",
    "tokenbudget",
    "transition",
    "webhookdelivery",
    "workflow",
)

VIEWED_OF_ROLLOUT = (
    "absence",
    "adjudication",
    "announcement",
    "changerequest",
    "clockpause",
    "completioncase",
    "escalationevent",
    "escalationrule",
    "evaluation",
    "externalschedule",
    "firing",
    "gate",
    "hold",
    "improvement",
    "incident",
    "manualreview",
    "override",
    "planversion",
    "progressentry",
    "resumption",
    "review",
    "reviewbatch",
    "reviewreminder",
    "reviewteam",
    "roleholder",
    "rollback",
    "rollbackstep",
    "rollout",
    "rubric",
    "rubriccriterion",
    "sample",
    "score",
    "securityalert",
    "servicelevel",
    "signature",
    "stepprogress",
    "survey",
    "teammember",
    "tick",
    "triageitem",
    "triggerstate",
)


def _may(actions: str, *models: str, app: str = "pipeline") -> frozenset[str]:
    """Permissions like "pipeline.change_source" for every action and model."""
    return frozenset(f"{app}.{action}_{model}" for action in actions.split() for model in models)


@dataclass(frozen=True, slots=True)
class Role:
    """A group's name, what it is for in one sentence, and the permissions of its members."""

    name: str
    purpose: str
    permissions: frozenset[str]


# Everybody may sign a gate for a role of the plan that they hold; who holds one stands with the rollout. Everybody is
# asked by the survey; what a person answered is for nobody to look at.
SAY = frozenset({"rollout.answer_survey", "rollout.sign_gate"})
VIEW = _may("view", *VIEWED) | _may("view", *VIEWED_OF_ROLLOUT, app="rollout") | SAY
# Scoring one's own reviews; whose they are is asked where they are claimed.
REVIEW = frozenset({"rollout.score_sample", "rollout.settle_improvement"})
# What keeps or reduces exposure: an operator on call at night can stop and undo everything.
OPERATE = (
    _may("add change", "source")
    | _may("change", "operation")
    | {
        "pipeline.run_operation",
        "pipeline.change_schedule",
        "pipeline.change_limit",
        "pipeline.hold_operation",
        "pipeline.revert_run",
        "pipeline.sync_repository",
        "pipeline.settle_finding",
        "rollout.settle_review",
        "rollout.stop_rollout",
        "rollout.add_securityalert",
        "rollout.change_incident",
        "rollout.change_triageitem",
        "django_celery_beat.view_periodictask",
        "django_celery_beat.view_crontabschedule",
    }
)
# What increases it: going live, and applying a plan.
LEAD = (
    _may("add change", "workflow", "deliverable", "specialist")
    | _may("delete", "deliverable")
    | _may("add change", "planversion", "changerequest", "roleholder", app="rollout")
    | _may("add change", "servicelevel", "escalationrule", "rubric", "rubriccriterion", app="rollout")
    | _may("add change", "reviewteam", "teammember", "absence", app="rollout")
    | _may("delete", "rubriccriterion", "absence", app="rollout")
    | {
        "pipeline.change_mode",
        "pipeline.apply_plan",
        "rollout.adjudicate",
        "rollout.draw_batch",
        "rollout.publish_rubric",
        "rollout.reassign_review",
        "rollout.add_rollback",
        "rollout.add_rollout",
        "rollout.add_survey",
        "rollout.add_tick",
        "rollout.change_externalschedule",
        "rollout.change_triggerstate",
        "rollout.decide_gate",
        "rollout.override_limit",
        "rollout.resume_rollout",
        "rollout.start_rollout",
    }
)
# Schedules beside our operations are an administrator's business, and so are people. Nothing is deleted: rows are
# paused, people made inactive, and what they did keeps its author. Roles themselves come from this file.
ADMINISTER = (
    _may("add change", "repository")
    | {"auth.view_group", "auth.view_user", "auth.add_user", "auth.change_user"}
    | frozenset(
        f"django_celery_beat.{action}_{model}"
        for model in ("periodictask", "crontabschedule", "intervalschedule", "solarschedule", "clockedschedule")
        for action in ("view", "add", "change")
    )
)

ROLES = (
    Role("stakeholder", "Looks at everything, signs and answers the survey.", VIEW),
    Role("reviewer", "Looks at everything; scores samples.", VIEW | REVIEW),
    Role("operator", "Also runs, holds, reverts and schedules what was set.", VIEW | REVIEW | OPERATE),
    Role("rollout lead", "Also decides what goes live and applies plans.", VIEW | REVIEW | OPERATE | LEAD),
    Role("administrator", "Also looks after repositories and people.", VIEW | REVIEW | OPERATE | LEAD | ADMINISTER),
)
