"""The gate room: what a gate needs, ask, sign for a role, decide with a reason; the evidence frozen with it."""

# ruff: noqa: ARG001 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from pipeline import clock
from pipeline.admin.base import LONGEST_REASON, ReasonForm, row_or_404
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages, show, tabs
from rollout.admin.steps import answer_question
from rollout.domain.plan import GatePlan, Phase, Source
from rollout.models import Gate, Rollout
from rollout.services import gate_evidence, gates, plans
from rollout.views import criteria, rooms, standing


class AskForm(ReasonForm):
    """Both reasons are for what is out of the ordinary."""

    brought_forward = forms.CharField(
        label="Why before its day",
        required=False,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="The gate is not due yet, so this is needed.",
    )
    insufficient = forms.CharField(
        label="Why proceed on insufficient evidence",
        required=False,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Only where a criterion has too little data: its own decision, which every signer signs as such.",
    )
    reason = forms.CharField(required=False, widget=forms.HiddenInput)


class SignForm(ReasonForm):
    role = forms.ChoiceField(choices=(), widget=UnfoldAdminSelectWidget)
    on_insufficient = forms.BooleanField(
        label="I know that the evidence is not sufficient",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Needed where the gate was asked to proceed on insufficient evidence.",
    )
    reason = forms.CharField(
        label="Note", required=False, max_length=LONGEST_REASON, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )


class DecideForm(ReasonForm):
    decision = forms.ChoiceField(choices=(), widget=UnfoldAdminSelectWidget)


MEANING = {
    "go": "go: the next phase opens on its day, and its steps go live.",
    "no_go": "no go: everything stays as it is; the gate can be asked again.",
    "iterate": "iterate: the phase starts again tomorrow, and evidence counts from now.",
    "hold": "hold: all live work stops; starting again takes two people.",
}


@admin.register(Gate)
class GateScreen(RolloutPages):
    page_template = "admin/rollout/gate.html"
    empty_text: ClassVar[str] = "No gate was asked yet; that is done in a rollout's gate room."
    list_display = ("name", "state_word", "decision_word", "asked_by", "asked", "decided_by", "rollout")
    list_display_links = ("name",)
    list_filter = ("state", "decision", "rollout")
    search_fields = ("slug", "asked_by", "reason")
    search_help_text = "Gate, who or why"
    list_select_related = ("rollout__plan", "rollout__repository")

    @admin.display(description="Gate", ordering="slug")
    def name(self, row: Gate) -> str:
        return row.slug

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Gate) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Decision", ordering="decision")
    def decision_word(self, row: Gate) -> SafeString | str:
        return display.state(row, "decision")

    @admin.display(description="Asked", ordering="asked_at")
    def asked(self, row: Gate) -> SafeString | str:
        return display.when(row.asked_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("sign", "sign", sign_page), ("decide", "decide", decide_page), ("withdraw", "withdraw", withdraw_page)]

    def page_context(self, request: HttpRequest, row: Gate) -> dict[str, Any]:
        found = gate_evidence.find(plans.plan_of(row.rollout.plan), row.slug)
        open_ = row.state == Gate.State.ASKED
        may = request.user.has_perm
        name = request.user.get_username()
        gate = found[1] if found else None
        return {
            "title": gate.question if gate else row.slug,
            "rollout": row.rollout,
            "tabs": tabs(row.rollout),
            "gate": gate,
            "evidence": rooms.frozen(row),
            "signers": rooms.signers(row.rollout, gate, row) if gate else [],
            "may_sign": bool(
                open_ and gate and may("rollout.sign_gate") and rooms.roles_to_sign(row.rollout, gate, row, name)
            ),
            "may_decide": open_ and may("rollout.decide_gate"),
            "mine": row.asked_by.casefold() == name.casefold(),
        }


def room_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    now = clock.now()
    found = rooms.rooms(row, now)
    current = next((room for room in found if room.phase.slug == row.phase), None)
    context: dict[str, Any] = {
        "title": f"Gates of {row}",
        "tab": "Gates",
        "rooms": found,
        "current": current,
        "may_ask": request.user.has_perm("rollout.decide_gate"),
        "may_answer": request.user.has_perm("rollout.add_tick"),
    }
    if current is not None:
        lines = criteria.lines(row, gate_evidence.criteria(current.phase))
        context |= {
            "lines": lines,
            "unanswered": sum(line.by_hand and line.tick is None for line in lines),
            "may_act": current.asked is not None and _may_act(request, row, current.gate, current.asked),
            "own": {each.slug for each in current.gate.criteria},
            "signers": rooms.signers(row, current.gate, current.asked),
            "refusal": current.refusal or rooms.evidence_refusal(row, current.phase, current.due, now),
        }
    return show(screen, request, row, "admin/rollout/gates.html", context)


def _may_act(request: HttpRequest, row: Rollout, plan: GatePlan, gate: Gate) -> bool:
    """May this person sign or decide it?"""
    may, name = request.user.has_perm, request.user.get_username()
    signs = may("rollout.sign_gate") and bool(rooms.roles_to_sign(row, plan, gate, name))
    return signs or may("rollout.decide_gate")


def phase_of(row: Rollout, slug: str) -> Phase:
    found = gate_evidence.find(plans.plan_of(row.plan), slug)
    if found is None:
        raise Http404(f"The plan has no gate {slug!r}.")
    return found[0]


