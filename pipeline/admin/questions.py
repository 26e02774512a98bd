"""Asking before something is changed: a full page with what will happen, a reason, POST and CSRF; then one service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from pipeline.admin.base import ReasonForm, Screen, page_frame
from pipeline.domain.cron import BadCron
from pipeline.services.audit import ChainBusy
from pipeline.services.operations import NotPossible
from pipeline.views import display

REFUSALS = (NotPossible, BadCron, ChainBusy)


@dataclass(frozen=True)
class Question:
    """`consequences` say what will happen, one sentence each; `act` gets the cleaned form and the name of who asks,
    and returns the row whose page comes next (None: the row asked about). `done` is said then. `back` is another
    address to go to, on Cancel too; `template` and `context` are for a page that shows more than consequences.
    """

    title: str
    button: str
    consequences: Sequence[str]
    act: Callable[[Mapping[str, Any], str], Model | None]
    done: str
    form: type[ReasonForm] = ReasonForm
    initial: Mapping[str, Any] = field(default_factory=dict)
    danger: bool = False
    back: str = ""
    template: str = "admin/pipeline/question.html"
    context: Mapping[str, Any] = field(default_factory=dict)


def ask(screen: Screen, request: HttpRequest, row: Any, question: Question) -> HttpResponse:
    """GET shows the question; a valid POST carries it out and goes on; a refusal is shown as its sentence."""
    form = question.form(request.POST or None, initial=dict(question.initial))
    if request.method == "POST" and form.is_valid():
        try:
            target = question.act(form.cleaned_data, request.user.get_username())
        except REFUSALS as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, question.done)
            return HttpResponseRedirect(display.page_of(target) if target else question.back or display.page_of(row))
    context = page_frame(screen, request, row) | {
        "title": question.title,
        "question": question,
        "form": form,
        "back": question.back or display.page_of(row),
        **question.context,
    }
    return TemplateResponse(request, question.template, context)


def require(user: User | AbstractBaseUser | AnonymousUser, *permissions: str) -> None:
    """PermissionDenied unless the user has one of `permissions`."""
    if not any(user.has_perm(name) for name in permissions):  # type: ignore[union-attr]
        raise PermissionDenied
