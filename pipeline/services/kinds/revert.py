"""revert: each item of the reverted run, newest first, undone as far as people's later work allows."""

from __future__ import annotations

from pipeline.domain import plan_revert
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, skip
from pipeline.domain.plan_revert import Done, World
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.github.port import GitHub
from pipeline.models import Effect, Issue, Run, RunItem
from pipeline.services.kinds.base import Candidate, NoPrefetch


class Revert(NoPrefetch):
    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        if run.source_run is None:
            return []
        runs = [run.source_run.pk, *run.source_run.children.values_list("pk", flat=True)]
        items = (
            RunItem.objects.filter(
                run__in=runs,
                issue__isnull=False,
                effects__state=Effect.State.APPLIED,
                effects__reverted_at__isnull=True,  # in part undone before: the rest may be possible now
            )
            .select_related("issue")
            .distinct()
            .order_by("-run", "-position")
        )
        return [_candidate(item) for item in items]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to revert.")
        source = RunItem.objects.get(pk=item.facts["reverts_item"])
        rows = list(source.effects.filter(state=Effect.State.APPLIED, reverted_at__isnull=True).order_by("order"))
        done = [Done(row.pk, row.kind, row.payload, row.before, row.response) for row in rows]
        plan = plan_revert.plan(done, _world(done, snapshot, github), State(item.issue.state), _grammar(item))
        plan.facts["reverts_item"] = source.pk
        return plan


def _candidate(item: RunItem) -> Candidate:
    if item.issue is not None and item.issue.presence != Issue.Presence.PRESENT:
        return Candidate(issue=item.issue, skipped=f"The issue is {item.issue.get_presence_display()}.")
    return Candidate(issue=item.issue, facts={"reverts_item": item.pk})


def _grammar(item: RunItem) -> LabelGrammar:
    return item.run.repository.grammar


def _world(done: list[Done], snapshot: IssueSnapshot, github: GitHub) -> World:
    """Read only what the effects to be undone touch."""
    branches = {str(effect.payload["branch"]) for effect in done if effect.kind in {"create_branch", "open_pull"}}
    heads = {name: found.sha for name in branches if (found := github.branch(name)) is not None}
    scaffolds = {
        str(effect.payload["branch"]): str(effect.response.get("sha", ""))
        for effect in done
        if effect.kind == "create_branch"
    }
    numbers = {int(effect.response.get("number", 0)) for effect in done if effect.kind == "open_pull"} - {0}
    pulls = {number: github.pull(number).is_open for number in numbers}
    others = False
    if any(effect.kind == "create_issue" for effect in done):
        others = any(not comment.author.is_copilot for comment in github.comments(snapshot.number))
    return World(snapshot, heads, scaffolds, pulls, others)
