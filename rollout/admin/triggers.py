"""The trigger board: value, limit, distance, armed, last firing; what people do about each; literal or guarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminSelectWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from rollout.admin.base import PageView, show
from rollout.models import Firing, Rollout
from rollout.services import firings, profiles, triggers
from rollout.views import boards, standing

RIGHT = "rollout.change_triggerstate"


class ProfileForm(ReasonForm):
    profile = forms.ChoiceField(choices=Rollout.Profile.choices, widget=UnfoldAdminSelectWidget)


def triggers_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    now = clock.now()
    waiting = row.firings.filter(outcome=Firing.Outcome.WAITING).select_related("evaluation")
    context = {
        "title": f"Triggers of {row}",
        "tab": "Triggers",
        "board": boards.lines(triggers.board(row, now)),
        "waiting": waiting,
        "firings": row.firings.select_related("evaluation")[:10],
        "may_change": request.user.has_perm(RIGHT) and row.state != Rollout.State.FINISHED,
        "may_roll_back": request.user.has_perm("rollout.add_rollback"),
    }
    return show(screen, request, row, "admin/rollout/triggers.html", context)


def _about(title: str, button: str, says: str, done: str, act: Callable[[Rollout, str, str, str], object]) -> PageView:
    """A question about one trigger of the board; `act` gets (rollout, slug, by, reason)."""

    def page(screen: Any, request: HttpRequest, row: Rollout, slug: str) -> HttpResponse:
        require(request.user, RIGHT)

        def carry_out(answer: Any, actor: str) -> None:
            act(row, slug, actor, answer["reason"])

        question = Question(
            title=f"{title} {slug}",
            button=button,
            consequences=[says],
            act=carry_out,
            done=done,
            back=standing.page(row, "triggers"),
        )
        return ask(screen, request, row, question)

    return page


disarm_page = _about(
    "Disarm the trigger",
    "Disarm it",
    "It is still measured and shown, and does nothing, however far past its limit; an alert says so.",
    "The trigger is disarmed.",
    lambda row, slug, by, reason: firings.disarm(row, slug, by=by, reason=reason),
)
arm_page = _about(
    "Arm the trigger",
    "Arm it",
    "It acts again from its next evaluation on.",
    "The trigger is armed.",
    lambda row, slug, by, reason: firings.arm(row, slug, by=by, reason=reason),
)
clear_page = _about(
    "Clear the trigger",
    "Clear it",
    "Evidence from before now never fires it again; it starts to count anew.",
    "The trigger is cleared.",
    lambda row, slug, by, reason: firings.clear(row, slug, by=by, reason=reason, now=clock.now()),
)
raise_page = _about(
    "Raise a decision on",
    "Raise it",
    "A decision for a person is put on the board and announced; nothing is stopped by it.",
    "The decision is raised.",
    lambda row, slug, by, reason: firings.raise_by_hand(row, slug, by=by, reason=reason, now=clock.now()),
)


def dismiss_page(screen: Any, request: HttpRequest, row: Rollout, firing: str) -> HttpResponse:
    require(request.user, RIGHT)
    found = Firing.objects.filter(rollout=row, pk=int(firing)).first()
    if found is None:
        raise Http404(f"This rollout has no firing {firing}.")

    def act(answer: Any, actor: str) -> None:
        firings.dismiss(found, by=actor, reason=answer["reason"], now=clock.now())

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Dismiss: {found.trigger}",
            button="Dismiss it",
            consequences=[found.sentence, "Nothing is stopped; the evidence so far never fires this trigger again."],
            act=act,
            done="It is dismissed, with your reason.",
            back=standing.page(row, "triggers"),
        ),
    )


def profile_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, "rollout.decide_gate")

    def act(answer: Any, actor: str) -> None:
        profiles.choose(row, answer["profile"], by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title="How triggers are read",
            button="Choose and sign",
            consequences=[
                "literal: the plan's words; a failure rate past its limit rolls back at once.",
                "guarded: the same numbers, but it holds first and probes with a few items in dry run before it rolls "
                "back; a crashed run counts apart. Fewer false rollbacks, some faults stopped later: docs/triggers.md.",
                "Choosing guarded is signing it: your name stands with it.",
            ],
            act=act,
            done="The profile is chosen.",
            form=ProfileForm,
            initial={"profile": row.profile},
            back=standing.page(row, "triggers"),
        ),
    )


PAGES: list[tuple[str, str, PageView]] = [
    ("triggers", "triggers", triggers_page),
    ("triggers/<slug:slug>/disarm", "disarm", disarm_page),
    ("triggers/<slug:slug>/arm", "arm", arm_page),
    ("triggers/<slug:slug>/clear", "clear", clear_page),
    ("triggers/<slug:slug>/raise", "raise", raise_page),
    ("firings/<int:firing>/dismiss", "dismiss", dismiss_page),
    ("profile", "profile", profile_page),
]
