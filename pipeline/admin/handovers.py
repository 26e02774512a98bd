"""Hand-overs of issues to Copilot: how far each came, and what blocked it."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.admin.base import PageScreen
from pipeline.domain import feedback
from pipeline.models import Handover
from pipeline.views import display

SHOWN_REMARKS = 20


@admin.register(Handover)
class HandoverScreen(PageScreen):
    page_template = "admin/pipeline/handover.html"
    empty_text: ClassVar[str] = "Issues are handed to Copilot by the operation “process”, when it runs live."
    list_display = ("shown", "outcome_word", "blocker_word", "asked", "began", "over", "pull")
    list_display_links = ("shown",)
    list_filter = ("outcome", "blocker", "issue__repository", "issue__workflow")
    search_fields = ("issue__title", "=issue__number", "=pull_number", "scaffold_branch", "blocker_message")
    search_help_text = "Issue, pull request, branch or message"
    list_select_related = ("issue",)
    ordering = ("-requested_at",)

    @admin.display(description="Issue")
    def shown(self, row: Handover) -> str:
        return f"#{row.issue.number}, try {row.generation}: {row.issue.title[:70]}"

    @admin.display(description="Outcome", ordering="outcome")
    def outcome_word(self, row: Handover) -> SafeString | str:
        return display.state(row, "outcome")

    @admin.display(description="Blocked by", ordering="blocker")
    def blocker_word(self, row: Handover) -> str:
        return row.get_blocker_display() if row.blocker else display.NOTHING

    @admin.display(description="Asked", ordering="requested_at")
    def asked(self, row: Handover) -> SafeString | str:
        return display.when(row.requested_at)

    @admin.display(description="Began", ordering="started_at")
    def began(self, row: Handover) -> SafeString | str:
        return display.when(row.started_at)

    @admin.display(description="Over", ordering="ended_at")
    def over(self, row: Handover) -> SafeString | str:
        return display.when(row.ended_at)

    @admin.display(description="Pull request")
    def pull(self, row: Handover) -> SafeString | str:
        return display.outside(row.pull_url, f"#{row.pull_number}") if row.pull_number else display.NOTHING

    def page_context(self, request: HttpRequest, row: Handover) -> dict[str, Any]:
        ended = row.ended_at or row.finished_at
        return {
            "title": f"Hand-over of #{row.issue.number}, try {row.generation}",
            "took": ended - row.requested_at if ended else None,
            "others": row.issue.handovers.exclude(pk=row.pk),
            "said": [(remark, feedback.titles(remark.themes)) for remark in row.feedback.all()[:SHOWN_REMARKS]],
        }
