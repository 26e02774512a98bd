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
from pipeline.admin.base import ReasonForm, Screen
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Repository
from pipeline.views import display
from rollout.admin import gates, limits, messages, plan_pages, rollback_pages, stops, surveys, triggers
from rollout.admin.base import PageView, RolloutPages, tabs
from rollout.models import PlanVersion, Rollout
from rollout.services import rollouts, situation
from rollout.views import standing
from rollout.views.timeline import line

SHOWN_PROGRESS = 10


class PrepareForm(ReasonForm):
    """Which plan on which repository."""

    repository = forms.ModelChoiceField(queryset=Repository.objects.none(), widget=UnfoldAdminSelectWidget)
    plan = forms.ModelChoiceField(
        queryset=PlanVersion.objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text="Import one under Plans first, if there is none.",
    )
    reason = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["repository"].queryset = Repository.objects.order_by("full_name")  # type: ignore[attr-defined]
        self.fields["plan"].queryset = PlanVersion.objects.order_by("slug", "-version")  # type: ignore[attr-defined]


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
        modules = (gates, limits, messages, plan_pages, rollback_pages, stops, surveys, triggers)
        return [("start", "start", start_page), *(page for module in modules for page in module.PAGES)]

    def page_context(self, request: HttpRequest, row: Rollout) -> dict[str, Any]:
        return rollout_context(request, row)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rollout.add_rollout")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return prepare_page(self, request)


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
        "stopped": row.state in (Rollout.State.HELD, Rollout.State.ROLLED_BACK),
        "holds_url": standing.page(row, "holds"),
        "gates_url": standing.page(row, "gates"),
        "limits_url": standing.page(row, "limits"),
        "plan_url": standing.page(row, "plan"),
        "roles_url": f"{roles}?{urlencode({'rollout__id__exact': row.pk})}",
        "audit_url": f"{reverse('admin:pipeline_auditentry_changelist')}?{urlencode({'q': str(row)})}",
        "may_start": row.state == Rollout.State.PREPARED and may("rollout.start_rollout"),
        "may_stop": begun and may("rollout.stop_rollout"),
        "may_roll_back": begun and may("rollout.add_rollback"),
        "may_change": begun and may("rollout.add_changerequest"),
        "may_tell": begun and may(messages.RIGHT),
    }


def prepare_page(screen: Any, request: HttpRequest) -> HttpResponse:
    require(request.user, "rollout.add_rollout")

    def act(answer: Any, actor: str) -> Rollout:
        return rollouts.prepare(answer["repository"], answer["plan"], actor)

    plan = PlanVersion(title="Prepare a rollout", version=1)
    return ask(
        screen,
        request,
        Rollout(plan=plan, repository=Repository(full_name="a repository")),
        Question(
            title="Prepare a rollout",
            button="Prepare it",
            consequences=[
                "Nothing is governed by it yet: it is started on a page of its own, with the date of day 1.",
                "A repository has one rollout at a time.",
            ],
            act=act,
            done="The rollout is prepared. Enter who holds which role, then start it.",
            form=PrepareForm,
            back=reverse("admin:rollout_rollout_changelist"),
        ),
    )


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
