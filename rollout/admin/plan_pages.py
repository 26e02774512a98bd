"""The plan of a rollout: what does not add up, its changes by request, its timetable."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from pipeline.admin.base import address
from pipeline.admin.questions import Question, ask, require
from rollout.admin.base import PageView, show
from rollout.admin.plans import PlanTextForm, plan_context
from rollout.models import Rollout
from rollout.services import change_requests, timetable
from rollout.views import standing


def plan_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    may = request.user.has_perm
    open_ = row.state != Rollout.State.FINISHED
    begun = open_ and row.state != Rollout.State.PREPARED
    context = plan_context(row.plan) | {
        "title": f"Plan of {row}",
        "tab": "Plan",
        "export_url": address("export", row.plan),
        "may_edit": row.plan.status == "draft" and may("rollout.change_planversion"),
        "propose_url": standing.page(row, "propose") if begun and may("rollout.add_changerequest") else "",
        "timetable_url": standing.page(row, "timetable") if open_ and may("pipeline.change_schedule") else "",
    }
    return show(screen, request, row, "admin/rollout/plan.html", context)


def propose_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    require(request.user, "rollout.add_changerequest")

    def act(answer: Any, actor: str) -> Any:
        return change_requests.ask(row, answer["text"], actor=actor, reason=answer["reason"], seen=answer["seen"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Ask for a change of the plan of {row}",
            button="Ask for this change",
            consequences=[
                "Nothing changes yet: somebody else sees the diff and approves or rejects it.",
                "Approved, it becomes a new frozen version; gates that are being asked become void.",
            ],
            act=act,
            done="The change is asked for; its page shows the diff. Somebody else has to review it.",
            form=PlanTextForm,
            initial={"text": row.plan.text, "seen": row.plan.sha256},
            template="admin/rollout/wide_question.html",
        ),
    )


def timetable_page(screen: Any, request: HttpRequest, row: Rollout) -> HttpResponse:
    """The coordinated timetable as cron entries, after its clash report (plan 2.3)."""
    require(request.user, "pipeline.change_schedule")
    found = timetable.propose(row)
    preview = [
        *(f"{line.operation}: {line.before or 'no cron'} becomes {line.after}" for line in found.lines if line.changes),
        *(f"{line.operation} keeps {line.after}" for line in found.lines if not line.changes),
        *([f"Clash: {clash.sentence}" for clash in found.clashes] or ["No two operations of one group clash."]),
        *(f"Not possible: {refusal}" for refusal in found.refusals),
        *found.notes,
    ]

    def act(answer: Any, actor: str) -> None:
        timetable.apply(row, actor=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title="Apply the coordinated timetable",
            button="Apply the timetable",
            consequences=preview,
            act=act,
            done="The crons are set; reconcile keeps them.",
            back=standing.page(row, "plan"),
        ),
    )


PAGES: list[tuple[str, str, PageView]] = [
    ("plan", "plan", plan_page),
    ("propose", "propose", propose_page),
    ("timetable", "timetable", timetable_page),
]
