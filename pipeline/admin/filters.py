"""Small questions that lists can be narrowed by."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from pipeline import clock
from pipeline.models import Issue, Operation


class YesFilter(SimpleListFilter):
    """Offers one choice: only the rows that `wanted` names."""

    word = "yes"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", self.word)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.wanted(queryset) if self.value() == "yes" else queryset

    def wanted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        raise NotImplementedError


class NeedsClarification(YesFilter):
    title = "clarification"
    parameter_name = "clarification"
    word = "needs clarification"

    def wanted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.exclude(clarification_reason="")


class OverdueIssue(YesFilter):
    title = "due time"
    parameter_name = "overdue"
    word = "overdue"

    def wanted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(due_at__lt=clock.now()).exclude(state=Issue.State.DONE)


class FindingStanding(SimpleListFilter):
    """Open ones are all that are wrong and not muted; the acknowledged are among them."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in ("open", "acknowledged", "muted", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        muted = Q(muted_until__gt=clock.now())
        there = queryset.filter(resolved_at__isnull=True)
        if self.value() == "open":
            return there.exclude(muted)
        if self.value() == "acknowledged":
            return there.exclude(muted).filter(acknowledged_at__isnull=False)
        if self.value() == "muted":
            return there.filter(muted)
        return queryset.filter(resolved_at__isnull=False) if self.value() == "resolved" else queryset


class TopLevel(SimpleListFilter):
    """Runs without the parts of daily runs, which stand on the page of their daily run."""

    title = "parts"
    parameter_name = "parts"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "without parts of daily runs"), ("only", "only parts")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("no", "only"):
            return queryset.filter(parent__isnull=self.value() == "no")
        return queryset


class ByOperation(SimpleListFilter):
    """Operations with their repository, read in one query."""

    title = "operation"
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Operation.objects.select_related("repository").order_by("repository__full_name", "name")
        return [(str(row.pk), str(row)) for row in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(operation=int(value)) if value.isdigit() else queryset
