"""Issues: the list, and one issue with its sections, its history and everything that was done to it. Read-only."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

import re
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.admin.base import PageScreen
from pipeline.admin.filters import NeedsClarification, OverdueIssue
from pipeline.domain import sections
from pipeline.models import Issue
from pipeline.views import display, markdown

MOST_EFFECTS = 100
# Labels that the other columns say already.
SHOWN_ELSEWHERE = re.compile(r"(state|workflow|specialist)::|site-monitor$", re.IGNORECASE)


@admin.register(Issue)
class IssueScreen(PageScreen):
    page_template = "admin/pipeline/issue.html"
    empty_text: ClassVar[str] = (
        "Issues appear when the monitor opens them, or when a repository is synchronised: "
        "open Repositories and synchronise one, or run the operation “monitor”."
    )
    list_display = (
        "numbered",
        "state_word",
        "workflow_link",
        "specialist",
        "due",
        "on_github",
        "others",
        "updated",
    )
    list_display_links = ("numbered",)
    list_filter = (
        "state",
        NeedsClarification,
        OverdueIssue,
        "workflow",
        "specialist",
        "presence",
        "is_open",
        "repository",
    )
    search_fields = ("title", "=number", "repository__full_name")
    search_help_text = "Title, number or repository"
    list_select_related = ("repository", "workflow", "specialist")
    ordering = ("-remote_updated_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        rows: QuerySet[Issue] = super().get_queryset(request)
        # Bodies are long and no list shows them.
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer("body")

    @admin.display(description="Issue", ordering="number")
    def numbered(self, row: Issue) -> SafeString:
        return display.wide(f"#{row.number} {row.title[:90]}")

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Issue) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Workflow", ordering="workflow__name")
    def workflow_link(self, row: Issue) -> SafeString | str:
        return display.link(row.workflow)

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: Issue) -> SafeString | str:
        return display.when(row.due_at)

    @admin.display(description="On GitHub", ordering="presence")
    def on_github(self, row: Issue) -> SafeString | str:
        if row.presence != Issue.Presence.PRESENT:
            return display.state(row, "presence")
        return display.outside(row.html_url, "open" if row.is_open else "closed")

    @admin.display(description="Other labels")
    def others(self, row: Issue) -> SafeString | str:
        return display.labels(name for name in row.labels if not SHOWN_ELSEWHERE.search(name))

    @admin.display(description="Changed", ordering="remote_updated_at")
    def updated(self, row: Issue) -> SafeString | str:
        return display.when(row.remote_updated_at)

    def page_context(self, request: HttpRequest, row: Issue) -> dict[str, Any]:
        effects = row.effects.select_related("item__run").order_by("-pk")[:MOST_EFFECTS]
        return {
            "title": f"#{row.number} {row.title[:120]}",
            "parts": parts_of(row.body),
            "transitions": row.transitions.select_related("run_item__run").order_by("-sequence"),
            "effects": effects,
            "findings": row.findings.order_by("resolved_at", "-last_seen"),
            "handovers": row.handovers.order_by("-generation"),
            "items": row.items.select_related("run").order_by("-pk")[:20],
            "discovery": getattr(row, "discovery", None),
        }


def parts_of(body: str) -> list[tuple[str, str]]:
    """Our sections as (heading, content) in pipeline order, then what people wrote."""
    parts = [(name, content) for name in sections.ORDER if (content := sections.read_section(body, name))]
    rest = body
    for name, _ in parts:
        rest = sections.remove_section(rest, name)
    # Our signed marker is all that is left of most bodies, and nobody sees it.
    return [*parts, ("Written by people", rest)] if markdown.render(rest).strip() else parts
