"""django-celery-beat's five models in our look, without its actions on many rows at once, which ask nobody."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django_celery_beat.admin import (
    ClockedScheduleAdmin,
    CrontabScheduleAdmin,
    PeriodicTaskAdmin,
    PeriodicTaskForm,
)
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from pipeline.admin.base import ReasonedModelForm, ReasonedScreen
from pipeline.admin.people import CHANGE, reason_field
from pipeline.domain import cron
from pipeline.models import Operation
from pipeline.services import operations
from pipeline.views import display
from pipeline.views.schedules import words_for

for model in (PeriodicTask, CrontabSchedule, IntervalSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


class ScheduleEntryForm(PeriodicTaskForm):  # type: ignore[misc]
    regtask = None  # beat's own list of tasks would load every worker's code into the web process
    task = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The task's full name.")
    reason = reason_field()


class OfOperations:
    """A screen of beat's rows: operations whose cron an edit changes are told of it, so that it stands."""

    def operations_of(self, row: Any) -> QuerySet[Operation]:
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = operations.crons(self.operations_of(obj)) if change else {}
        super().save_model(request, obj, form, change)  # type: ignore[misc]  # of the screen it is mixed into
        reason = form.cleaned_data["reason"]
        operations.crons_edited(before, actor=request.user.get_username(), reason=reason)


@admin.register(PeriodicTask)
class PeriodicTaskScreen(OfOperations, PeriodicTaskAdmin, ReasonedScreen):  # type: ignore[misc]
    form = ScheduleEntryForm
    change_form_template = None  # beat's own has an inline script, which the content security policy stops
    actions = None
    date_hierarchy = None
    list_display = ("name", "enabled", "words", "task", "last")
    list_filter = ("enabled", "one_off", "task")
    fieldsets = (
        (None, {"fields": ("name", "task", "enabled", "description")}),
        (
            "Schedule",
            {"fields": ("crontab", "crontab_translation", "interval", "start_time", "last_run_at", "one_off")},
        ),
        ("Arguments", {"fields": ("args", "kwargs", "queue", "expire_seconds")}),
        CHANGE,
    )
    empty_text: ClassVar[str] = "Every operation brings its own entry; add a repository first."

    def operations_of(self, row: PeriodicTask) -> QuerySet[Operation]:
        return Operation.objects.filter(periodic_task=row.pk)

    @admin.display(description="Fires")
    def words(self, row: PeriodicTask) -> str:
        return words_for(expression_of(row.crontab)) if row.crontab else str(row.schedule)

    @admin.display(description="Last fired", ordering="last_run_at")
    def last(self, row: PeriodicTask) -> SafeString | str:
        return display.when(row.last_run_at)

    def crontab_translation(self, row: PeriodicTask) -> str:
        return words_for(expression_of(row.crontab)) if row.crontab else display.NOTHING

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


class EntriesInline(TabularInline):  # type: ignore[misc]
    """Who fires by this schedule: changing it changes them all."""

    model = PeriodicTask
    fields = ("name", "task", "enabled")
    readonly_fields = fields
    can_delete = False
    extra = 0
    show_change_link = True
    verbose_name_plural = "entries that use this schedule; a change moves them all"

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False


class CrontabForm(ReasonedModelForm):
    class Meta:
        model = CrontabSchedule
        exclude = ()

    def clean(self) -> dict[str, Any] | None:
        answer = super().clean() or {}
        fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        try:
            cron.check(" ".join(answer.get(name, "").replace(" ", "") for name in fields))
        except cron.BadCron as bad:
            raise forms.ValidationError(str(bad)) from bad
        if str(answer.get("timezone")) != "UTC":
            raise forms.ValidationError("Every schedule here is in UTC; choose the time zone UTC and UTC's hours.")
        return answer


class ScheduleScreen(ReasonedScreen):
    inlines = (EntriesInline,)


@admin.register(CrontabSchedule)
class CrontabScreen(OfOperations, CrontabScheduleAdmin, ScheduleScreen):  # type: ignore[misc]
    form = CrontabForm
    inlines = (EntriesInline,)
    fields = (*CrontabScheduleAdmin.fields, "reason")

    def operations_of(self, row: CrontabSchedule) -> QuerySet[Operation]:
        return Operation.objects.filter(periodic_task__crontab=row.pk)


@admin.register(ClockedSchedule)
class ClockedScreen(ClockedScheduleAdmin, ScheduleScreen):  # type: ignore[misc]
    inlines = (EntriesInline,)
    fields = (*ClockedScheduleAdmin.fields, "reason")


@admin.register(IntervalSchedule)
class IntervalScreen(ScheduleScreen):
    pass


@admin.register(SolarSchedule)
class SolarScreen(ScheduleScreen):
    pass


def expression_of(crontab: CrontabSchedule) -> str:
    return f"{crontab.minute} {crontab.hour} {crontab.day_of_month} {crontab.month_of_year} {crontab.day_of_week}"
