"""Plans: import, check, edit while a draft, compare, export; what does not add up in them."""

# ruff: noqa: ARG001, ARG002 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from pipeline.admin.base import ReasonForm, address, to_page
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.domain.plan_file import PlanFileError
from rollout.models import PlanVersion
from rollout.services import plans

LONGEST_PLAN = 500_000


class PlanTextForm(ReasonForm):
    """A plan as YAML; whatever cannot be read is said with its line."""

    text = forms.CharField(
        label="Plan (YAML)",
        max_length=LONGEST_PLAN,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false"}),
    )
    # What the text was when the page was opened, so that nobody saves over what somebody else saved meanwhile.
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_text(self) -> str:
        # A browser sends CRLF for every line; a plan's hash must not depend on that.
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n")
        try:
            plans.read(text)
        except PlanFileError as error:
            raise forms.ValidationError(list(error.lines())) from error
        return text


@admin.register(PlanVersion)
class PlanScreen(RolloutPages):
    page_template = "admin/rollout/plan.html"
    empty_text: ClassVar[str] = "Import the shipped plan here, or with “manage.py rollout import”."
    list_display = ("name", "title", "status_word", "created_by", "created")
    list_display_links = ("name",)
    list_filter = ("status", "slug")
    search_fields = ("slug", "title")
    search_help_text = "Name or title"

    @admin.display(description="Plan")
    def name(self, row: PlanVersion) -> str:
        return plans.name_of(row)

    @admin.display(description="Status", ordering="status")
    def status_word(self, row: PlanVersion) -> SafeString:
        return display.badge(row.get_status_display(), "done" if row.status == "frozen" else "working")

    @admin.display(description="Imported", ordering="created_at")
    def created(self, row: PlanVersion) -> SafeString | str:
        return display.when(row.created_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("edit", "edit", edit_page), ("export", "export", export_page)]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rollout.add_planversion")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return import_page(self, request)

    def page_context(self, request: HttpRequest, row: PlanVersion) -> dict[str, Any]:
        return plan_context(row) | {
            "may_edit": row.status == PlanVersion.Status.DRAFT and request.user.has_perm("rollout.change_planversion"),
            "export_url": address("export", row),
        }


def plan_context(row: PlanVersion) -> dict[str, Any]:
    """Also used by the plan page of a rollout."""
    checked = plans.check(row.text, name=f"{row.slug}.yaml")
    before = PlanVersion.objects.filter(slug=row.slug, version__lt=row.version).order_by("-version").first()
    return {
        "version": row,
        "plan": checked.plan,
        "problems": checked.problems,
        "findings": checked.findings,
        "contradictions": sum(finding.severity == "contradiction" for finding in checked.findings),
        "before": before,
        "changes": plans.diff(before, row).changes if before else (),
        "rollouts": row.rollouts.select_related("repository", "plan"),
    }


def import_page(screen: PlanScreen, request: HttpRequest) -> HttpResponse:
    require(request.user, "rollout.add_planversion")
    blank = PlanVersion(slug="", version=0, title="Import a plan")
    made: list[PlanVersion] = []

    def act(answer: Any, actor: str) -> PlanVersion:
        made.append(plans.import_plan(answer["text"], actor=actor, reason=answer["reason"]))
        return made[0]

    return ask(
        screen,
        request,
        blank,
        Question(
            title="Import a plan",
            button="Import as a draft",
            consequences=[
                "It becomes the next version of its plan, as a draft; nothing runs by it.",
                "What does not add up in it is reported on its page, with the arithmetic.",
            ],
            act=act,
            done="The plan is imported; this page shows what does not add up in it.",
            form=PlanTextForm,
            initial={"text": plans.shipped_text()},
            back=reverse("admin:rollout_planversion_changelist"),
            template="admin/rollout/wide_question.html",
        ),
    )


def edit_page(screen: Any, request: HttpRequest, row: PlanVersion) -> HttpResponse:
    require(request.user, "rollout.change_planversion")
    if row.status != PlanVersion.Status.DRAFT:
        return to_page(row)

    def act(answer: Any, actor: str) -> None:
        plans.edit(row, answer["text"], actor=actor, reason=answer["reason"], seen=answer["seen"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Edit {plans.name_of(row)}",
            button="Save the draft",
            consequences=["A draft is edited in place; once a rollout starts with it, it is frozen."],
            act=act,
            done="The draft is saved.",
            form=PlanTextForm,
            initial={"text": row.text, "seen": row.sha256},
            template="admin/rollout/wide_question.html",
        ),
    )


def export_page(screen: Any, request: HttpRequest, row: PlanVersion) -> HttpResponse:
    """The YAML as it is stored, to the byte."""
    response = HttpResponse(plans.export(row), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{row.slug}-{row.version}.yaml"'
    return response
