"""A step: what it changes, criteria with their evidence, triggers, monitoring window; answer a criterion."""

# ruff: noqa: ARG001 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminURLInputWidget

from pipeline import clock
from pipeline.admin.base import LONGEST_REASON, ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages, tabs
from rollout.domain.plan import Criterion, Plan, Source, Step
from rollout.models import StepProgress
from rollout.services import evaluation, plans, ticks
from rollout.views import criteria, standing


class TickForm(ReasonForm):
    met = forms.ChoiceField(
        label="Is it met?",
        choices=[("", "choose one"), ("yes", "met"), ("no", "not met")],
        widget=UnfoldAdminSelectWidget,
    )
    link = forms.URLField(
        required=False, max_length=500, widget=UnfoldAdminURLInputWidget, help_text="Where it can be seen."
    )
    reason = forms.CharField(
        label="Note",
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What you looked at and what you found; it is kept as evidence.",
    )


@admin.register(StepProgress)
class StepScreen(RolloutPages):
    page_template = "admin/rollout/step.html"
    empty_text: ClassVar[str] = "Steps come with a started rollout."
    list_display = ("number", "name", "state_word", "live", "ramp", "rollout")
    list_display_links = ("number", "name")
    list_filter = ("state", "rollout")
    list_select_related = ("rollout__plan", "rollout__repository")

    @admin.display(description="Step")
    def name(self, row: StepProgress) -> str:
        step = step_of(plans.plan_of(row.rollout.plan), row.number)
        return step.name if step else "not in the plan any more"

    @admin.display(description="State", ordering="state")
    def state_word(self, row: StepProgress) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Live since", ordering="live_since")
    def live(self, row: StepProgress) -> SafeString | str:
        return display.when(row.live_since)

    @admin.display(description="Ramp day", ordering="ramp_day")
    def ramp(self, row: StepProgress) -> str:
        return str(row.ramp_day) if row.ramp_day else display.NOTHING

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("answer/<slug:criterion>", "answer", answer_page), ("measure", "measure", measure_page)]

    def page_context(self, request: HttpRequest, row: StepProgress) -> dict[str, Any]:
        step = step_of(plans.plan_of(row.rollout.plan), row.number)
        if step is None:
            raise Http404(f"The plan has no step {row.number} any more.")
        may = request.user.has_perm
        prerequisites = [criterion for ramp in step.ramps for criterion in ramp.prerequisites]
        return {
            "title": f"Step {step.number}: {step.name}",
            "rollout": row.rollout,
            "tabs": tabs(row.rollout),
            "step": step,
            "criteria": criteria.lines(row.rollout, step.criteria),
            "prerequisites": criteria.lines(row.rollout, prerequisites),
            "watched_until": row.live_since + step.monitoring if row.live_since and step.monitoring else None,
            "now": clock.now(),
            "on_call": standing.on_call(row.rollout),
            "triggers_url": standing.page(row.rollout, "triggers"),
            "may_answer": may("rollout.add_tick"),
            "may_stop": may("rollout.stop_rollout"),
            "may_roll_back": may("rollout.add_rollback"),
            "hold_url": f"{standing.page(row.rollout, 'hold')}?step={row.number}",
            "roll_back_url": f"{standing.page(row.rollout, 'roll_back')}?step={row.number}",
        }


def step_of(plan: Plan, number: str) -> Step | None:
    return next((step for phase in plan.phases for step in phase.steps if step.number == number), None)


def _criteria(step: Step) -> list[Criterion]:
    return [*step.criteria, *(criterion for ramp in step.ramps for criterion in ramp.prerequisites)]


def answer_page(screen: Any, request: HttpRequest, row: StepProgress, criterion: str) -> HttpResponse:
    """A person's answer to a manual criterion of the step."""
    require(request.user, "rollout.add_tick")
    step = step_of(plans.plan_of(row.rollout.plan), row.number)
    found = next((each for each in _criteria(step) if each.slug == criterion), None) if step else None
    if found is None or found.source is Source.AUTOMATIC:
        raise Http404(f"Step {row.number} has no criterion {criterion!r} that a person answers.")
    return ask(screen, request, row, answer_question(row.rollout, found, display.page_of(row)))


def answer_question(rollout: Any, criterion: Criterion, back: str) -> Question:
    """Also used by the gate room."""

    def act(answer: Any, actor: str) -> None:
        ticks.answer(
            rollout,
            criterion.slug,
            met=answer["met"] == "yes",
            note=answer["reason"],
            link=answer["link"],
            by=actor,
        )

    return Question(
        title=criterion.text,
        button="Save the answer",
        consequences=[
            "The newest answer counts; the older ones are kept.",
            "A gate that is being asked becomes void when an answer changes: its signatures were for the other one.",
        ],
        act=act,
        done="The answer is kept as evidence.",
        form=TickForm,
        back=back,
    )


def measure_page(screen: Any, request: HttpRequest, row: StepProgress) -> HttpResponse:
    """Measure every criterion of the step now; the same evidence is kept once."""
    require(request.user, "rollout.add_tick", "rollout.stop_rollout")
    step = step_of(plans.plan_of(row.rollout.plan), row.number)

    def act(answer: Any, actor: str) -> None:
        now = clock.now()
        for criterion in _criteria(step) if step else []:
            evaluation.evaluate(row.rollout, criterion, now=now)

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Measure the criteria of step {row.number} now",
            button="Measure now",
            consequences=["Each criterion is judged from the recorded rows; the same evidence is kept only once."],
            act=act,
            done="The criteria were measured.",
        ),
    )
