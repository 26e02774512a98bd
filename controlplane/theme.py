"""How the admin looks: its name, its colours (checked in light and dark), its navigation, its first page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(app: str, model: str) -> Callable[[HttpRequest], bool]:
    def permitted(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{model}")

    return permitted


def _list(title: str, icon: str, model: str, app: str = "pipeline") -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may_view(app, model),
    }


def _is_of_levels(request: HttpRequest) -> bool:
    """The completion page lies below the service levels and has an entry of its own."""
    return "/servicelevel/" in request.path and "/servicelevel/completion/" not in request.path


NAVIGATION = [
    {"items": [{"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}]},
    {
        "title": "Rollout",
        "separator": True,
        "items": [
            _list("Rollouts", "flag", "rollout", app="rollout"),
            _list("Gates", "approval", "gate", app="rollout"),
            _list("Firings", "bolt", "firing", app="rollout"),
            _list("Rollbacks", "undo", "rollback", app="rollout"),
            _list("Incidents", "emergency", "incident", app="rollout"),
            _list("Plans", "event_note", "planversion", app="rollout"),
            _list("Changes of the plan", "rule", "changerequest", app="rollout"),
            _list("Roles of the plan", "assignment_ind", "roleholder", app="rollout"),
            _list("Progress log", "list_alt", "progressentry", app="rollout"),
        ],
    },
    {
        "title": "Work",
        "separator": True,
        "items": [
            _list("Issues", "adjust", "issue"),
            _list("Discoveries", "travel_explore", "discovery"),
            _list("Hand-overs", "smart_toy", "handover"),
            {
                "title": "Completion",
                "icon": "timeline",
                "link": reverse_lazy("admin:rollout_completion"),
                "permission": _may_view("pipeline", "handover"),
            },
            _list("Service levels", "speed", "servicelevel", app="rollout") | {"active": _is_of_levels},
            {
                "title": "Overdue",
                "icon": "alarm",
                "link": reverse_lazy("admin:rollout_completioncase_overdue"),
                "permission": _may_view("rollout", "completioncase"),
            },
            _list("Manual reviews", "assignment_late", "manualreview", app="rollout"),
            _list("Escalation rules", "notification_important", "escalationrule", app="rollout"),
            _list("Findings", "report", "finding"),
            _list("Problem reports", "campaign", "problemreport"),
        ],
    },
    {
        "title": "Reviews",
        "separator": True,
        "items": [
            {
                "title": "My queue",
                "icon": "checklist",
                "link": reverse_lazy("admin:rollout_review_queue"),
                "permission": lambda request: request.user.has_perm("rollout.score_sample"),
            },
            _list("Batches", "casino", "reviewbatch", app="rollout"),
            _list("Disagreements", "balance", "adjudication", app="rollout"),
            _list("Results", "query_stats", "score", app="rollout"),
            {
                "title": "Agreement",
                "icon": "handshake",
                "link": reverse_lazy("admin:rollout_score_agreement"),
                "permission": _may_view("rollout", "score"),
            },
            _list("Improvements", "trending_up", "improvement", app="rollout"),
            _list("Rubrics", "rule_settings", "rubric", app="rollout"),
            _list("Teams", "diversity_3", "reviewteam", app="rollout"),
            _list("Absences", "event_busy", "absence", app="rollout"),
        ],
    },
    {
        "title": "Running",
        "separator": True,
        "items": [
            _list("Operations", "tune", "operation"),
            _list("Runs", "play_circle", "run"),
            _list("Slots", "schedule", "slot"),
        ],
    },
    {
        "title": "What is governed",
        "separator": True,
        "items": [
            _list("Repositories", "folder_managed", "repository"),
            _list("Sources", "rss_feed", "source"),
            _list("Workflows", "account_tree", "workflow"),
            _list("Specialists", "badge", "specialist"),
        ],
    },
    {
        "title": "Records",
        "separator": True,
        "items": [
            _list("GitHub calls", "swap_vert", "apicall"),
            _list("AI calls", "psychology", "aicall"),
            _list("Token budgets", "data_usage", "tokenbudget"),
            _list("Webhook deliveries", "webhook", "webhookdelivery"),
            _list("Heartbeats", "ecg_heart", "heartbeat"),
            _list("Evaluations", "fact_check", "evaluation", app="rollout"),
            _list("Announcements", "campaign", "announcement", app="rollout"),
            _list("Security alerts", "gpp_maybe", "securityalert", app="rollout"),
            _list("Schedules on GitHub", "sync_problem", "externalschedule", app="rollout"),
            _list("Audit log", "history_edu", "auditentry"),
        ],
    },
    {
        "title": "Administration",
        "separator": True,
        "items": [
            _list("People", "person", "user", app="auth"),
            _list("Roles", "groups", "group", app="auth"),
            _list("Schedules", "event_repeat", "periodictask", app="django_celery_beat"),
        ],
    },
]

# Tailwind's blue: 600 on white 5.2:1, white on 600 5.2:1, 500 on the dark ground 4.7:1 (unfold's purple fails in dark).
PRIMARY = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(67% .19 257)",
    "600": "oklch(54.6% .215 262.881)",
    "700": "oklch(48.8% .217 264.376)",
    "800": "oklch(42.4% .181 265.638)",
    "900": "oklch(37.9% .138 265.522)",
    "950": "oklch(28.2% .087 267.935)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Control plane",
    "SITE_HEADER": "Control plane",
    "SITE_SUBHEADER": "monitor → assign → process → Copilot",
    "SITE_SYMBOL": "account_tree",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("pipeline/img/icon.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "pipeline.views.dashboard.dashboard",
    "COLORS": {"primary": PRIMARY},
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": NAVIGATION},
}
