"""Service levels: what is promised of completion, where, and by which metric it is measured."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from pipeline.admin.base import EditableScreen, ReasonedModelForm
from pipeline.models import Workflow
from pipeline.views import display
from rollout.admin import completion
from rollout.domain import wording
from rollout.domain.measures import Unit
from rollout.metrics.registry import METRICS
from rollout.models import ServiceLevel
from rollout.services.completion import service_levels

SHARES = sorted(slug for slug, metric in METRICS.items() if metric.unit is Unit.SHARE)


class ServiceLevelForm(ReasonedModelForm):
    metric = forms.CharField(
        max_length=60,
        help_text=f"A share of the registry: {', '.join(SHARES)}.",
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = ServiceLevel
        fields = (
            "slug", "text", "repository", "workflow", "metric", "comparator", "threshold", "within",
            "minimum_sample", "active",
        )  # fmt: skip
        widgets: ClassVar[dict[str, Any]] = {
            "repository": UnfoldAdminSelectWidget,
            "comparator": UnfoldAdminSelectWidget,
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "repository": "Empty: every repository.",
            "within": "For people, as days and hours:minutes:seconds; the metric says what counts.",
        }

    def clean_workflow(self) -> str:
        slug = str(self.cleaned_data.get("workflow") or "")
        if slug and not Workflow.objects.filter(slug=slug).exists():
            raise forms.ValidationError(f"There is no workflow {slug!r}; leave it empty for all.")
        return slug

    def clean_threshold(self) -> float:
        share = float(self.cleaned_data["threshold"])
        if not 0 <= share <= 1:
            raise forms.ValidationError(f"{share} is no share; write 80 % as 0.8.")
        return share

    def clean(self) -> dict[str, Any] | None:
        answer = super().clean() or {}
        problem = service_levels.refusal(str(answer.get("metric", "")), answer.get("within"))
        if problem and "metric" in answer:
            self.add_error("metric", problem)
        if "slug" in answer and self._is_taken(answer):
            self.add_error("slug", f"There is a level {answer['slug']!r} for this place already; change that one.")
        return answer

    def _is_taken(self, answer: dict[str, Any]) -> bool:
        place = {name: answer.get(name) for name in ("slug", "repository")}
        rows = ServiceLevel.objects.filter(**place, workflow=answer.get("workflow") or "")
        return rows.exclude(pk=self.instance.pk).exists()


@admin.register(ServiceLevel)
class ServiceLevelScreen(EditableScreen):
    form = ServiceLevelForm
    empty_text: ClassVar[str] = "None yet: “manage.py rollout ship” brings the plan's, and starting a rollout does."
    list_display = ("text", "place", "target", "metric", "minimum_sample", "standing")
    search_fields = ("slug", "text", "workflow", "metric")
    search_help_text = "Name, workflow or metric"
    list_select_related = ("repository",)
    fields = (*ServiceLevelForm.Meta.fields, "reason")

    @admin.display(description="Where")
    def place(self, row: ServiceLevel) -> str:
        places = (str(row.repository) if row.repository else "", row.workflow)
        return ", ".join(filter(None, places)) or "everywhere"

    @admin.display(description="Asked for", ordering="threshold")
    def target(self, row: ServiceLevel) -> str:
        return wording.target(row.comparator, row.threshold, Unit.SHARE)

    @admin.display(description="Standing", ordering="active")
    def standing(self, row: ServiceLevel) -> SafeString:
        return display.badge("in force", "live") if row.active else display.badge("switched off")

    def get_urls(self) -> list[URLPattern]:
        return [*completion.addresses(self), *super().get_urls()]
