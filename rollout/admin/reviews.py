"""The reviews that one may see; my queue and the scoring page have their addresses here."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from pipeline.admin.base import ReadOnlyScreen
from pipeline.views import display
from rollout.admin.base import PageView
from rollout.admin.scoring_pages import autosave, marks_page, person, queue_page, score_page
from rollout.models import Review
from rollout.services.reviews import queue
from rollout.views import scoring as parts


@admin.register(Review)
class ReviewScreen(ReadOnlyScreen):
    empty_text: ClassVar[str] = (
        "Your own reviews stand here, and those of others once their batch is done. Start in “My queue”."
    )
    # Neither seat nor figure: a second seat and a calibration item must look like any other.
    list_display = ("name", "state_word", "reviewer", "week", "due", "submitted")
    list_display_links = ("name",)
    list_filter = ("state", "sample__batch__week")
    search_fields = ("=sample__issue__number", "sample__title", "reviewer__username")
    search_help_text = "Number, title or reviewer"
    list_select_related = ("sample__issue", "sample__batch", "reviewer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        return queue.visible(person(request)).order_by("-sample__batch__week", "sample__position", "pk")

    @admin.display(description="Review of")
    def name(self, row: Review) -> SafeString:
        return display.wide(parts.title_of(row.sample)[:90])

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Review) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Week", ordering="sample__batch__week")
    def week(self, row: Review) -> str:
        return str(row.sample.batch.week)

    @admin.display(description="Due", ordering="sample__batch__due_at")
    def due(self, row: Review) -> SafeString | str:
        return display.when(row.sample.batch.due_at)

    @admin.display(description="Submitted", ordering="submitted_at")
    def submitted(self, row: Review) -> SafeString | str:
        return display.when(row.submitted_at)

    def get_urls(self) -> list[URLPattern]:
        pages: tuple[tuple[str, str, PageView], ...] = (
            ("queue/", "queue", queue_page),
            ("<int:review_id>/score/", "score", score_page),
            ("<int:review_id>/autosave/", "autosave", autosave),
        )
        own = [
            path(at, self.admin_site.admin_view(self._bound(view)), name=f"rollout_review_{name}")
            for at, name, view in pages
        ]
        return [*own, *super().get_urls()]

    def _bound(self, view: PageView) -> PageView:
        def page(request: HttpRequest, **arguments: int) -> HttpResponseBase:
            return view(self, request, **arguments)

        return page

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404("A review has no history beside the audit log; its name would tell the seat and the batch.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise Http404("There is no such review, or you may not see it before its batch is done.")
        return marks_page(self, request, row)
