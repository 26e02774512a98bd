"""The completion page of a repository, and its cases as a file. Only reads; the figures are the report's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from pipeline import clock
from pipeline.admin.base import Screen
from pipeline.admin.questions import require
from pipeline.models import Repository, Workflow
from rollout.domain import export
from rollout.models import Rollout
from rollout.services.completion import report
from rollout.views import completion as words

RIGHT = "pipeline.view_handover"
View = Callable[..., HttpResponse]


def addresses(screen: Screen) -> list[URLPattern]:
    """Below the service levels, which the page judges."""

    def bound(view: View) -> View:
        def page(request: HttpRequest, **arguments: Any) -> HttpResponse:
            require(request.user, RIGHT)
            return view(screen, request, **arguments)

        return page

    def at(address: str, view: View, name: str) -> URLPattern:
        guarded: View = screen.admin_site.admin_view(bound(view))
        return path(f"completion/{address}", guarded, name=name)

    return [
        at("", first_page, "rollout_completion"),
        at("<int:repository>/", completion_page, "rollout_completion_of"),
        at("<int:repository>/cases.<slug:form>", cases_file, "rollout_completion_cases"),
    ]


def page_of(repository: Repository) -> str:
    return reverse("admin:rollout_completion_of", args=[repository.pk])


def first_page(screen: Screen, request: HttpRequest) -> HttpResponse:
    """That of the repository whose rollout is newest, else of the first; without one it says what to do."""
    newest = Rollout.objects.exclude(state=Rollout.State.FINISHED).order_by("-pk").values("repository")
    found = Repository.objects.filter(pk__in=newest[:1]).first() or _repositories().first()
    if found is not None:
        return HttpResponseRedirect(page_of(found))
    return TemplateResponse(request, "admin/rollout/completion_none.html", _frame(screen, request, None))


def completion_page(screen: Screen, request: HttpRequest, repository: int) -> HttpResponse:
    row = _repository(repository)
    asked = words.asked(request.GET)
    found = report.report(row, clock.now(), workflow=asked.workflow, weeks=asked.weeks)
    context = _frame(screen, request, row) | {
        "report": found,
        "asked": asked,
        "weeks": words.choices(asked),
        "workflows": Workflow.objects.order_by("name").values_list("slug", "name"),
        "levels": words.levels(found),
        "figures": words.figures(found),
        "chart": words.chart(found),
        "points": words.points(found),
        "bins": words.bins(found),
        "outcomes": words.outcomes(found),
        "blockers": words.blockers(found),
        "cohorts": [
            ("By week of hand-over", "Week", words.cohorts(found.by_week)),
            ("By workflow", "Workflow", words.cohorts(found.by_workflow)),
            ("By specialist", "Specialist", words.cohorts(found.by_specialist)),
        ],
        "definitions": report.definitions(),
        "files": [(form, f"{_file(row, form)}?{asked.query}") for form in ("csv", "json")],
        "may_edit": request.user.has_perm("rollout.change_servicelevel"),
    }
    return TemplateResponse(request, "admin/rollout/completion.html", context)


def cases_file(screen: Screen, request: HttpRequest, repository: int, form: str) -> HttpResponse:  # noqa: ARG001
    """The cases behind the figures, with the same filters."""
    row = _repository(repository)
    if form not in {"csv", "json"}:
        raise Http404(f"Cases come as csv or json, not as {form}.")
    asked = words.asked(request.GET)
    found = report.report(row, clock.now(), workflow=asked.workflow, weeks=asked.weeks)
    rows = report.case_rows(found)
    if form == "csv":
        answer = HttpResponse(export.to_csv(report.COLUMNS, rows), content_type="text/csv; charset=utf-8")
    else:
        about = {
            "repository": row.full_name,
            "at": found.now.isoformat(),
            "since": found.start.isoformat(),
            "workflow": found.workflow,
            "left_out": found.left_out,
        }
        text = export.to_json(about, report.COLUMNS, rows)
        answer = HttpResponse(text, content_type="application/json; charset=utf-8")
    name = row.full_name.replace("/", "-")
    answer["Content-Disposition"] = f'attachment; filename="completion-{name}-{found.now:%Y-%m-%d}.{form}"'
    return answer


def _file(row: Repository, form: str) -> str:
    return reverse("admin:rollout_completion_cases", args=[row.pk, form])


def _repositories() -> Any:
    return Repository.objects.order_by("is_demonstration", "full_name")


def _repository(key: int) -> Repository:
    row = Repository.objects.filter(pk=key).first()
    if row is None:
        raise Http404(f"There is no repository {key}.")
    return row


def _frame(screen: Screen, request: HttpRequest, row: Repository | None) -> dict[str, Any]:
    others = [(str(one), page_of(one), one == row) for one in _repositories()[:50]]
    title = f"Copilot completion of {row}" if row else "Copilot completion"
    return {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "title": title,
        "repository": row,
        "repositories": others if len(others) > 1 else [],
    }
