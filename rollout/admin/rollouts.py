"""The rollout: phases on a time line, today, the next gate, what is live, what needs a person; prepare and start it."""

# ruff: noqa: ARG002 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from pipeline import clock
from pipeline.admin.base import LONGEST_REASON, ReasonForm, Screen
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin import gates, limits, plan_pages, rollback_pages, stops, triggers
from rollout.admin.base import PageView, RolloutPages, tabs
from rollout.models import Rollout
from rollout.services import rollouts, situation
from rollout.views import standing
from rollout.views.timeline import line

SHOWN_PROGRESS = 10


class PrepareForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which plan on which repository."""

    class Meta:
        model = Rollout
        fields = ("repository", "plan")
        widgets: ClassVar[dict[str, Any]] = {"repository": UnfoldAdminSelectWidget, "plan": UnfoldAdminSelectWidget}

    reason = forms.CharField(max_length=LONGEST_REASON, help_text="One sentence for the audit log.")


class StartForm(ReasonForm):
    starts_on = forms.DateField(
        label="Day 1",
        widget=UnfoldAdminSingleDateWidget,
        help_text="The first day of week 1 (UTC), for example a Monday.",
    )


@admin.register(Rollout)
class RolloutScreen(RolloutPages):
    page_template = "admin/rollout/rollout.html"
    empty_text: ClassVar[str] = "Prepare one: choose a plan and a repository. Nothing goes live before its first gate."
    list_display = ("name", "state_word", "phase", "starts_on", "reconciled")
    list_display_links = ("name",)
    list_filter = ("state", "repository")
    list_select_related = ("plan", "repository")

    @admin.display(description="Rollout")
    def name(self, row: Rollout) -> str:
        return str(row)

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Rollout) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Checked", ordering="reconciled_at")
    def reconciled(self, row: Rollout) -> SafeString | str:
        return display.when(row.reconciled_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        modules = (gates, limits, plan_pages, rollback_pages, stops, triggers)
        return [("start", "start", start_page), *(page for module in modules for page in module.PAGES)]

    def page_context(self, request: HttpRequest, row: Rollout) -> dict[str, Any]:
        return rollout_context(request, row)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rollout.add_rollout")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return PrepareForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [(None, {"fields": ["repository", "plan", "reason"]})]

    def save_model(self, request: HttpRequest, obj: Rollout, form: Any, change: bool) -> None:
        made = rollouts.prepare(obj.repository, obj.plan, request.user.get_username())
        obj.pk = made.pk


def rollout_context(request: HttpRequest, row: Rollout) -> dict[str, Any]:
    now = clock.now()
    found = standing.of(row, now)
    may = request.user.has_perm
    open_ = row.state != Rollout.State.FINISHED
    begun = open_ and row.state != Rollout.State.PREPARED
    roles = reverse("admin:rollout_roleholder_changelist")
    return {
        "rollout": row,
        "tabs": tabs(row),
        "tab": "rollout",
        "standing": found,
        "line": line(found.phases, now.date()),
        "operations": situation.managed(row),
        "progress": row.progress.all()[:SHOWN_PROGRESS],
        "gates_url": standing.page(row, "gates"),
        "limits_url": standing.page(row, "limits"),
        "plan_url": standing.page(row, "plan"),
        "roles_url": f"{roles}?{urlencode({'rollout__id__exact': row.pk})}",
        "audit_url": f"{reverse('admin:pipeline_auditentry_changelist')}?{urlencode({'q': str(row)})}",
        "may_start": row.state == Rollout.State.PREPARED and may("rollout.start_rollout"),
        "may_stop": begun and may("rollout.stop_rollout"),
        "may_roll_back": begun and may("rollout.add_rollback"),
        "may_change": begun and may("rollout.add_changerequest"),
    }


def start_page(screen: Screen, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, "rollout.start_rollout")

    def act(answer: Any, actor: str) -> None:
        rollouts.start(row, actor=actor, reason=answer["reason"], starts_on=answer["starts_on"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Start {row}",
            button="Start the rollout",
            consequences=[
                f"{row.plan} is frozen: from now on it changes only by a reviewed change request.",
                "The days of all phases and gates follow from day 1.",
                "Operations that the plan governs and that are live now go back to dry run until their gate is signed.",
                "Nothing goes live by this: the first gate has to be asked for, signed and decided.",
            ],
            act=act,
            done="The rollout has started; its first gate comes next.",
            form=StartForm,
            initial={"starts_on": row.starts_on},
        ),
    )