def ask_page(screen: Any, request: HttpRequest, row: Rollout, gate: str) -> HttpResponse:
    require(request.user, "rollout.decide_gate")
    phase = phase_of(row, gate)
    unanswered = [line.criterion.text for line in _by_hand(row, phase) if line.tick is None]
    early = any(room.early for room in rooms.rooms(row, clock.now()) if room.gate.slug == gate)

    class Form(AskForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if not early:
                self.fields["brought_forward"].widget = forms.HiddenInput()

    def act(answer: Any, actor: str) -> Gate:
        return gates.ask(
            row, gate, by=actor, brought_forward=answer["brought_forward"], insufficient=answer["insufficient"]
        )

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Ask: {phase.gate.question}",
            button="Ask for signatures",
            consequences=[
                "Every criterion is measured now, and the evidence is frozen with the gate.",
                f"To sign: {', '.join(phase.gate.signers) or 'nobody'}. You cannot sign what you ask.",
                "When the evidence or the plan changes, the gate becomes void and has to be asked again.",
                *(
                    f"Nobody has answered “{text}”: without an answer it cannot be decided with go."
                    for text in unanswered
                ),
            ],
            act=act,
            done="The gate is asked; those who sign find it in the gate room.",
            form=Form,
            back=standing.page(row, "gates"),
        ),
    )


def _by_hand(row: Rollout, phase: Phase) -> list[criteria.CriterionLine]:
    return [line for line in criteria.lines(row, gate_evidence.criteria(phase)) if line.by_hand]


def measure_page(screen: Any, request: HttpRequest, row: Rollout, gate: str) -> HttpResponse:
    """Judge every criterion of a gate now, so that people see what is missing before they ask."""
    require(request.user, "rollout.decide_gate", "rollout.stop_rollout")
    phase = phase_of(row, gate)

    def act(answer: Any, actor: str) -> None:
        gate_evidence.measured(row, phase, clock.now())

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Measure the criteria of {phase.name}",
            button="Measure now",
            consequences=["Each criterion is judged from the recorded rows; the same evidence is kept only once."],
            act=act,
            done="The criteria were measured.",
            back=standing.page(row, "gates"),
        ),
    )


def answer_page(screen: Any, request: HttpRequest, row: Rollout, criterion: str) -> HttpResponse:
    """A person's answer to a manual criterion of any phase."""
    require(request.user, "rollout.add_tick")
    every = plans.plan_of(row.plan).every_criterion()
    found = next((each for each in every if each.slug == criterion and each.source is not Source.AUTOMATIC), None)
    if found is None:
        raise Http404(f"The plan has no criterion {criterion!r} that a person answers.")
    return ask(screen, request, row, answer_question(row, found, standing.page(row, "gates")))


def sign_page(screen: GateScreen, request: HttpRequest, row: Gate) -> HttpResponse:
    require(request.user, "rollout.sign_gate")
    found = gate_evidence.find(plans.plan_of(row.rollout.plan), row.slug)
    if found is None:
        raise Http404(f"The plan has no gate {row.slug!r} any more.")
    gate = found[1]
    mine = rooms.roles_to_sign(row.rollout, gate, row, request.user.get_username())

    class Form(SignForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            # All of the gate's roles: a person who holds none is told so in a sentence.
            self.fields["role"].choices = [(role, role) for role in gate.signers]  # type: ignore[attr-defined]

    def act(answer: Any, actor: str) -> None:
        gates.sign(
            row,
            role=answer["role"],
            by=actor,
            note=answer["reason"],
            on_insufficient=answer["on_insufficient"],
        )

    return ask(
        screen,
        request,
        row_or_404(screen, request, str(row.pk)),
        Question(
            title=f"Sign: {gate.question}",
            button="Sign",
            consequences=[
                "Your signature is for the evidence that the gate shows, by its hash; it is void when that changes.",
                f"You can sign for: {', '.join(mine) or 'no role; a rollout lead enters who holds which'}.",
                *([f"Asked to proceed on insufficient evidence: {row.insufficient}"] if row.insufficient else []),
            ],
            act=act,
            done="Your signature stands.",
            form=Form,
            initial={"role": mine[0] if mine else ""},
        ),
    )


def decide_page(screen: GateScreen, request: HttpRequest, row: Gate) -> HttpResponse:
    require(request.user, "rollout.decide_gate")
    found = gate_evidence.find(plans.plan_of(row.rollout.plan), row.slug)
    if found is None:
        raise Http404(f"The plan has no gate {row.slug!r} any more.")
    gate = found[1]
    words = dict(Gate.Decision.choices)

    class Form(DecideForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            choices = [(decision, words.get(decision, decision)) for decision in gate.decisions]
            self.fields["decision"].choices = [("", "choose one"), *choices]  # type: ignore[attr-defined]

    def act(answer: Any, actor: str) -> None:
        gates.decide(row, answer["decision"], by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Decide: {gate.question}",
            button="Decide",
            consequences=[MEANING[decision] for decision in gate.decisions if decision in MEANING],
            act=act,
            done="The gate is decided.",
            form=Form,
        ),
    )


def withdraw_page(screen: GateScreen, request: HttpRequest, row: Gate) -> HttpResponse:
    require(request.user, "rollout.decide_gate")

    def act(answer: Any, actor: str) -> None:
        gates.withdraw(row, by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Withdraw the gate {row.slug}",
            button="Withdraw the question",
            consequences=["Its signatures are worth nothing then; it can be asked again."],
            act=act,
            done="The gate is withdrawn.",
        ),
    )


PAGES: list[tuple[str, str, PageView]] = [
    ("gates", "gates", room_page),
    ("gates/<slug:gate>/ask", "gate_ask", ask_page),
    ("gates/<slug:gate>/measure", "gate_measure", measure_page),
    ("answer/<slug:criterion>", "answer", answer_page),
]
