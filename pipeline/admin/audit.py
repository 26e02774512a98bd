"""The audit log: append-only, hash-chained; looked at here, verified on request."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.admin.base import PageScreen
from pipeline.models import AuditEntry
from pipeline.views import display


@admin.register(AuditEntry)
class AuditEntryScreen(PageScreen):
    page_template = "admin/pipeline/audit.html"
    empty_text: ClassVar[str] = "Every change of mode, limit, schedule or setting is written here with who and why."
    list_display = ("sequence", "moment", "actor", "action", "subject", "reason")
    list_filter = ("action", "actor")
    search_fields = ("actor", "action", "subject", "reason")
    search_help_text = "Who, what, on what or why"
    date_hierarchy = "at"

    @admin.display(description="When", ordering="at")
    def moment(self, row: AuditEntry) -> SafeString | str:
        return display.when(row.at)

    def page_context(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:
        return {"title": f"Entry {row.sequence}: {row.action}"}
