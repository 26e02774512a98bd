"""What the rollout's screens share: pages under a rollout, with one row of links to all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminTextInputWidget

from pipeline.admin.base import PageScreen, Screen, page_frame, row_or_404
from rollout.models import Rollout
from rollout.views import standing

TABS = (
    ("gates", "Gates"),
    ("limits", "Limits"),
    ("triggers", "Triggers"),
    ("holds", "Holds"),
    ("rollback", "Rollback"),
    ("plan", "Plan"),
    ("survey", "Survey"),
)
PageView = Callable[..., HttpResponseBase]


class RolloutPages(PageScreen):
    """A screen whose further pages are functions of their own modules: (address, name, view)."""

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return []

    def get_urls(self) -> list[URLPattern]:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(f"<int:object_id>/{address}/", self.admin_site.admin_view(self._found(view)), name=f"{info}_{name}")
            for address, name, view in self.addresses()
        ]
        return [*own, *super().get_urls()]

    def _found(self, view: PageView) -> PageView:
        def with_row(request: HttpRequest, object_id: int, **further: str) -> HttpResponseBase:
            return view(self, request, row_or_404(self, request, str(object_id)), **further)

        return with_row


def review_field() -> forms.DateTimeField:
    """When people are told to look at a stop again."""
    return forms.DateTimeField(
        label="Look at it again at",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="UTC. People are told then; nothing starts by itself.",
    )


def tabs(rollout: Rollout) -> list[tuple[str, str]]:
    """(address, word) of every page of a rollout."""
    return [(standing.page(rollout, name), word) for name, word in TABS]


def show(screen: Screen, request: HttpRequest, row: Rollout, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """One of a rollout's pages."""
    frame = page_frame(screen, request, row) | {"rollout": row, "tabs": tabs(row)}
    return TemplateResponse(request, template, frame | dict(context))
