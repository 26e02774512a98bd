"""The parts of a daily operation, each with its own switch (plan 1.3). They are shown on their operation's page."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from pipeline.admin.base import PageScreen, row_or_404, to_page
from pipeline.admin.modes import EXPOSURE, MEANING, ModeForm, require_switch
from pipeline.admin.questions import Question, ask
from pipeline.models import Operation, OperationPart
from pipeline.services import operations


@admin.register(OperationPart)
class OperationPartScreen(PageScreen):
    list_display = ("kind", "operation", "mode", "limit")
    list_select_related = ("operation__repository",)
    empty_text = "Only daily operations have parts."

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # not in the menu

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return to_page(row_or_404(self, request, object_id).operation)

    def pages(self) -> list[tuple[str, Any]]:
        return [("mode", self.mode_page)]

    def mode_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require_switch(request, row.mode)

        def act(answer: Any, actor: str) -> Operation:
            operations.set_part_mode(row, answer["mode"], actor=actor, reason=answer["reason"])
            operation: Operation = row.operation
            return operation

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Change the mode of the part {row.kind} of {row.operation}",
                button="Change the mode",
                consequences=[f"{mode.label}: {MEANING[mode]}" for mode in EXPOSURE],
                act=act,
                done=f"The mode of the part {row.kind} is changed.",
                form=ModeForm,
                initial={"mode": row.mode},
            ),
        )
