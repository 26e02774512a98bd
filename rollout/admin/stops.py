"""Holds: stop new live work in one step; start again with two people and a checklist."""

# ruff: noqa: ARG001 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from rollout.admin.base import PageView, review_field, show
from rollout.models import Hold, Resumption, Rollout
from rollout.services import resume, stop
from rollout.services.record import same
from rollout.views import scopes, standing

STOP, AGAIN = "rollout.stop_rollout", "rollout.resume_rollout"


class ScopeForm(ReasonForm):
    scope = forms.ChoiceField(choices=(), required=False, widget=UnfoldAdminSelectWidget)
    review_at = review_field()


def asked_scope(request: HttpRequest) -> str:
    """The scope that a link named."""
    for kind in ("operation", "step"):
        if request.GET.get(kind):
            return f"{kind}:{request.GET[kind]}"
    return ""


def hold_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, STOP)
    choices = scopes.every(row)

    class Form(ScopeForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["scope"].choices = choices  # type: ignore[attr-defined]

    def act(answer: Any, actor: str) -> None:
        kind, _, name = answer["scope"].partition(":")
        stop.hold(
            row, **({kind: name} if name else {}), by=actor, reason=answer["reason"], review_at=answer["review_at"]
        )

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Hold {row}",
            button="Hold now",
            consequences=[
                "No new live work of the scope from this moment; the one request in flight aside.",
                "Limits, ramp and phase keep their place; nothing is undone.",
                "One person is enough. Starting again takes two and a checklist.",
            ],
            act=act,
            done="Held. Nothing new is written.",
            form=Form,
            initial={"scope": asked_scope(request)},
            danger=True,
            back=standing.page(row, "holds"),
        ),
    )


def holds_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    may = request.user.has_perm
    name = request.user.get_username()
    lines = []
    for hold in row.holds.filter(released_at__isnull=True):
        asked = hold.resumptions.filter(state=Resumption.State.ASKED).first()
        met = bool(asked and all(line["met"] for line in asked.checklist))
        lines.append((hold, asked, bool(asked and same(asked.asked_by, name)), met))
    context = {
        "title": f"Holds of {row}",
        "tab": "Holds",
        "lines": lines,
        "ended": row.holds.filter(released_at__isnull=False)[:10],
        "may_hold": may(STOP) and row.state not in (Rollout.State.FINISHED, Rollout.State.PREPARED),
        "may_ask": may(STOP) or may(AGAIN),
        "may_approve": may(AGAIN),
    }
    return show(screen, request, row, "admin/rollout/holds.html", context)


def _hold(row: Rollout, hold: str) -> Hold:
    found = Hold.objects.filter(rollout=row, pk=int(hold)).first()
    if found is None:
        raise Http404(f"This rollout has no hold {hold}.")
    return found


def _resumption(row: Rollout, hold: str) -> Resumption:
    found = _hold(row, hold).resumptions.filter(state=Resumption.State.ASKED).first()
    if found is None:
        raise Http404("Nobody asks to start this again.")
    return found


def resume_page(screen: Any, request: HttpRequest, row: Rollout, hold: str) -> HttpResponse:
    """Ask: the checklist as far as it is met; the rest can be ticked later."""
    require(request.user, STOP, AGAIN)
    found = _hold(row, hold)
    lines = resume.checklist(found)
    form = _checklist_form([line["text"] for line in lines])

    def act(answer: Any, actor: str) -> None:
        met = [{"met": answer[f"line_{place}"], "note": ""} for place in range(len(lines))]
        resume.ask(found, by=actor, reason=answer["reason"], lines=met)

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Ask to start again: {found}",
            button="Ask to start again",
            consequences=[
                "Nothing starts yet: a second person has to approve, and every line has to be met.",
                "Then the hold ends; evidence from before counts no more.",
            ],
            act=act,
            done="Asked. A second person has to approve.",
            form=form,
            back=standing.page(row, "holds"),
        ),
    )


def checklist_page(screen: Any, request: HttpRequest, row: Rollout, hold: str) -> HttpResponse:
    """Tick the lines of a request that waits."""
    require(request.user, STOP, AGAIN)
    found = _resumption(row, hold)
    lines = found.checklist

    def act(answer: Any, actor: str) -> None:
        for place, line in enumerate(lines):
            met = answer[f"line_{place}"]
            if met != bool(line.get("met")):
                resume.mark(found, place, met=met, note=answer["reason"], by=actor)

    return ask(
        screen,
        request,
        row,
        Question(
            title="Checklist for starting again",
            button="Save the checklist",
            consequences=["Each line that you change bears your name."],
            act=act,
            done="The checklist is saved.",
            form=_checklist_form([line["text"] for line in lines]),
            initial={f"line_{place}": bool(line.get("met")) for place, line in enumerate(lines)},
            back=standing.page(row, "holds"),
        ),
    )


def _checklist_form(texts: list[str]) -> type[ReasonForm]:
    fields = {
        f"line_{place}": forms.BooleanField(label=text, required=False, widget=UnfoldBooleanSwitchWidget)
        for place, text in enumerate(texts)
    }
    return type("ChecklistForm", (ReasonForm,), fields)


def approve_page(screen: Any, request: HttpRequest, row: Rollout, hold: str) -> HttpResponse:
    require(request.user, AGAIN)
    found = _resumption(row, hold)

    def act(answer: Any, actor: str) -> None:
        resume.approve(found, by=actor)

    return ask(
        screen,
        request,
        row,
        Question(
            title="Approve starting again",
            button="Approve: start again",
            consequences=[
                f"Asked by {found.asked_by}: {found.reason}",
                *(f"{'Met' if line.get('met') else 'Not met yet'}: {line['text']}" for line in found.checklist),
                "Reconcile makes live again what its signed gate allows; limits begin where the ramp stood.",
            ],
            act=act,
            done="It starts again.",
            back=standing.page(row, "holds"),
        ),
    )


def refuse_page(screen: Any, request: HttpRequest, row: Rollout, hold: str) -> HttpResponse:
    require(request.user, STOP, AGAIN)
    found = _resumption(row, hold)

    def act(answer: Any, actor: str) -> None:
        resume.refuse(found, by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title="Refuse starting again",
            button="Refuse",
            consequences=["Everything stays stopped; it can be asked again."],
            act=act,
            done="Refused.",
            back=standing.page(row, "holds"),
        ),
    )


PAGES: list[tuple[str, str, PageView]] = [
    ("hold", "hold", hold_page),
    ("holds", "holds", holds_page),
    ("holds/<int:hold>/resume", "resume", resume_page),
    ("holds/<int:hold>/checklist", "checklist", checklist_page),
    ("holds/<int:hold>/approve", "approve_resume", approve_page),
    ("holds/<int:hold>/refuse", "refuse_resume", refuse_page),
]
