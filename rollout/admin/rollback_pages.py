"""The rollback page of a rollout: what stands, what watches it, roll back on a full page, drill, history."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.services.operations import NotPossible
from rollout.admin.base import PageView, review_field, show
from rollout.models import Firing, Rollback, Rollout
from rollout.services import firings, plans, rollback_scope, saga, stop, triggers
from rollout.views import boards, rollbacks, standing

RIGHT = "rollout.add_rollback"


class RollbackForm(ReasonForm):
    trigger = forms.ChoiceField(
        choices=(), required=False, widget=UnfoldAdminSelectWidget, help_text="Which of the plan's triggers, if one."
    )
    revert = forms.BooleanField(
        label="Also undo what these runs changed", required=False, widget=UnfoldBooleanSwitchWidget
    )
    review_at = review_field()
    confirmation = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))

    field_order = ("trigger", "revert", "review_at", "reason", "confirmation")


def rollback_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    now = clock.now()
    board = boards.lines(triggers.board(row, now))
    may = request.user.has_perm
    begun = row.state not in (Rollout.State.FINISHED, Rollout.State.PREPARED)
    drill = saga.last_drill(row)
    context = {
        "title": f"Rollback of {row}",
        "tab": "Rollback",
        "states": rollbacks.states(row, now),
        "automatic": [line for line in board if line.row.automatic],
        "manual": [line for line in board if not line.row.automatic],
        "waiting": row.firings.filter(outcome=Firing.Outcome.WAITING),
        "running": rollbacks.running(row),
        "history": row.rollbacks.select_related("incident")[:20],
        "steps": [step for phase in plans.plan_of(row.plan).phases for step in phase.steps],
        "drill": drill,
        "may_roll_back": begun and may(RIGHT),
        "may_hold": begun and may("rollout.stop_rollout"),
        "may_change": False,  # arming is done on the trigger board
    }
    return show(screen, request, row, "admin/rollout/rollback.html", context)


def roll_back_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    return _question(screen, request, row, drill=False)


def drill_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    return _question(screen, request, row, drill=True)


def undo_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    """What “also undo” would do, issue by issue; looking changes nothing."""
    step = _step(request, row)
    issues, undone = rollbacks.undone(row, step, request.GET.get("p"))
    context = {
        "title": f"What undoing {rollback_scope.named(row, step)} would restore",
        "tab": "Rollback",
        "scope": rollback_scope.named(row, step),
        "step": step,
        "issues": issues,
        "undone": undone,
        "may_roll_back": request.user.has_perm(RIGHT) and row.state != Rollout.State.FINISHED,
    }
    return show(screen, request, row, "admin/rollout/undo.html", context)


def _step(request: HttpRequest, row: Rollout) -> str:
    """The step that the address names; empty: everything."""
    step = request.GET.get("step", "")
    try:
        rollback_scope.check_step(row, step)
    except NotPossible as error:
        raise Http404(str(error)) from error
    return step


def _question(screen: Any, request: HttpRequest, row: Rollout, *, drill: bool) -> HttpResponse:
    require(request.user, RIGHT)
    step = _step(request, row)
    firing = _firing(row, request.GET.get("firing", ""))
    word, scope = stop.scope_name(row, step), rollback_scope.named(row, step)

    def act(answer: Any, actor: str) -> Rollback:
        made = stop.roll_back(
            row,
            step=step,
            by=actor,
            reason=answer["reason"],
            trigger=answer["trigger"],
            firing=firing,
            confirmation=answer["confirmation"],
            drill=drill,
            revert=answer["revert"],
            review_at=answer.get("review_at"),
        )
        if firing is not None and firing.outcome == Firing.Outcome.WAITING:
            firings.settle(firing, by=actor, reason=answer["reason"], now=clock.now())
        return made

    title = f"Drill a rollback of {scope}" if drill else f"Roll back {scope}"
    return ask(
        screen,
        request,
        row,
        Question(
            title=title,
            button="Start the drill" if drill else "Roll back",
            consequences=[*rollbacks.consequences(row, step, drill=drill)],
            act=act,
            done="The drill has begun; this page shows its steps."
            if drill
            else "Rolled back; this page shows each step.",
            form=_form(row, word, step, drill=drill),
            initial={"trigger": request.GET.get("trigger", "")},
            danger=True,
            back=standing.page(row, "rollback"),
            template="admin/rollout/roll_back.html",
            context={"scope": scope, "step": step, "word": word, "drill": drill, "firing": firing},
        ),
    )


def _form(row: Rollout, word: str, step: str, *, drill: bool) -> type[RollbackForm]:
    named = {trigger.slug: trigger.text for trigger in plans.plan_of(row.plan).every_trigger()}

    class Form(RollbackForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.order_fields(RollbackForm.field_order)
            if drill:  # it ends by itself
                del self.fields["review_at"]
            self.fields["trigger"].choices = [("", "none of them"), *named.items()]  # type: ignore[attr-defined]
            self.fields["revert"].help_text = rollbacks.revertible(row, step)
            self.fields["confirmation"].label = f"Type {word} to confirm"

        def clean_confirmation(self) -> str:
            typed = str(self.cleaned_data["confirmation"]).strip()
            if typed != word:
                raise forms.ValidationError(f"{typed!r} is not {word!r}; nothing was rolled back.")
            return typed

    return Form


def _firing(row: Rollout, key: str) -> Firing | None:
    return Firing.objects.filter(rollout=row, pk=int(key)).first() if key.isdigit() else None


PAGES: list[tuple[str, str, PageView]] = [
    ("rollback", "rollback", rollback_page),
    ("roll-back", "roll_back", roll_back_page),
    ("drill", "drill", drill_page),
    ("undo", "undo", undo_page),
]
