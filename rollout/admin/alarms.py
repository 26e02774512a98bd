"""Security alerts, and workflows on GitHub that still run the same job by a schedule of their own."""

# ruff: noqa: ARG002 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Repository
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.models import ExternalSchedule, SecurityAlert
from rollout.services import external_schedules, security


class AlertForm(ReasonForm):
    repository = forms.ModelChoiceField(queryset=Repository.objects.none(), widget=UnfoldAdminSelectWidget)
    external_id = forms.CharField(
        label="Its id", required=False, max_length=100, widget=UnfoldAdminTextInputWidget, help_text="Where it has one."
    )
    reason = forms.CharField(
        label="What it is about", max_length=300, widget=UnfoldAdminTextInputWidget, help_text="One sentence."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["repository"].queryset = Repository.objects.all()  # type: ignore[attr-defined]


class ArchiveForm(ReasonForm):
    only_show = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="Only show the pull request; write nothing."
    )


@admin.register(SecurityAlert)
class SecurityAlertScreen(RolloutPages):
    page_template = "admin/rollout/alarm.html"
    empty_text: ClassVar[str] = "None. GitHub's hooks and people report them; one rolls back what the plan says."
    list_display = ("summary", "standing", "source", "external_id", "moment", "repository")
    list_filter = ("source", "repository")
    search_fields = ("summary", "external_id")
    search_help_text = "Words or id"
    list_select_related = ("repository",)

    @admin.display(description="Standing", ordering="cleared_at")
    def standing(self, row: SecurityAlert) -> SafeString:
        return display.badge("cleared", "done") if row.cleared_at else display.badge("open", "critical")

    @admin.display(description="When", ordering="at")
    def moment(self, row: SecurityAlert) -> SafeString | str:
        return display.when(row.at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("clear", "clear", clear_page)]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rollout.add_securityalert")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return report_page(self, request)

    def page_context(self, request: HttpRequest, row: SecurityAlert) -> dict[str, Any]:
        clear = row.cleared_at is None and request.user.has_perm("rollout.change_triggerstate")
        return {
            "facts": [
                ("Standing", self.standing(row)),
                ("Source", row.source),
                ("Id", row.external_id),
                ("Repository", display.link(row.repository)),
                ("When", display.absolute(row.at)),
                ("Cleared", f"by {row.cleared_by}" if row.cleared_by else "not yet"),
            ],
            "actions": [("Clear …", reverse("admin:rollout_securityalert_clear", args=[row.pk]))] if clear else [],
        }


def report_page(screen: Any, request: HttpRequest) -> HttpResponse:
    require(request.user, "rollout.add_securityalert")

    def act(answer: Any, actor: str) -> SecurityAlert:
        return security.report(
            answer["repository"], by=actor, summary=answer["reason"], external_id=answer["external_id"]
        )

    only = Repository.objects.first() if Repository.objects.count() == 1 else None
    question = Question(
        title="Report a security alert",
        button="Report it",
        consequences=[
            "The trigger for security alerts sees it within a minute; the plan's rule rolls everything back."
        ],
        act=act,
        done="The alert is reported.",
        form=AlertForm,
        initial={"repository": only},
        danger=True,
        back=reverse("admin:rollout_securityalert_changelist"),
    )
    return ask(screen, request, SecurityAlert(summary="Report a security alert"), question)


def clear_page(screen: Any, request: HttpRequest, row: SecurityAlert) -> HttpResponse:
    require(request.user, "rollout.change_triggerstate")

    def act(answer: Any, actor: str) -> None:
        security.clear(row, by=actor, reason=answer["reason"])

    question = Question(
        title=f"Clear: {row}",
        button="Clear the alert",
        consequences=["It no longer stands in the way; what it stopped stays stopped until two people start it again."],
        act=act,
        done="The alert is cleared.",
    )
    return ask(screen, request, row, question)


@admin.register(ExternalSchedule)
class ExternalScheduleScreen(RolloutPages):
    page_template = "admin/rollout/alarm.html"
    empty_text: ClassVar[str] = "None found: no workflow in a governed repository carries a schedule for a job of ours."
    list_display = ("path", "operation", "state", "crons", "found", "gone", "repository")
    list_filter = ("state", "operation", "repository")
    list_select_related = ("repository",)

    @admin.display(description="Found", ordering="found_at")
    def found(self, row: ExternalSchedule) -> SafeString | str:
        return display.when(row.found_at)

    @admin.display(description="Gone", ordering="gone_at")
    def gone(self, row: ExternalSchedule) -> SafeString | str:
        return display.when(row.gone_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("disable", "disable", disable_page), ("archive", "archive", archive_page)]

    def page_context(self, request: HttpRequest, row: ExternalSchedule) -> dict[str, Any]:
        may = row.gone_at is None and request.user.has_perm("rollout.change_externalschedule")
        names = [("Move it to the archive …", "archive")]
        if not row.state.startswith("disabled"):
            names.insert(0, ("Disable it …", "disable"))
        return {
            "facts": [
                ("Repository", display.link(row.repository)),
                ("Does the job of", row.operation or display.NOTHING),
                ("Its schedule", ", ".join(row.crons)),
                ("State on GitHub", display.spoken(row.state) or display.NOTHING),
                ("Found", display.absolute(row.found_at)),
                ("Gone", display.absolute(row.gone_at)),
            ],
            "actions": [
                (word, reverse(f"admin:rollout_externalschedule_{name}", args=[row.pk])) for word, name in names if may
            ],
        }


def disable_page(screen: Any, request: HttpRequest, row: ExternalSchedule) -> HttpResponse:
    require(request.user, "rollout.change_externalschedule")

    def act(answer: Any, actor: str) -> Any:
        return external_schedules.disable(row.repository, [row], by=actor, reason=answer["reason"])

    question = Question(
        title=f"Disable {row} on GitHub",
        button="Disable the workflow",
        consequences=["GitHub stops running it by its schedule; the file stays, and it can be enabled there again."],
        act=act,
        done="The run that disables it is opened.",
    )
    return ask(screen, request, row, question)


def archive_page(screen: Any, request: HttpRequest, row: ExternalSchedule) -> HttpResponse:
    require(request.user, "rollout.change_externalschedule")

    def act(answer: Any, actor: str) -> Any:
        return external_schedules.archive(
            row.repository, [row], by=actor, reason=answer["reason"], dry_run=answer["only_show"]
        )

    question = Question(
        title=f"Move {row} to the archive",
        button="Open the pull request",
        consequences=["A pull request moves the file to .github/workflows/archive/ (plan 4.2); people merge it."],
        act=act,
        done="The run that opens the pull request is opened.",
        form=ArchiveForm,
    )
    return ask(screen, request, row, question)
