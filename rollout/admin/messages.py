"""The plan's own messages (Appendix C): announce the launch, send a week's status, filled from facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.services.operations import NotPossible
from rollout.admin.base import PageView
from rollout.models import Rollout
from rollout.services import plan_messages

RIGHT = "rollout.start_rollout"
TOLD = "It goes to the chat and by e-mail to everybody who holds a role, and to the stakeholders; once."


class LaunchForm(ReasonForm):
    rehearsed_on = forms.CharField(
        label="When the live rehearsal was", max_length=60, widget=UnfoldAdminTextInputWidget
    )
    plan_url = forms.CharField(label="Where people read the plan", max_length=300, widget=UnfoldAdminTextInputWidget)
    reason = forms.CharField(required=False, widget=forms.HiddenInput)


class WeeklyForm(ReasonForm):
    week = forms.IntegerField(min_value=1, max_value=60, widget=UnfoldAdminIntegerFieldWidget)
    reason = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("highlights", "Highlights"), ("issues", "Issues"), ("next_week", "Next week")):
            self.fields[name] = forms.CharField(
                label=label,
                required=False,
                max_length=2000,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
                help_text="One a line.",
            )


def launch_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, RIGHT)

    def act(answer: Mapping[str, Any], actor: str) -> None:
        made = plan_messages.launch(row, rehearsed_on=answer["rehearsed_on"], plan_url=answer["plan_url"])
        plan_messages.send(row, made, key="launch", by=actor)

    return ask(
        screen,
        request,
        row,
        Question(
            title="Announce the launch",
            button="Send it",
            consequences=[TOLD, "The text is the plan's message “week-1-launch”."],
            act=act,
            done="The announcement is on its way; it stands under Announcements.",
            form=LaunchForm,
        ),
    )


def weekly_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, RIGHT)
    week = plan_messages.this_week(row, clock.now())

    def act(answer: Mapping[str, Any], actor: str) -> None:
        lines = {name: _lines(answer[name]) for name in ("highlights", "issues", "next_week")}
        made = plan_messages.weekly(row, answer["week"], **lines)
        plan_messages.send(row, made, key=f"weekly-{answer['week']}", by=actor)

    return ask(
        screen,
        request,
        row,
        Question(
            title="Send a week's status",
            button="Send it",
            consequences=[TOLD, *_so_far(row, week)],
            act=act,
            done="The status is on its way; it stands under Announcements.",
            form=WeeklyForm,
            initial={"week": week},
        ),
    )


def _so_far(row: Rollout, week: int) -> list[str]:
    """What is counted of the week; nothing where the message cannot be written, which sending it says."""
    try:
        body = plan_messages.weekly(row, week).body
    except NotPossible:
        return []
    return [
        f"Week {week} so far: {line[2:]}" for line in body.splitlines() if line.startswith("- ") and line != "- none"
    ]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


PAGES: list[tuple[str, str, PageView]] = [
    ("messages/launch", "launch", launch_page),
    ("messages/weekly", "weekly", weekly_page),
]
