"""Findings: what validation found wrong, on which issue, and since when."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.admin.base import PageScreen
from pipeline.admin.filters import OpenFinding
from pipeline.models import Finding
from pipeline.views import display


@admin.register(Finding)
class FindingScreen(PageScreen):
    page_template = "admin/pipeline/finding.html"
    empty_text: ClassVar[str] = "No finding: what the database says of the issues and what GitHub says agree."
    list_display = ("shown", "severity_word", "standing", "issue_link", "first", "last", "occurrences")
    list_display_links = ("shown",)
    list_filter = (OpenFinding, "severity", "check_id", "repository")
    search_fields = ("message", "check_id", "issue__title", "=issue__number")
    search_help_text = "Message, check or issue"
    list_select_related = ("issue", "repository")

    @admin.display(description="Finding")
    def shown(self, row: Finding) -> str:
        return row.message[:120]

    @admin.display(description="Severity", ordering="severity")
    def severity_word(self, row: Finding) -> SafeString | str:
        return display.state(row, "severity")

    @admin.display(description="Standing", ordering="resolved_at")
    def standing(self, row: Finding) -> SafeString:
        return display.badge("resolved") if row.resolved_at else display.badge("open", "failed")

    @admin.display(description="Issue")
    def issue_link(self, row: Finding) -> SafeString | str:
        return display.link(row.issue, f"#{row.issue.number}") if row.issue else display.NOTHING

    @admin.display(description="First seen", ordering="first_seen")
    def first(self, row: Finding) -> SafeString | str:
        return display.when(row.first_seen)

    @admin.display(description="Last seen", ordering="last_seen")
    def last(self, row: Finding) -> SafeString | str:
        return display.when(row.last_seen)
