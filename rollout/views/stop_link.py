"""The page behind a signed link: GET asks, POST holds with a reason. Nobody has to be signed in to stop."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from pipeline.services.audit import ChainBusy
from pipeline.services.operations import NotPossible
from rollout.models import Hold, Rollout
from rollout.services import stop, stop_links

ACTOR = "signed link"
TEMPLATE = "rollout/stop_link.html"


class HoldForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=100)
    reason = forms.CharField(label="Why", max_length=400, widget=forms.Textarea(attrs={"rows": 3}))


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def hold(request: HttpRequest, token: str) -> HttpResponse:
    """A mail scanner that follows the link only sees the question."""
    try:
        rollout = stop_links.read(token)
    except NotPossible as error:
        return render(request, TEMPLATE, {"problem": str(error)}, status=403)
    form = HoldForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, TEMPLATE, {"rollout": rollout, "form": form})
    try:
        held = _hold(rollout, form)
    except (NotPossible, ChainBusy) as error:
        return render(request, TEMPLATE, {"rollout": rollout, "form": form, "problem": str(error)}, status=409)
    return render(request, TEMPLATE, {"rollout": rollout, "held": held})


def _hold(rollout: Rollout, form: HoldForm) -> Hold:
    """The name is what the person says; that it came by a link stands beside it."""
    reason = f"{form.cleaned_data['name']}: {form.cleaned_data['reason']}"
    return stop.hold(rollout, by=ACTOR, reason=reason)
