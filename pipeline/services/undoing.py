"""What undoing runs would make of each issue, from our own copies: for looking, before GitHub is asked or written to.

The reverting run reads GitHub again before each write, so what people changed since our copy was read is kept then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from pipeline.domain import diffs, plan_revert
from pipeline.domain.plan import Plan
from pipeline.domain.plan_revert import Done, World
from pipeline.domain.sections import BodyTooLong
from pipeline.domain.states import State
from pipeline.models import Effect, Issue, Run, RunItem


@dataclass(frozen=True, slots=True)
class Part:
    """What undoing one run makes of an issue: (kind of change, its diff), and in a sentence each what stays."""

    run: int
    changes: tuple[tuple[str, str], ...]
    stays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """One issue; its parts in the order in which they are undone, the newest run first."""

    issue: Issue
    parts: tuple[Part, ...]


def effects(runs: QuerySet[Run]) -> QuerySet[Effect]:
    """What these runs and their parts changed, that can be undone and nobody has undone."""
    return _applied(runs).filter(kind__in=plan_revert.UNDOABLE)


def _applied(runs: QuerySet[Run]) -> QuerySet[Effect]:
    """With what stays in any case, as comments do: people are told of it."""
    mine = Q(item__run__in=runs) | Q(item__run__parent__in=runs)
    return Effect.objects.filter(mine, state=Effect.State.APPLIED, reverted_at__isnull=True)


def issues(runs: QuerySet[Run]) -> QuerySet[Issue]:
    """The issues that undoing would touch, by number."""
    touched = effects(runs).filter(item__issue__isnull=False).values("item__issue")
    return Issue.objects.filter(pk__in=touched).select_related("repository").order_by("number")


def preview(runs: QuerySet[Run], wanted: Sequence[Issue]) -> list[Undone]:
    """What would become of each of these issues."""
    found: dict[int, dict[RunItem, list[Effect]]] = defaultdict(lambda: defaultdict(list))
    rows = _applied(runs).filter(item__issue__in=[issue.pk for issue in wanted]).select_related("item")
    for row in rows.order_by("-item__run", "-item__position", "order"):
        found[row.item.issue_id or 0][row.item].append(row)
    return [Undone(issue, _parts(issue, found[issue.pk])) for issue in wanted]


def _parts(issue: Issue, items: dict[RunItem, list[Effect]]) -> tuple[Part, ...]:
    if issue.presence != Issue.Presence.PRESENT:
        return tuple(Part(item.run_id, (), (f"The issue is {issue.get_presence_display()}.",)) for item in items)
    done = [[Done(row.pk, row.kind, row.payload, row.before, row.response) for row in rows] for rows in items.values()]
    try:
        plans = plan_revert.course(done, _world(issue, done), State(issue.state), issue.repository.grammar)
    except BodyTooLong as error:
        return tuple(Part(item.run_id, (), (str(error),)) for item in items)
    return tuple(_part(item, plan) for item, plan in zip(items, plans, strict=True))


def _world(issue: Issue, done: Sequence[Sequence[Done]]) -> World:
    """As if branches and pull requests stood as we left them: only GitHub can say, when they are undone."""
    every = [effect for item in done for effect in item]
    heads = {
        str(effect.payload["branch"]): str(effect.response.get("sha", ""))
        for effect in every
        if effect.kind == "create_branch"
    }
    pulls = {int(effect.response.get("number", 0)): True for effect in every if effect.kind == "open_pull"}
    return World(issue.snapshot(), heads, heads, pulls, comments_by_others=False)


def _part(item: RunItem, plan: Plan) -> Part:
    told = (*plan.facts.get("refused", ()), *plan.facts.get("left", ()))
    return Part(
        run=item.run_id,
        changes=tuple((row.change.kind, diffs.describe(row.change, row.before)) for row in plan.effects),
        stays=told or (() if plan.effects else (plan.reason,)),
    )
