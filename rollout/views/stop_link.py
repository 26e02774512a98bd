"""The page behind a signed link: GET asks, POST stops with a reason. Nobody has to be signed in to stop."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from pipeline.services.audit import ChainBusy
from pipeline.services.operations import NotPossible
from rollout.models import Rollout
from rollout.services import holds, rollback_scope, stop, stop_links
from rollout.views import scopes

ACTOR = "signed link"
TEMPLATE = "rollout/stop_link.html"
HOLD, ROLL_BACK = "hold", "roll_back"


class StopForm(forms.Form):
    what = forms.ChoiceField(label="What to stop")
    name = forms.CharField(label="Your name", max_length=100)
    reason = forms.CharField(label="Why", max_length=400, widget=forms.Textarea(attrs={"rows": 3}))
    confirmation = forms.CharField(
        label="Only to roll back: type the step's number, or the repository's name for everything",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, rollout: Rollout, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holding = [(f"{HOLD}:{value}", f"Hold {words}") for value, words in scopes.every(rollout)]
        undoing = [scopes.EVERYTHING, *scopes.steps(rollout)]
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            ("Hold: no new live work, the place is kept", holding),
            ("Roll back", [(f"{ROLL_BACK}:{value}", f"Roll back {words}") for value, words in undoing]),
        ]


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def hold(request: HttpRequest, token: str) -> HttpResponse:
    """A mail scanner that follows the link only sees the question."""
    try:
        rollout = stop_links.read(token)
    except NotPossible as error:
        return render(request, TEMPLATE, {"problem": str(error)}, status=403)
    form = StopForm(rollout, request.POST or None, initial={"what": request.GET.get("what", f"{HOLD}:")})
    if request.method != "POST" or not form.is_valid():
        return render(request, TEMPLATE, {"rollout": rollout, "form": form})
    try:
        done = _stop(rollout, form.cleaned_data)
    except (NotPossible, ChainBusy) as error:
        return render(request, TEMPLATE, {"rollout": rollout, "form": form, "problem": str(error)}, status=409)
    return render(request, TEMPLATE, {"rollout": rollout, "done": done})


def _stop(rollout: Rollout, answer: dict[str, str]) -> str:
    """What was done, in words. The name is what the person says; that it came by a link stands beside it."""
    reason = f"{answer['name']}: {answer['reason']}"
    strength, _, scope = answer["what"].partition(":")
    kind, _, name = scope.partition(":")
    if strength == HOLD:
        operation, step = (name, "") if kind == "operation" else ("", name)
        held = stop.hold(rollout, operation=operation, step=step, by=ACTOR, reason=reason)
        return f"{holds.scope(held)} is held: nothing new is written from this moment."
    stop.roll_back(rollout, step=name, by=ACTOR, reason=reason, confirmation=answer["confirmation"])
    return f"{rollback_scope.named(rollout, name)} is rolled back: its schedules are off; messages and incident follow."
