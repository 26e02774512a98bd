"""The audit log: append-only, hash-chained; looked at here, verified on request."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from itertools import islice
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action

from pipeline.admin.base import PageScreen
from pipeline.models import AuditEntry
from pipeline.services import audit
from pipeline.views import display

HEADS = 7  # a week of them; the command compares with all


@admin.register(AuditEntry)
class AuditEntryScreen(PageScreen):
    page_template = "admin/pipeline/audit.html"
    empty_text: ClassVar[str] = "Every change of mode, limit, schedule or setting is written here with who and why."
    list_display = ("sequence", "moment", "actor", "action", "subject", "reason")
    list_filter = ("action", "actor")
    search_fields = ("actor", "action", "subject", "reason")
    search_help_text = "Who, what, on what or why"
    date_hierarchy = "at"
    actions_list = ("verify",)

    @action(description="Verify the log", url_path="verify", permissions=["view"])  # type: ignore[untyped-decorator]  # unfold's
    def verify(self, request: HttpRequest) -> HttpResponse:
        """Recomputes the whole chain and compares it with the heads exported last; only reads."""
        found = audit.verify()
        cut = audit.compare(found.entries, islice(audit.exported(), HEADS))
        if found.fault:
            messages.error(request, f"{found.fault} {found.entries} entries before it are as they were written.")
        elif cut:
            messages.error(request, cut)
        else:
            messages.success(request, f"All {found.entries} entries are there and unaltered; the head is {found.head}.")
        return HttpResponseRedirect(reverse("admin:pipeline_auditentry_changelist"))

    @admin.display(description="When", ordering="at")
    def moment(self, row: AuditEntry) -> SafeString | str:
        return display.when(row.at)

    def page_context(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:
        return {"title": f"Entry {row.sequence}: {row.action}"}
