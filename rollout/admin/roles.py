"""Who holds which role of the plan in a rollout (Appendix B)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from pipeline.admin.base import ReasonedModelForm, ReasonedScreen
from rollout.models import RoleHolder, Rollout
from rollout.services import plans


class RoleHolderForm(ReasonedModelForm):
    role = forms.ChoiceField(choices=(), widget=UnfoldAdminSelectWidget, help_text="A role of the plan.")

    class Meta:
        model = RoleHolder
        fields = ("rollout", "role", "user", "backup")
        widgets: ClassVar[dict[str, Any]] = {
            "rollout": UnfoldAdminSelectWidget,
            "user": UnfoldAdminSelectWidget,
            "backup": UnfoldBooleanSwitchWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Rollout.objects.exclude(state=Rollout.State.FINISHED).select_related("plan")
        roles = {role.slug: role.name for row in rows for role in plans.plan_of(row.plan).roles}
        if self.instance.role:
            roles.setdefault(self.instance.role, self.instance.role)
        self.fields["role"].choices = list(roles.items())  # type: ignore[attr-defined]


@admin.register(RoleHolder)
class RoleHolderScreen(ReasonedScreen):
    form = RoleHolderForm
    empty_text: ClassVar[str] = "Nobody holds a role yet. Gates can be signed only by people who are entered here."
    list_display = ("role", "user", "backup", "rollout")
    list_filter = ("rollout", "role", "backup")
    list_select_related = ("user", "rollout__plan", "rollout__repository")
    fields = ("rollout", "role", "user", "backup", "reason")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs)
