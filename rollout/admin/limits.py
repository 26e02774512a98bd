"""Limits: the ramp drawn, every term of the effective limit with the binding one named, overrides with an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Operation, OperationPart
from rollout.admin.base import PageView, show
from rollout.domain.desired import name_of
from rollout.domain.limits import Limit
from rollout.models import Override, Rollout
from rollout.services import limits, overrides, plans, situation
from rollout.views import ramps, standing

HOURS = [(4, "4 hours"), (12, "12 hours"), (24, "1 day"), (72, "3 days"), (168, "1 week")]


@dataclass(frozen=True, slots=True)
class LimitLine:
    """`knob` is the operation, or the part of it, that the limit is set on."""

    operation: Operation
    name: str
    knob: Operation | OperationPart
    limit: Limit


def _lines(operations: list[Operation], found: dict[str, Limit]) -> list[LimitLine]:
    knobs: list[tuple[Operation, str, Operation | OperationPart]] = []
    for row in operations:
        knobs.append((row, row.name, row))
        knobs += [(row, name_of(row.name, part.kind), part) for part in row.parts.all()]
    return [LimitLine(row, name, knob, found[name]) for row, name, knob in knobs if name in found]


class OverrideForm(ReasonForm):
    operation = forms.ChoiceField(choices=(), widget=UnfoldAdminSelectWidget)
    limit = forms.IntegerField(
        min_value=0, max_value=1000, widget=UnfoldAdminIntegerFieldWidget, help_text="Issues per run, 0 to 1000."
    )
    hours = forms.TypedChoiceField(
        label="For how long", coerce=int, choices=HOURS, initial=24, widget=UnfoldAdminSelectWidget
    )


def limits_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    now = clock.now()
    plan = plans.plan_of(row.plan)
    days = dict(row.steps.values_list("number", "ramp_day"))
    frozen = dict(row.steps.exclude(frozen_reason="").values_list("number", "frozen_reason"))
    drawn = [
        (step, ramps.draw(ramp, days.get(step.number, 0)), frozen.get(step.number, ""))
        for phase in plan.phases
        for step in phase.steps
        for ramp in step.ramps
    ]
    operations = situation.managed(row)
    context = {
        "title": f"Limits of {row}",
        "tab": "Limits",
        "now": now,
        "lines": _lines(operations, _limits(row, operations)),
        "drawn": drawn,
        "overrides": row.overrides.filter(ended_at__isnull=True, expires_at__gt=now),
        "may_override": request.user.has_perm("rollout.override_limit") and row.state != Rollout.State.FINISHED,
    }
    return show(screen, request, row, "admin/rollout/limits.html", context)


def _limits(row: Rollout, operations: list[Operation]) -> dict[str, Limit]:
    now = clock.now()
    return limits.every(row, situation.read(row, now, operations), operations, now)


def override_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, "rollout.override_limit")
    operations = situation.managed(row)
    names = [line.name for line in _lines(operations, _limits(row, operations))]

    class Form(OverrideForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["operation"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def act(answer: Any, actor: str) -> None:
        overrides.set_limit(
            row,
            answer["operation"],
            limit=answer["limit"],
            owner=actor,
            reason=answer["reason"],
            expires_at=clock.now() + timedelta(hours=answer["hours"]),
        )

    return ask(
        screen,
        request,
        row,
        Question(
            title="Override a limit",
            button="Set the override",
            consequences=[
                "It ends by itself at the chosen time, and bears your name.",
                "It lowers the limit; it never lifts it above the plan's: only a gate does that.",
            ],
            act=act,
            done="The override holds from the next run on.",
            form=Form,
            initial={"operation": request.GET.get("operation", "")},
            back=standing.page(row, "limits"),
        ),
    )


def end_override_page(screen: Any, request: HttpRequest, row: Rollout, override: str) -> HttpResponse:
    require(request.user, "rollout.override_limit")
    found = Override.objects.filter(rollout=row, pk=int(override)).first()
    if found is None:
        raise Http404(f"This rollout has no override {override}.")

    def act(answer: Any, actor: str) -> None:
        overrides.end(found, by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"End the override of {found.operation}",
            button="End it now",
            consequences=["The other terms decide again from the next run on."],
            act=act,
            done="The override has ended.",
            back=standing.page(row, "limits"),
        ),
    )


PAGES: list[tuple[str, str, PageView]] = [
    ("limits", "limits", limits_page),
    ("override", "override", override_page),
    ("override/<int:override>/end", "override_end", end_override_page),
]
