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
    "finding",
    "handover",
    "heartbeat",
    "issue",
    "operation",
    "operationpart",
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


def _may(actions: str, *models: str) -> frozenset[str]:
    """Permissions like "pipeline.change_source" for every action and model."""
    return frozenset(f"pipeline.{action}_{model}" for action in actions.split() for model in models)


@dataclass(frozen=True, slots=True)
class Role:
    """A group's name, what it is for in one sentence, and the permissions of its members."""

    name: str
    purpose: str
    permissions: frozenset[str]


VIEW = _may("view", *VIEWED)
# Scores and calibration come with the review pages; until then a reviewer reads.
REVIEW: frozenset[str] = frozenset()
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
        "django_celery_beat.view_periodictask",
        "django_celery_beat.view_crontabschedule",
    }
)
# What increases it: going live, and applying a plan.
LEAD = (
    _may("add change", "workflow", "deliverable", "specialist")
    | _may("delete", "deliverable")
    | {"pipeline.change_mode", "pipeline.apply_plan"}
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
    Role("stakeholder", "Looks at everything, changes nothing.", VIEW),
    Role("reviewer", "Looks at everything; scores samples.", VIEW | REVIEW),
    Role("operator", "Also runs, holds, reverts and schedules what was set.", VIEW | REVIEW | OPERATE),
    Role("rollout lead", "Also decides what goes live and applies plans.", VIEW | REVIEW | OPERATE | LEAD),
    Role("administrator", "Also looks after repositories and people.", VIEW | REVIEW | OPERATE | LEAD | ADMINISTER),
)
