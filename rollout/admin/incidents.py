"""An incident: time line, affected issues, root cause, owner, post-mortem within 48 hours."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Issue
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages, tabs
from rollout.models import Incident
from rollout.services import incidents

SHOWN_ISSUES = 200
SHOWN_ENTRIES = 40  # of the time line; what came earlier can be opened


class TextForm(ReasonForm):
    text = forms.CharField(label="Text", max_length=20_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}))
    reason = forms.CharField(required=False, widget=forms.HiddenInput)


class OwnerForm(ReasonForm):
    owner = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget, help_text="A user name.")


@admin.register(Incident)
class IncidentScreen(RolloutPages):
    page_template = "admin/rollout/incident.html"
    empty_text: ClassVar[str] = "A rollback opens an incident; none was opened."
    list_display = ("title", "kind", "opened", "owner", "due", "held", "closed")
    list_filter = ("is_drill", "rollout")
    search_fields = ("title", "owner", "summary")
    search_help_text = "Title, owner or words"
    list_select_related = ("rollout__plan", "rollout__repository")

    @admin.display(description="Kind", ordering="is_drill")
    def kind(self, row: Incident) -> SafeString:
        return display.badge("drill", "info") if row.is_drill else display.badge("incident", "failed")

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, row: Incident) -> SafeString | str:
        return display.when(row.opened_at)

    @admin.display(description="Post-mortem due", ordering="postmortem_due_at")
    def due(self, row: Incident) -> SafeString | str:
        return display.when(row.postmortem_due_at)

    @admin.display(description="Held", ordering="postmortem_held_at")
    def held(self, row: Incident) -> SafeString | str:
        return display.when(row.postmortem_held_at)

    @admin.display(description="Closed", ordering="closed_at")
    def closed(self, row: Incident) -> SafeString | str:
        return display.when(row.closed_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [
            ("owner", "owner", owner_page),
            ("root-cause", "root_cause", root_cause_page),
            ("actions", "actions", actions_page),
            ("post-mortem", "post_mortem", post_mortem_page),
            ("close", "close", close_page),
        ]

    def page_context(self, request: HttpRequest, row: Incident) -> dict[str, Any]:
        numbers = list(row.affected_issues)
        repository = row.rollout.repository_id
        timeline = list(incidents.timeline(row))
        return {
            "rollout": row.rollout,
            "tabs": tabs(row.rollout),
            "earlier": timeline[:-SHOWN_ENTRIES],
            "timeline": timeline[-SHOWN_ENTRIES:],
            "issues": Issue.objects.filter(repository=repository, number__in=numbers[:SHOWN_ISSUES]).order_by("number"),
            "count": len(numbers),
            "late": row.postmortem_held_at is None and row.postmortem_due_at < clock.now(),
            "rollback": getattr(row, "rollback", None),
            "may_change": request.user.has_perm("rollout.change_incident") and row.closed_at is None,
        }


def _question(title: str, button: str, says: str, act: Any, done: str, **more: Any) -> Question:
    return Question(title=title, button=button, consequences=[says], act=act, done=done, **more)


def owner_page(screen: Any, request: HttpRequest, row: Incident) -> HttpResponse:
    require(request.user, "rollout.change_incident")

    def act(answer: Any, actor: str) -> None:
        incidents.set_owner(row, answer["owner"], by=actor, reason=answer["reason"])

    says = "The owner is reminded of the post-mortem and answers for its actions."
    question = _question(
        f"Who owns “{row}”?",
        "Save the owner",
        says,
        act,
        "The owner is set.",
        form=OwnerForm,
        initial={"owner": row.owner},
    )
    return ask(screen, request, row, question)


def root_cause_page(screen: Any, request: HttpRequest, row: Incident) -> HttpResponse:
    require(request.user, "rollout.change_incident")

    def act(answer: Any, actor: str) -> None:
        incidents.set_root_cause(row, answer["text"], by=actor)

    says = "What made it happen, in words that last; who wrote it goes into the audit log."
    question = _question(
        "Root cause", "Save the root cause", says, act, "It is saved.", form=TextForm, initial={"text": row.root_cause}
    )
    return ask(screen, request, row, question)


def actions_page(screen: Any, request: HttpRequest, row: Incident) -> HttpResponse:
    require(request.user, "rollout.change_incident")

    def act(answer: Any, actor: str) -> None:
        incidents.set_action_plan(row, answer["text"], by=actor)

    says = "What will be done so that it does not happen again, by whom and by when."
    question = _question(
        "Action plan", "Save the plan", says, act, "It is saved.", form=TextForm, initial={"text": row.action_plan}
    )
    return ask(screen, request, row, question)


def post_mortem_page(screen: Any, request: HttpRequest, row: Incident) -> HttpResponse:
    require(request.user, "rollout.change_incident")

    def act(answer: Any, actor: str) -> None:
        incidents.hold_postmortem(row, by=actor, note=answer["reason"])

    says = "The reminders end; the incident can be closed once its root cause is written."
    return ask(
        screen, request, row, _question("The post-mortem was held", "It was held", says, act, "It is noted as held.")
    )


def close_page(screen: Any, request: HttpRequest, row: Incident) -> HttpResponse:
    require(request.user, "rollout.change_incident")

    def act(answer: Any, actor: str) -> None:
        incidents.close(row, by=actor, reason=answer["reason"])

    says = "It stays readable; nothing of it is changed any more."
    return ask(
        screen, request, row, _question(f"Close “{row}”", "Close the incident", says, act, "The incident is closed.")
    )
