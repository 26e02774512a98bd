"""Results and agreement of guidance review, and their files. No list of single scores: it would tell reviewers of each
other; what is shown is computed for who looks.
"""

# ruff: noqa: ARG002 - Django's signatures are Django's
from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminSelectWidget

from pipeline.admin.base import ReadOnlyScreen, number, row_or_404
from pipeline.models import Repository
from rollout.domain.reviews.results import ENOUGH
from rollout.models import ReviewBatch, Score
from rollout.services.reviews import agreement, exports, results
from rollout.views import review_results

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
YEAR = 52  # weeks, for the long file


class ChoiceForm(forms.Form):
    """Which repository, and on the results page which week."""

    repository = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    week = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, repository: Repository, weeks: list[date], week: date | None) -> None:
        super().__init__(initial={"repository": repository.pk, "week": week}, auto_id="choose_%s")
        rows = Repository.objects.order_by("full_name").values_list("pk", "full_name")
        self.fields["repository"].choices = list(rows)  # type: ignore[attr-defined]
        if weeks:
            self.fields["week"].choices = [(each, f"Week of {each}") for each in weeks]  # type: ignore[attr-defined]
        else:
            del self.fields["week"]


def tabs(repository: Repository | None) -> list[tuple[str, str]]:
    """(address, word) of the pages that belong together, for the same repository."""
    query = f"?repository={repository.pk}" if repository else ""
    filtered = f"?repository__id__exact={repository.pk}" if repository else ""
    return [
        (reverse("admin:rollout_score_changelist") + query, "Results"),
        (reverse("admin:rollout_score_agreement") + query, "Agreement"),
        (reverse("admin:rollout_improvement_changelist") + filtered, "Improvements"),
    ]


@admin.register(Score)
class ResultsScreen(ReadOnlyScreen):
    empty_text: ClassVar[str] = "Nothing was drawn for review yet."

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("agreement/", wrap(self.agreement_view), name="rollout_score_agreement"),
            path("export/<str:kind>/", wrap(self.export_view), name="rollout_score_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self._may_view(request)
        repository = _repository(request)
        return self._results(request, repository, _week(request, repository))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The results of the week to which a score belongs."""
        self._may_view(request)
        batch = row_or_404(self, request, object_id).review.sample.batch
        return self._results(request, batch.repository, batch.week)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404("A score has no page of its own: its name is the mark that somebody gave.")

    def _results(self, request: HttpRequest, repository: Repository | None, week: date | None) -> HttpResponse:
        context: dict[str, Any] = {"title": "Results of the guidance review", "tab": "Results"}
        if repository is not None and week is not None:
            is_lead = request.user.has_perm(results.LEAD)
            context |= {
                "results": review_results.of(repository, week, request.user, of_reviewers=is_lead),
                "pooled": results.POOLED,
                "enough": ENOUGH,
                "exports": _export_links(repository, week),
                "may_open": request.user.has_perm("rollout.settle_improvement"),
            }
        return self._page(request, "admin/rollout/results.html", repository, week, context)

    def agreement_view(self, request: HttpRequest) -> HttpResponse:
        self._may_view(request)
        repository = _repository(request)
        week = _week(request, repository)
        context: dict[str, Any] = {"title": "Agreement between reviewers", "tab": "Agreement"}
        if repository is not None and week is not None:
            hidden = results.hidden_from(request.user)
            first = results.weeks_back(week, agreement.WINDOW)
            rows = results.read(repository.pk, first, week, hidden)
            rounds = agreement.rounds(results.read_calibration(repository.pk, first, week, hidden))
            context |= {
                "first": first,
                "lines": agreement.lines(rows),
                "rounds": rounds,
                "is_hidden": _is_hidden(repository, hidden),
                "is_lead": request.user.has_perm(results.LEAD),
            }
        return self._page(request, "admin/rollout/agreement.html", repository, week, context)

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """One row per issue and criterion of the weeks until `week`; `weeks` says how many."""
        self._may_view(request)
        repository = _repository(request)
        week = _week(request, repository)
        if kind not in FORMATS or repository is None or week is None:
            raise Http404(f"There is no such file; choose one of {', '.join(FORMATS)} once something was drawn.")
        weeks = request.GET.get("weeks", "")
        count = min(number(weeks) or results.TREND, YEAR)
        first = results.weeks_back(week, count)
        columns, rows = exports.rows(
            repository,
            first,
            week,
            hidden=results.hidden_from(request.user),
            with_reviewers=request.user.has_perm(results.LEAD),
        )
        if kind == "csv":
            text = exports.as_csv(columns, rows)
        else:
            text = exports.as_json(repository, first, week, columns, rows)
        response = HttpResponse(text, content_type=FORMATS[kind])
        response["Content-Disposition"] = f'attachment; filename="guidance-review-{week}.{kind}"'
        return response

    def _may_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(
        self,
        request: HttpRequest,
        template: str,
        repository: Repository | None,
        week: date | None,
        context: dict[str, Any],
    ) -> HttpResponse:
        weeks = review_results.weeks_of(repository) if repository else []
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "repository": repository,
            "week": week,
            "tabs": tabs(repository),
            "choice": ChoiceForm(repository, weeks, week) if repository else None,
        }
        return TemplateResponse(request, template, frame | context)


def _repository(request: HttpRequest) -> Repository | None:
    """The one asked for; else that of the newest batch; else the first. Http404 for one that there is not."""
    asked = request.GET.get("repository", "")
    if asked:
        found = Repository.objects.filter(pk=number(asked) or 0).first()
        if found is None:
            raise Http404(f"There is no repository {asked[:20]}.")
        return found
    batch = ReviewBatch.objects.filter(is_calibration=False).select_related("repository").order_by("-week", "-pk")
    newest = batch.first()
    return newest.repository if newest else Repository.objects.order_by("full_name").first()


def _week(request: HttpRequest, repository: Repository | None) -> date | None:
    """The Monday asked for; else that of the newest batch. Http404 for what is no Monday."""
    asked = request.GET.get("week", "")
    if not asked:
        weeks = review_results.weeks_of(repository) if repository else []
        return weeks[0] if weeks else None
    try:
        found = date.fromisoformat(asked)
        results.weeks_back(found, YEAR)  # further back there are no dates
    except (ValueError, OverflowError):
        found = None
    if found is None or found.weekday() != 0:
        raise Http404(f"{asked[:20]} is no Monday; write it as 2026-11-02.")
    return found


def _is_hidden(repository: Repository, hidden: frozenset[int]) -> bool:
    return ReviewBatch.objects.filter(pk__in=hidden, repository=repository).exists()


def _export_links(repository: Repository, week: date) -> list[tuple[str, str]]:
    """(words, address)."""
    query = f"?repository={repository.pk}&week={week}"
    csv, json = (reverse("admin:rollout_score_export", args=[kind]) for kind in FORMATS)
    return [
        ("CSV of these eight weeks", csv + query),
        ("JSON of these eight weeks", json + query),
        ("CSV of a year", f"{csv}{query}&weeks={YEAR}"),
    ]
