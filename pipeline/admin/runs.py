"""Runs: the list, and one run with its items, diffs and figures; apply its plan, revert it, cancel it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldBooleanSwitchWidget

from pipeline.admin.base import PageScreen, ReasonForm, row_or_404
from pipeline.admin.filters import ByOperation, TopLevel
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Effect, Mode, Run, RunItem
from pipeline.services import revert, runs
from pipeline.views import display, figures

ITEMS_PER_PAGE = 50
COUNTED = (
    ("done", (RunItem.State.DONE,)),
    ("planned", (RunItem.State.PLANNED,)),
    ("skipped", (RunItem.State.SKIPPED,)),
    ("failed", (RunItem.State.FAILED,)),
    ("conflict", (RunItem.State.CONFLICT,)),
    ("deferred", (RunItem.State.DEFERRED,)),
    ("waiting", RunItem.ACTIVE),
)


class RevertForm(ReasonForm):
    only_show = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Only show what would be undone; write nothing.",
    )


@admin.register(Run)
class RunScreen(PageScreen):
    page_template = "admin/pipeline/run.html"
    empty_text: ClassVar[str] = (
        "Runs start at the fire times of the operations, or by “Run now” on an operation's page."
    )
    list_display = ("run", "operation", "mode_word", "purpose", "state_word", "nominal", "started", "took", "outcomes")
    list_display_links = ("run",)
    list_filter = ("state", "kind", "mode", "purpose", TopLevel, ByOperation, "repository")
    search_fields = ("=id", "operation__name", "repository__full_name", "error", "requested_by")
    search_help_text = "Number, operation, repository, error or person"
    list_select_related = ("operation__repository", "repository")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        rows: QuerySet[Run] = super().get_queryset(request)
        return rows.annotate(
            **{f"n_{name}": Count("items", filter=Q(items__state__in=states)) for name, states in COUNTED}
        )

    @admin.display(description="Run", ordering="pk")
    def run(self, row: Run) -> str:
        return f"{row.pk} {row.get_kind_display()}"

    @admin.display(description="Mode", ordering="mode")
    def mode_word(self, row: Run) -> SafeString | str:
        return display.state(row, "mode")

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Run) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Slot (UTC)", ordering="nominal_at")
    def nominal(self, row: Run) -> SafeString | str:
        return display.minute(row.nominal_at)

    @admin.display(description="Started", ordering="started_at")
    def started(self, row: Run) -> SafeString | str:
        return display.when(row.started_at)

    @admin.display(description="Took")
    def took(self, row: Run) -> str:
        return display.span(duration(row))

    @admin.display(description="Items")
    def outcomes(self, row: Any) -> SafeString:
        counts = [(name, getattr(row, f"n_{name}")) for name, _ in COUNTED]
        return display.wide(", ".join(f"{count} {name}" for name, count in counts if count) or display.NOTHING)

    def pages(self) -> list[tuple[str, Any]]:
        return [("apply", self.apply_page), ("revert", self.revert_page), ("cancel", self.cancel_page)]

    def page_context(self, request: HttpRequest, row: Run) -> dict[str, Any]:
        may = request.user.has_perm
        offers = row.mode == Mode.DRY_RUN and not row.is_active and may("pipeline.apply_plan")
        undoes = row.mode == Mode.LIVE and not row.is_active and may("pipeline.revert_run")
        why_not = runs.why_not_apply(row) if offers else revert.why_not_revert(row) if undoes else ""
        effects = Prefetch("effects", Effect.objects.order_by("order"))
        items = row.items.select_related("issue", "discovery", "report").prefetch_related(effects).order_by("position")
        return {
            "title": f"Run {row.pk}: {row.get_kind_display()}, {row.get_mode_display()}",
            "items": Paginator(items, ITEMS_PER_PAGE).get_page(request.GET.get("p")),
            "tables": figures.tables(row.statistics),
            "figures": figures.facts(row.statistics),
            "took": duration(row),
            "children": row.children.order_by("pk"),
            "derived": row.derived.order_by("pk"),
            "slot": getattr(row, "slot", None),
            "show_diffs": row.mode == Mode.DRY_RUN,  # they are what a dry run is for
            "may_apply": offers and not why_not,
            "may_revert": undoes and not why_not,
            "why_not": why_not,
            "may_cancel": row.is_active and may("pipeline.hold_operation"),
        }

    def apply_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.apply_plan")
        planned = row.items.filter(state=RunItem.State.PLANNED).count()

        def act(answer: Any, actor: str) -> Run:
            return runs.apply_plan(row, actor=actor, reason=answer["reason"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Apply the plan of run {row.pk}",
                button="Apply this plan",
                consequences=[
                    f"A new live run writes to GitHub exactly what is shown for {planned} planned items.",
                    "An item whose issue changed since it was planned is refused and listed as a conflict.",
                    "The new run can be reverted.",
                ],
                act=act,
                done=f"The plan of run {row.pk} is being applied by this run.",
            ),
        )

    def revert_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.revert_run")
        applied = revert.open_effects(row).count()

        def act(answer: Any, actor: str) -> Run:
            return revert.revert_run(row, actor=actor, reason=answer["reason"], dry_run=answer["only_show"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Revert run {row.pk}",
                button="Revert this run",
                consequences=[
                    f"A new run undoes, item by item, the {applied} applied effects: labels, sections and assignees go "
                    "back, a scaffold pull request and its branch are closed.",
                    "What a person edited since stays as it is; it is listed as a conflict.",
                    "Comments stay, since people may have answered them.",
                ],
                act=act,
                done=f"Run {row.pk} is being reverted by this run.",
                form=RevertForm,
                danger=True,
            ),
        )

    def cancel_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.hold_operation")

        def act(answer: Any, actor: str) -> None:
            runs.cancel(row, actor=actor, reason=answer["reason"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Cancel run {row.pk}",
                button="Cancel this run",
                consequences=[
                    "Items that were not begun are cancelled; the one request in flight aside nothing more is written.",
                    "What was done stays; it can be reverted afterwards.",
                ],
                act=act,
                done=f"Run {row.pk} is cancelled.",
                danger=True,
            ),
        )


def duration(run: Run) -> timedelta | None:
    """None as long as it has not both begun and ended."""
    return run.finished_at - run.started_at if run.started_at and run.finished_at else None
