"""The stakeholder survey of a rollout: answer the open round, see what closed ones came to; a lead opens and closes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from pipeline import clock
from pipeline.admin.base import LONGEST_REASON, ReasonForm
from pipeline.admin.questions import Question, ask, require
from rollout.admin.base import PageView, show
from rollout.domain.survey import BEST, WORDS, WORST
from rollout.models import Rollout, Survey
from rollout.services import surveys
from rollout.views import standing

ANSWER, OPEN = "rollout.answer_survey", "rollout.add_survey"
DAYS = [(3, "3 days"), (5, "5 days"), (7, "1 week"), (14, "2 weeks")]


class AnswerForm(ReasonForm):
    score = forms.TypedChoiceField(
        label="Your answer",
        coerce=int,
        choices=[("", "choose one")] + [(score, f"{score}: {WORDS[score]}") for score in range(BEST, WORST - 1, -1)],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label="Comment",
        required=False,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What should we know? It is shown without your name.",
    )


class OpenForm(ReasonForm):
    question = forms.CharField(max_length=300, widget=UnfoldAdminTextInputWidget)
    days = forms.TypedChoiceField(label="Open for", coerce=int, choices=DAYS, initial=5, widget=UnfoldAdminSelectWidget)


def survey_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    open_ = surveys.open_of(row)
    may = request.user.has_perm
    rounds = [
        (each, surveys.result(each), surveys.comments(each)) for each in row.surveys.filter(closed_at__isnull=False)
    ]
    context = {
        "title": f"Survey of {row}",
        "tab": "Survey",
        "open": open_,
        "answered": open_.answers.count() if open_ else 0,
        "mine": bool(open_ and surveys.has_answered(open_, request.user.pk)),
        "rounds": rounds,
        "may_answer": may(ANSWER),
        "may_open": may(OPEN) and row.state in surveys.AT_WORK,
        "may_close": may(OPEN),
    }
    return show(screen, request, row, "admin/rollout/survey.html", context)


def open_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, OPEN)

    def act(answer: Any, actor: str) -> None:
        surveys.open_round(
            row,
            by=actor,
            reason=answer["reason"],
            closes_at=clock.now() + timedelta(days=answer["days"]),
            question=answer["question"],
        )

    return ask(
        screen,
        request,
        row,
        Question(
            title="Open a round of the survey",
            button="Open it",
            consequences=[
                "Everybody who holds a role in this rollout, and every stakeholder, is told and asked.",
                "It closes by itself at its end; from then on its mean is evidence for the gate.",
            ],
            act=act,
            done="The survey is open, and people are told.",
            form=OpenForm,
            initial={"question": surveys.QUESTION},
            back=standing.page(row, "survey"),
        ),
    )


def answer_page(screen: Any, request: HttpRequest, row: Rollout, survey: str) -> HttpResponse:
    require(request.user, ANSWER)
    found, person = _round(row, survey), _person(request)

    def act(answer: Any, _actor: str) -> None:
        surveys.answer(found, person=person, score=answer["score"], comment=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=found.question,
            button="Answer",
            consequences=[
                "One answer a person and round; it stands as you give it.",
                "Pages and log tell the mean and that you answered, never what you answered.",
            ],
            act=act,
            done="Thank you; your answer is kept.",
            form=AnswerForm,
            back=standing.page(row, "survey"),
        ),
    )


def close_page(screen: Any, request: HttpRequest, row: Rollout, survey: str) -> HttpResponse:
    require(request.user, OPEN)
    found = _round(row, survey)

    def act(answer: Any, actor: str) -> None:
        surveys.close(found, by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Close round {found.round} of the survey",
            button="Close it",
            consequences=[
                f"{found.answers.count()} people have answered; nobody can answer this round any more.",
                "Its mean is evidence from now on.",
            ],
            act=act,
            done="The round is closed.",
            back=standing.page(row, "survey"),
        ),
    )


def _round(row: Rollout, survey: str) -> Survey:
    found = row.surveys.filter(pk=int(survey)).first()
    if found is None:
        raise Http404(f"This rollout has no survey {survey}.")
    return found


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


PAGES: list[tuple[str, str, PageView]] = [
    ("survey", "survey", survey_page),
    ("survey/open", "survey_open", open_page),
    ("survey/<int:survey>/answer", "survey_answer", answer_page),
    ("survey/<int:survey>/close", "survey_close", close_page),
]
