"""Discoveries: what was found, which issue it became, or why it became none."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.admin.base import PageScreen
from pipeline.models import Discovery
from pipeline.views import display


@admin.register(Discovery)
class DiscoveryScreen(PageScreen):
    page_template = "admin/pipeline/discovery.html"
    empty_text: ClassVar[str] = "Add a source; the operation “monitor” looks there at its next fire time."
    list_display = ("shown", "status_word", "source_link", "issue_link", "reason", "found", "web")
    list_display_links = ("shown",)
    list_filter = ("status", "source", "repository")
    search_fields = ("title", "url", "reason")
    search_help_text = "Title, address or reason"
    list_select_related = ("source", "issue", "repository")
    date_hierarchy = "found_at"

    @admin.display(description="Discovery", ordering="title")
    def shown(self, row: Discovery) -> str:
        return row.title[:100]

    @admin.display(description="Status", ordering="status")
    def status_word(self, row: Discovery) -> SafeString | str:
        return display.state(row, "status")

    @admin.display(description="Source", ordering="source__name")
    def source_link(self, row: Discovery) -> SafeString | str:
        return display.link(row.source)

    @admin.display(description="Issue")
    def issue_link(self, row: Discovery) -> SafeString | str:
        return display.link(row.issue, f"#{row.issue.number}") if row.issue else display.NOTHING

    @admin.display(description="Found", ordering="found_at")
    def found(self, row: Discovery) -> SafeString | str:
        return display.when(row.found_at)

    @admin.display(description="Address")
    def web(self, row: Discovery) -> SafeString | str:
        return display.outside(row.url, "open")
