"""Problem reports: the issues on GitHub that tell of trouble which stays, one per check and repository. Read-only."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline import clock
from pipeline.admin.base import PageScreen
from pipeline.domain.reports import HEADING
from pipeline.domain.sections import read_section
from pipeline.models import ProblemReport
from pipeline.views import display
from pipeline.views import findings as seen


@admin.register(ProblemReport)
class ProblemReportScreen(PageScreen):
    page_template = "admin/pipeline/finding_report.html"
    empty_text: ClassVar[str] = (
        "Nothing stayed so far: a live validation opens an issue on GitHub for what it finds in three runs in a row."
    )
    list_display = ("shown", "standing", "web", "repository", "opened", "updated", "closed")
    list_display_links = ("shown",)
    list_filter = ("is_open", "ending", "group", "repository")
    search_fields = ("group", "=number")
    search_help_text = "Check or number"
    list_select_related = ("repository",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProblemReport]:
        rows: QuerySet[ProblemReport] = super().get_queryset(request)
        # Bodies are long and no list shows them.
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer("body")

    @admin.display(description="Report", ordering="group")
    def shown(self, row: ProblemReport) -> SafeString:
        return display.wide(seen.explained(row.group).title)

    @admin.display(description="Standing", ordering="is_open")
    def standing(self, row: ProblemReport) -> SafeString:
        return display.badge(*_standing(row))

    @admin.display(description="On GitHub", ordering="number")
    def web(self, row: ProblemReport) -> SafeString | str:
        return display.outside(row.html_url, f"#{row.number}") if row.number else display.NOTHING

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, row: ProblemReport) -> SafeString | str:
        return display.when(row.opened_at) if row.number else display.NOTHING

    @admin.display(description="Updated", ordering="updated_at")
    def updated(self, row: ProblemReport) -> SafeString | str:
        return display.when(row.updated_at)

    @admin.display(description="Closed", ordering="closed_at")
    def closed(self, row: ProblemReport) -> SafeString | str:
        return display.when(row.closed_at)

    def page_context(self, request: HttpRequest, row: ProblemReport) -> dict[str, Any]:
        check = seen.explained(row.group)
        return {
            "title": f"Report: {check.title}{f' (#{row.number})' if row.number else ''}",
            "check": check,
            "standing": display.badge(*_standing(row)),
            "content": read_section(row.body, HEADING) or "",
            "findings": seen.reported(row, clock.now())[: seen.SHOWN_FINDINGS] if row.is_open else (),
            "effects": seen.effects_of(row),
        }


def _standing(row: ProblemReport) -> tuple[str, str]:
    if not row.is_open:
        return "closed", "resolved"
    return ("open", "failed") if row.number else ("planned", "planned")
