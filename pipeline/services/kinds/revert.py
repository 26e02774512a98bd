"""revert: each item of the reverted run, newest first, undone as far as people's later work allows."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from pipeline import clock
from pipeline.domain import plan_revert
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
                Q(issue__isnull=False) | Q(report__isnull=False),
                run__in=runs,
                effects__state=Effect.State.APPLIED,
                effects__kind__in=plan_revert.UNDOABLE,
                effects__reverted_at__isnull=True,  # in part undone before: the rest may be possible now
            )
            .select_related("issue", "report")
            .distinct()
            .order_by("-run_id", "-position")
        )
        return [_candidate(changed) for changed in _by_issue(items)]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None:
            return skip("no issue", "There is no issue to revert.")
        sources = RunItem.objects.filter(pk__in=item.facts["reverts_items"]).order_by("-run_id", "-position")
        parts = [_part(source, snapshot, github, item.run.repository.token_login) for source in sources]
        # A report is in no state of the pipeline, and no effect on it sets one.
        state = State(item.issue.state) if item.issue is not None else State.DISCOVERY
        found = plan_revert.plan_parts(parts, state, item.run.repository.grammar)
        if item.live:  # else a branch that somebody deleted would be missed for ever
            Effect.objects.filter(pk__in=found.facts.get("undone", ())).update(reverted_at=clock.now())
        return found


def _part(source: RunItem, snapshot: IssueSnapshot, github: GitHub, us: str) -> tuple[list[Done], World]:
    rows = source.effects.filter(state=Effect.State.APPLIED, reverted_at__isnull=True).order_by("order")
    done = [Done(row.pk, row.kind, row.payload, row.before, row.response) for row in rows]
    return done, _world(done, snapshot, github, us)


def _by_issue(items: Iterable[RunItem]) -> list[list[RunItem]]:
    """A daily run may have changed an issue in several parts, which are undone together, from the last one."""
    found: dict[tuple[int | None, int | None], list[RunItem]] = {}
    for item in items:
        found.setdefault((item.issue_id, item.report_id), []).append(item)
    return list(found.values())


def _candidate(changed: list[RunItem]) -> Candidate:
    issue = changed[0].issue
    if issue is not None and issue.presence != Issue.Presence.PRESENT:
        return Candidate(issue=issue, skipped=f"The issue is {issue.get_presence_display()}.")
    return Candidate(issue=issue, report=changed[0].report, facts={"reverts_items": [item.pk for item in changed]})


def _world(done: list[Done], snapshot: IssueSnapshot, github: GitHub, us: str) -> World:
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
        said = [comment.author for comment in github.comments(snapshot.number)]
        others = any(not author.is_copilot and author.login.lower() != us.lower() for author in said)
    return World(snapshot, heads, scaffolds, pulls, others)
