"""The words that a plan may use: metrics with their unit, operations, modes."""

from __future__ import annotations

from rollout.domain.measures import Unit

METRICS: dict[str, Unit] = {
    "scheduled_runs_completed": Unit.COUNT,
    "missing_runs": Unit.COUNT,
    "run_failure_rate": Unit.SHARE,
    "item_failure_rate": Unit.SHARE,
    "rate_limit_violations": Unit.COUNT,
    "github_quota_used": Unit.SHARE,
    "ai_quota_used": Unit.SHARE,
    "state_machine_violations": Unit.COUNT,
    "triage_drift": Unit.COUNT,
    "seconds_per_item": Unit.SECONDS,
    "p95_seconds_per_item": Unit.SECONDS,
    "run_duration": Unit.SECONDS,
    "seconds_per_run": Unit.SECONDS,
    "p95_seconds_per_run": Unit.SECONDS,
    "critical_errors": Unit.COUNT,
    "copilot_completion_24h": Unit.SHARE,
    "copilot_completion_48h": Unit.SHARE,
    "copilot_completion_72h": Unit.SHARE,
    "copilot_completion_7d": Unit.SHARE,
    "copilot_completion_14d": Unit.SHARE,
    "copilot_completion_48h_estimate": Unit.SHARE,
    "copilot_completion_7d_estimate": Unit.SHARE,
    "time_to_completion_median": Unit.SECONDS,
    "time_to_completion_p80": Unit.SECONDS,
    "time_to_completion_p95": Unit.SECONDS,
    "completion_rate": Unit.SHARE,
    "blocked_share": Unit.SHARE,
    "guidance_quality": Unit.SHARE,
    "flow_through": Unit.SHARE,
    "label_quality": Unit.SHARE,
    "specialist_signal": Unit.SHARE,
    "backlog_growth": Unit.COUNT,
    "schedule_conflicts": Unit.COUNT,
    "telemetry_present": Unit.SHARE,
    "handovers_correct": Unit.SHARE,
    "assigned_copilot_drift": Unit.COUNT,
    "branch_operations_ok": Unit.SHARE,
    "data_corruption": Unit.COUNT,
    "conflicting_states": Unit.COUNT,
    "security_alerts": Unit.COUNT,
    "quota_exhausted": Unit.COUNT,
    "daily_summary_accurate": Unit.SHARE,
    "survey_score": Unit.SCORE,
    "days_below_completion": Unit.COUNT,
    "open_findings": Unit.COUNT,
    "label_drift": Unit.COUNT,
    "orphaned_assignments": Unit.COUNT,
    "stale_assignments": Unit.COUNT,
    "template_remnants": Unit.COUNT,
    "broken_references": Unit.COUNT,
    "validation_pass_rate": Unit.SHARE,
}

OPERATIONS = ("monitor", "assign", "process", "track", "daily", "validate", "sync")
PARTS = ("monitor", "assign", "process")  # of the daily operation
MODES = ("off", "dry_run", "live")
COMPARATORS = (">", ">=", "<", "<=", "==")
DECISIONS = ("go", "no_go", "iterate", "hold")
SCOPES = ("step", "all", "operation")
COUNTED = ("item", "run")
ESCALATION_ACTIONS = ("remind", "notify", "review")

# Each stage takes on what the stage before it finished.
STAGES = ("monitor", "assign", "process")

# Figures that a plan may state for the linter; volumes as issues_per_day.<stage>.<phase>.
STATED_VOLUME = "issues_per_day"
STATED = ("stale_after_days", "due_hours")

# What is known when a message of the plan is sent; messages under other names are people's own.
MESSAGE_FACTS: dict[str, tuple[str, ...]] = {
    "week-1-launch": ("rehearsal_date", "channel", "plan_url", "rollout_lead"),
    "weekly-status": (
        "week", "date_range", "issues_monitored", "assignments", "processed", "handovers", "success_rate", "highlights",
        "issues", "next_week", "channel", "dashboard_url", "rollout_lead",
    ),
    "rollback-announcement": (
        "scope", "reason", "actor", "at", "steps", "affected_issues", "postmortem_due", "incident_url", "rollout_lead",
    ),
    "rollback-summary": (
        "scope", "reason", "actor", "at", "steps", "affected_issues", "postmortem_due", "incident_url", "rollout_lead",
    ),
}  # fmt: skip

# What has to happen before such a metric can be judged: the cohort has to be this old, in days.
MATURES_AFTER_DAYS = {
    "copilot_completion_24h": 1,
    "copilot_completion_48h": 2,
    "copilot_completion_72h": 3,
    "copilot_completion_7d": 7,
    "copilot_completion_14d": 14,
    "completion_rate": 7,
}
