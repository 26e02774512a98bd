"""Operations: what is scheduled, limited and switched; every knob on a page of its own that asks for a reason."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from pipeline import clock
from pipeline.admin.base import PageScreen, ReasonForm, row_or_404
from pipeline.admin.modes import EXPOSURE, MEANING, ModeForm, require_switch
from pipeline.admin.operation_settings import SettingsForm, save_settings
from pipeline.admin.questions import Question, ask, require
from pipeline.domain import cron
from pipeline.models import Mode, Operation
from pipeline.services import operations, runs
from pipeline.views import display
from pipeline.views.schedules import next_fire, schedule_of


class LimitForm(ReasonForm):
    limit = forms.IntegerField(
        min_value=0, max_value=1000, widget=UnfoldAdminIntegerFieldWidget, help_text="Issues per run, 0 to 1000."
    )


class CronForm(ReasonForm):
    cron = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Five fields in UTC: minute, hour, day of month, month, day of week; for example 0 */2 * * *",
    )

    def clean_cron(self) -> str:
        try:
            return cron.check(self.cleaned_data["cron"])
        except cron.BadCron as bad:
            raise forms.ValidationError(str(bad)) from bad


class RunForm(ReasonForm):
    mode = forms.ChoiceField(
        choices=[(Mode.DRY_RUN.value, "dry run"), (Mode.LIVE.value, "live")], widget=UnfoldAdminSelectWidget
    )


@admin.register(Operation)
class OperationScreen(SimpleHistoryAdmin, PageScreen):  # type: ignore[misc]  # without types
    page_template = "admin/pipeline/operation.html"
    empty_text: ClassVar[str] = "Operations come with a repository: add one under Repositories."
    list_display = ("name", "mode_word", "kind", "limit_word", "cron", "next", "repository")
    list_display_links = ("name",)
    list_filter = ("mode", "kind", "repository")
    search_fields = ("name", "repository__full_name")
    search_help_text = "Name or repository"
    list_select_related = ("repository", "periodic_task__crontab")

    @admin.display(description="Mode", ordering="mode")
    def mode_word(self, row: Operation) -> SafeString | str:
        return display.state(row, "mode")

    @admin.display(description="Limit", ordering="limit")
    def limit_word(self, row: Operation) -> str:
        return f"{row.limit} per run"

    @admin.display(description="Cron (UTC)")
    def cron(self, row: Operation) -> str:
        return operations.cron_of(row) or display.NOTHING

    @admin.display(description="Fires next")
    def next(self, row: Operation) -> SafeString | str:
        return display.when(next_fire(row, timezone.now()))

    def pages(self) -> list[tuple[str, Any]]:
        return [
            ("mode", self.mode_page),
            ("limit", self.limit_page),
            ("cron", self.cron_page),
            ("run", self.run_page),
            ("settings", self.settings_page),
        ]

    def page_context(self, request: HttpRequest, row: Operation) -> dict[str, Any]:
        may = request.user.has_perm
        schedule = schedule_of(row, clock.now())
        return {
            "schedule": schedule,
            "cron_form": CronForm(initial={"cron": schedule.expression}) if may("pipeline.change_schedule") else None,
            "may_mode": may("pipeline.change_mode") or may("pipeline.hold_operation"),
            "may_limit": may("pipeline.change_limit"),
            "may_run": may("pipeline.run_operation"),
            "may_settings": may("pipeline.change_operation"),
            "meaning": MEANING[Mode(row.mode)],
            "parts": row.parts.all(),
            "runs": row.runs.order_by("-pk")[:10],
            "slots": row.slots.select_related("run")[:10],
        }

    def mode_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require_switch(request, row.mode)

        def act(answer: Any, actor: str) -> None:
            operations.set_mode(row, answer["mode"], actor=actor, reason=answer["reason"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Change the mode of {row}",
                button="Change the mode",
                consequences=[f"{mode.label}: {MEANING[mode]}" for mode in EXPOSURE],
                act=act,
                done=f"The mode of {row} is changed.",
                form=ModeForm,
                initial={"mode": row.mode},
            ),
        )

    def limit_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.change_limit")

        def act(answer: Any, actor: str) -> None:
            operations.set_limit(row, answer["limit"], actor=actor, reason=answer["reason"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Change the limit of {row}",
                button="Change the limit",
                consequences=["The next run takes on at most so many issues; a run that is working keeps its limit."],
                act=act,
                done=f"The limit of {row} is changed.",
                form=LimitForm,
                initial={"limit": row.limit},
            ),
        )

    def cron_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.change_schedule")

        def act(answer: Any, actor: str) -> None:
            operations.set_cron(row, answer["cron"], actor=actor, reason=answer["reason"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Change the schedule of {row}",
                button="Save the cron",
                consequences=[
                    "Fire times before now are not owed any more; the next one is computed from the new cron."
                ],
                act=act,
                done=f"The schedule of {row} is changed.",
                form=CronForm,
                initial={"cron": operations.cron_of(row) or ""},
            ),
        )

    def run_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.run_operation")
        if request.POST.get("mode") == Mode.LIVE and row.mode != Mode.LIVE:
            require(request.user, "pipeline.change_mode")

        def act(answer: Any, actor: str) -> Any:
            return runs.open_by_hand(row, actor=actor, reason=answer["reason"], mode=answer["mode"])

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Run {row} now",
                button="Run now",
                consequences=[
                    f"One run starts now, outside its schedule, on at most {row.limit} issues.",
                    f"dry run: {MEANING[Mode.DRY_RUN]}",
                    f"live: {MEANING[Mode.LIVE]}",
                ],
                act=act,
                done="The run is asked for; this page shows how it goes.",
                form=RunForm,
                initial={"mode": Mode.LIVE if row.mode == Mode.LIVE else Mode.DRY_RUN},
            ),
        )

    def settings_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.change_operation")

        def act(answer: Any, actor: str) -> None:
            save_settings(row, answer, actor)

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Change the settings of {row}",
                button="Save the settings",
                consequences=["They hold from the next run on."],
                act=act,
                done=f"The settings of {row} are saved.",
                form=SettingsForm,
                initial={name: getattr(row, name) for name in SettingsForm.NAMES},
            ),
        )
