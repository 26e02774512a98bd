"""Disagreements: both reviews side by side, without names until it is settled; a third person decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from pipeline.admin.base import page_frame
from pipeline.admin.questions import require
from pipeline.services.operations import NotPossible
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.admin.scoring_pages import person
from rollout.domain.reviews import sheets
from rollout.models import Adjudication
from rollout.services.reviews import disagreements, marks, queue
from rollout.views import scoring as parts

RIGHT = "rollout.adjudicate"
LETTERS = ("Review A", "Review B")


@admin.register(Adjudication)
class AdjudicationScreen(RolloutPages):
    page_template = "admin/rollout/disagreement.html"
    empty_text: ClassVar[str] = "No two reviewers disagree in what you may see."
    list_display = ("name", "state_word", "reason", "opened", "adjudicator", "settled")
    list_display_links = ("name",)
    list_filter = ("state",)
    search_fields = ("=sample__issue__number", "sample__title", "reason", "adjudicator")
    search_help_text = "Number, title, reason or who settled it"
    list_select_related = ("sample__issue", "sample__batch")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Adjudication]:
        return queue.visible_adjudications(person(request)).order_by("state", "-opened_at")

    @admin.display(description="Issue")
    def name(self, row: Adjudication) -> SafeString:
        return display.wide(parts.title_of(row.sample)[:90])

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Adjudication) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Since", ordering="opened_at")
    def opened(self, row: Adjudication) -> SafeString | str:
        return display.when(row.opened_at)

    @admin.display(description="Settled", ordering="settled_at")
    def settled(self, row: Adjudication) -> SafeString | str:
        return display.when(row.settled_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("settle", "settle", settle_page)]

    def page_context(self, request: HttpRequest, row: Adjudication) -> dict[str, Any]:
        return context_of(request, row, {})


def context_of(request: HttpRequest, row: Adjudication, typed: Mapping[str, str]) -> dict[str, Any]:
    both = disagreements.pair(row.sample)
    settled = row.state == Adjudication.State.SETTLED
    titles = [str(review.reviewer) if settled else letter for letter, review in zip(LETTERS, both, strict=False)]
    columns = [parts.column(title, review) for title, review in zip(titles, both, strict=True)]
    refusal = disagreements.why_not(row, person(request))
    return {
        "title": parts.title_of(row.sample),
        "columns": columns,
        "lines": parts.side_by_side(row.sample, columns),
        "choices": list(zip(titles, both, strict=True)),
        "texts": [text for side in parts.texts(row.sample) for text in side],
        "may_settle": request.user.has_perm(RIGHT) and not refusal,
        "refusal": refusal if request.user.has_perm(RIGHT) and not settled else "",
        "outcome": _outcome(row) if settled else [],
        "weighted": parts.tenths(row.weighted),
        "own": [(each, typed.get(f"rating-{each.slug}", "")) for each in marks.criteria_of(row.sample.batch.rubric)],
        "ratings": parts.RATINGS,
        "comment": typed.get("comment", ""),
    }


def _outcome(row: Adjudication) -> list[tuple[str, str]]:
    rated = [(each.text, row.ratings.get(each.slug)) for each in marks.criteria_of(row.sample.batch.rubric)]
    return [(text, "N/A" if rating is None else str(rating)) for text, rating in rated]


def settle_page(screen: AdjudicationScreen, request: HttpRequest, row: Adjudication) -> HttpResponse:
    """POST only does something; a refusal shows the page again with what was typed."""
    require(request.user, RIGHT)
    typed = {name: request.POST.get(name, "") for name in request.POST}
    if request.method == "POST":
        try:
            _settle(request, row, typed)
        except NotPossible as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "The disagreement is settled; both reviews stay as they are.")
            return HttpResponseRedirect(display.page_of(row))
    context = page_frame(screen, request, row) | context_of(request, row, typed)
    return TemplateResponse(request, screen.page_template, context)


def _settle(request: HttpRequest, row: Adjudication, typed: Mapping[str, str]) -> None:
    user, comment, chosen = person(request), typed.get("comment", ""), typed.get("choice", "")
    if chosen != "own":
        review = next((each for each in disagreements.pair(row.sample) if str(each.pk) == chosen), None)
        if review is None:
            raise NotPossible("Choose one of the two reviews, or score anew.")
        disagreements.choose(row, user, review, comment)
        return
    slugs = [each.slug for each in marks.criteria_of(row.sample.batch.rubric)]
    given = sheets.read(request.POST.getlist, slugs)
    disagreements.rescore(row, user, given.ratings(), comment)
