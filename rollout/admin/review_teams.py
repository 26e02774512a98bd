"""Review teams with their members, and who is away. Every change asks for a reason."""

# ruff: noqa: ARG002 - Django's signatures are Django's
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.admin import StackedInline
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from pipeline import clock
from pipeline.admin.base import ReasonedModelForm, ReasonedScreen, ReasonForm, row_or_404
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.models import Absence, ReviewTeam, TeamMember
from rollout.services.reviews import teams

NO_SEATS = "gets none: may not score; give this person the role reviewer"


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """Every field says aloud whose it is: several rows of one form have the same visible labels."""

    class Meta:
        model = TeamMember
        fields = ("user", "github_login", "load_cap", "is_lead", "wants_reminders", "active")
        widgets: ClassVar[dict[str, Any]] = {
            "user": UnfoldAdminSelectWidget,
            "is_lead": UnfoldBooleanSwitchWidget,
            "wants_reminders": UnfoldBooleanSwitchWidget,
            "active": UnfoldBooleanSwitchWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance.user.get_username() if self.instance.pk else "new member"
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("aria-label", f"{field.label or name} of {row}")


class MemberInline(StackedInline):  # type: ignore[misc]  # unfold has no types
    model = TeamMember
    form = MemberForm
    extra = 0
    readonly_fields = ("seats",)
    fields = (*MemberForm.Meta.fields, "seats")

    @admin.display(description="Seats", empty_value="–")
    def seats(self, row: TeamMember) -> str:
        if row.pk is None:
            return ""
        return "gets seats" if row.user.has_perm(teams.SCORE) else NO_SEATS

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a member is made inactive: what they reviewed keeps its author


@admin.register(ReviewTeam)
class ReviewTeamScreen(ReasonedScreen):
    inlines = (MemberInline,)
    empty_text: ClassVar[str] = "Load the plan's three teams with: manage.py reviews ship; then give them members."
    list_display = ("name", "order", "active_word", "members_word", "turn")
    list_filter = ("active",)
    search_fields = ("name", "slug", "members__user__username")
    search_help_text = "Team or member"
    fields = ("name", "slug", "order", "active", "reason")
    prepopulated_fields: ClassVar[dict[str, tuple[str, ...]]] = {"slug": ("name",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.wish_view)
        return [path("my-reminders/", view, name="rollout_reviewteam_reminders"), *super().get_urls()]

    def wish_view(self, request: HttpRequest) -> HttpResponse:
        require(request.user, teams.SCORE)
        rows = TeamMember.objects.filter(user__username=request.user.get_username())

        def act(answer: Mapping[str, Any], actor: str) -> None:
            teams.wish(actor, reminders=answer["wanted"])

        question = Question(
            title="My reminders",
            button="Save",
            consequences=[
                "At most one message a day, by mail and in the team's channel.",
                "A lead is reminded all the same; who is away is not.",
            ],
            act=act,
            done="Your wish is kept.",
            form=WishForm,
            initial={"wanted": any(row.wants_reminders for row in rows)},
            back=reverse("admin:rollout_review_queue"),
        )
        return ask(self, request, ReviewTeam(name="My reminders"), question)

    @admin.display(description="Standing", ordering="active")
    def active_word(self, row: ReviewTeam) -> SafeString:
        return display.badge("active" if row.active else "off")

    @admin.display(description="Members")
    def members_word(self, row: ReviewTeam) -> str:
        return ", ".join(member.user.get_username() for member in teams.members_of(row)) or "nobody yet"

    @admin.display(description="Turn")
    def turn(self, row: ReviewTeam) -> str:
        return "this week" if teams.duty(clock.now()).team == row else ""


class WishForm(ReasonForm):
    wanted = forms.BooleanField(
        label="Remind me",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Two days before my reviews are due, when they are, and every two days after.",
    )
    reason = forms.CharField(required=False, widget=forms.HiddenInput)


class AbsenceForm(ReasonedModelForm):
    class Meta:
        model = Absence
        fields = ("user", "first_day", "last_day", "note")
        widgets: ClassVar[dict[str, Any]] = {
            "user": UnfoldAdminSelectWidget,
            "first_day": UnfoldAdminSingleDateWidget,
            "last_day": UnfoldAdminSingleDateWidget,
            "note": UnfoldAdminTextInputWidget,
        }

    def clean(self) -> dict[str, Any]:
        answer = super().clean() or {}
        first, last = answer.get("first_day"), answer.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", f"The last day, {last}, is before the first, {first}; exchange them.")
        return answer


@admin.register(Absence)
class AbsenceScreen(ReasonedScreen):
    form = AbsenceForm
    empty_text: ClassVar[str] = "Nobody is away. Whoever is gets no new reviews and no reminders."
    list_display = ("user", "first_day", "last_day", "note")
    list_filter = ("user",)
    search_fields = ("user__username", "note")
    search_help_text = "Who or why"
    date_hierarchy = "first_day"
    list_select_related = ("user",)
    fields = ("user", "first_day", "last_day", "note", "reason")
    actions_detail = ("ask_to_cancel",)

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("rollout.delete_absence")

    @action(description="Cancel the absence …", url_path="ask-cancel", permissions=["cancel"])  # type: ignore[untyped-decorator]  # unfold's
    def ask_to_cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:rollout_absence_cancel", args=[object_id]))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.cancel_view)
        return [path("<int:object_id>/cancel/", view, name="rollout_absence_cancel"), *super().get_urls()]

    def cancel_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        require(request.user, "rollout.delete_absence")
        row: Absence = row_or_404(self, request, str(object_id))

        def act(answer: Mapping[str, Any], actor: str) -> None:
            teams.cancel_absence(row, by=actor, reason=answer["reason"])

        question = Question(
            title=f"Cancel the absence of {row}",
            button="Cancel the absence",
            consequences=["The person gets reviews again from the next draw on; seats given meanwhile stay."],
            act=act,
            done="The absence is cancelled.",
            back=reverse("admin:rollout_absence_changelist"),
        )
        return ask(self, request, row, question)
