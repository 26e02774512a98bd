"""Escalation rules: what happens so many days after the due time, everywhere, by repository or by workflow."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from pipeline.admin.base import EditableScreen, ReasonedModelForm
from pipeline.models import Workflow
from pipeline.views import display
from rollout.models import EscalationRule, Rollout
from rollout.services import plans


class EscalationRuleForm(ReasonedModelForm):
    class Meta:
        model = EscalationRule
        fields = ("action", "days_overdue", "role", "text", "repository", "workflow", "active")
        widgets: ClassVar[dict[str, Any]] = {
            "action": UnfoldAdminSelectWidget,
            "repository": UnfoldAdminSelectWidget,
            "role": UnfoldAdminTextInputWidget,
        }
        help_texts: ClassVar[dict[str, str]] = {
            "repository": "Empty: every repository.",
            "days_overdue": "Days after the due time on the case's own clock, pauses left out.",
            "role": "A role of the plan: who is told, or owns the review. A reminder needs none.",
        }

    def clean_days_overdue(self) -> int:
        days = int(self.cleaned_data["days_overdue"])
        if not 1 <= days <= 365:
            raise forms.ValidationError(f"{days} days are out of range; choose 1 to 365.")
        return days

    def clean_workflow(self) -> str:
        slug = str(self.cleaned_data.get("workflow") or "")
        if slug and not Workflow.objects.filter(slug=slug).exists():
            raise forms.ValidationError(f"There is no workflow {slug!r}; leave it empty for all.")
        return slug

    def clean_role(self) -> str:
        slug = str(self.cleaned_data.get("role") or "")
        if slug and slug not in _roles():
            raise forms.ValidationError(f"No plan has a role {slug!r}; it has {', '.join(sorted(_roles()))}.")
        return slug

    def clean(self) -> dict[str, Any] | None:
        answer = super().clean() or {}
        if answer.get("action") in ("notify", "review") and not answer.get("role") and "role" not in self.errors:
            self.add_error("role", "Say which role is told, or owns the review.")
        return answer


def _roles() -> set[str]:
    """Of the shipped plan and of every rollout's own."""
    known = {role.slug for role in plans.read(plans.shipped_text()).roles}
    rows = Rollout.objects.exclude(state=Rollout.State.FINISHED).select_related("plan")
    return known | {role.slug for row in rows for role in plans.plan_of(row.plan).roles}


@admin.register(EscalationRule)
class EscalationRuleScreen(EditableScreen):
    form = EscalationRuleForm
    empty_text: ClassVar[str] = "None yet, so nothing is escalated: “manage.py rollout ship” brings the plan's."
    list_display = ("text", "day", "action_word", "role", "place", "standing")
    list_filter = ("action", "repository", "active")
    search_fields = ("text", "workflow", "role")
    search_help_text = "Words, workflow or role"
    list_select_related = ("repository",)
    fields = (*EscalationRuleForm.Meta.fields, "reason")

    @admin.display(description="Day overdue", ordering="days_overdue")
    def day(self, row: EscalationRule) -> int:
        return row.days_overdue

    @admin.display(description="What happens", ordering="action")
    def action_word(self, row: EscalationRule) -> str:
        return row.get_action_display()

    @admin.display(description="Where")
    def place(self, row: EscalationRule) -> str:
        places = (str(row.repository) if row.repository else "", row.workflow)
        return ", ".join(filter(None, places)) or "everywhere"

    @admin.display(description="Standing", ordering="active")
    def standing(self, row: EscalationRule) -> SafeString:
        return display.badge("in force", "live") if row.active else display.badge("switched off")
