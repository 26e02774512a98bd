"""What an applied effect makes true in our own rows. All of it joins the transaction that settles the effect."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pipeline import clock
from pipeline.domain.labels import has
from pipeline.domain.sections import splice
from pipeline.domain.states import Cause, State
from pipeline.models import Discovery, Effect, Handover, Issue, Kind, ProblemReport, RepositoryLabel, Run, RunItem
from pipeline.services import issues, reports

log = logging.getLogger(__name__)

Facts = dict[str, Any]


def took_place(effect: Effect, facts: Facts) -> None:
    """Bring our copies up to date with one applied effect."""
    step = _SETTLE.get(effect.kind)
    if effect.item.report is not None:
        _on_report(effect.item.report, effect, facts)
    elif step is not None:
        step(effect, facts)
    if effect.reverts_id:
        Effect.objects.filter(pk=effect.reverts_id).update(reverted_at=clock.now())


def move_if_complete(item: RunItem, steps: set[int]) -> None:
    """Move the issue when every effect of a step that moves it has been applied."""
    moves: dict[str, str] = item.facts.get("moves", {})
    for step in sorted(steps):
        if str(step) not in moves or item.issue is None:
            continue
        if item.effects.filter(step=step).exclude(state=Effect.State.APPLIED).exists():
            continue
        after = State(moves[str(step)])
        item.issue.refresh_from_db()
        if item.issue.state != after.value:
            _move(item, item.issue, after)


def _move(item: RunItem, issue: Issue, after: State) -> None:
    """What took place is recorded even where the table forbids the move; labels that differ are found right after."""
    try:
        issues.move(issue, after, _cause(item.run, after), item.reason or item.outcome, item=item)
    except issues.MoveRefused as refused:
        log.warning("applied change did not move its issue", extra={"item": item.pk, "cause": str(refused)})
        return
    if item.run.kind == Kind.TRIAGE or after in (State.DISCOVERY, State.ASSIGNED):
        _end_handovers(issue, after)


def _cause(run: Run, after: State) -> Cause:
    """A person who sends an issue back in a triage reverts it; who says that it is done goes the usual way."""
    sent_back = run.kind == Kind.TRIAGE and after is not State.DONE
    return Cause.REVERT if sent_back or run.undoes else Cause.PIPELINE


def _end_handovers(issue: Issue, after: State) -> None:
    """Nobody tracks an issue that has left state::copilot, so what was open ends with it."""
    outcome = Handover.Outcome.COMPLETED if after is State.DONE else Handover.Outcome.WITHDRAWN
    issue.handovers.filter(outcome__in=Handover.OPEN).update(outcome=outcome, ended_at=clock.now())


def _created(effect: Effect, facts: Facts) -> None:
    payload = effect.payload
    issue = issues.opened(effect.item, facts, payload["title"], payload["body"], payload["labels"])
    effect.issue = issue
    effect.save(update_fields=["issue"])
    # The item takes the issue over when it ends: until then another live item may hold it, having read it from a list.
    if effect.item.discovery_id:
        Discovery.objects.filter(pk=effect.item.discovery_id).update(status=Discovery.Status.OPENED, issue=issue)


def _labelled(effect: Effect, facts: Facts) -> None:
    issue = _issue(effect)
    if "labels" in facts:
        labels = list(facts["labels"])
    else:
        named = {name.lower() for name in effect.payload["labels"]}
        labels = [name for name in issue.labels if name.lower() not in named]
        if effect.kind == "add_labels":
            labels += effect.payload["labels"]
    issues.remember(issue, updated_at=facts.get("updated_at"), labels=labels)
    issues.refresh_assignment(issue)
    asks = has(effect.payload["labels"], issue.repository.grammar.needs_clarification)
    if asks:  # a revert takes the label off again
        issues.ask(issue, effect.item.reason or issues.UNEXPLAINED)


def _sections_written(effect: Effect, facts: Facts) -> None:
    issue = _issue(effect)
    sections = [(name, content) for name, content in effect.payload["sections"]]
    body = facts.get("body") or splice(issue.body, sections)
    issues.remember(issue, updated_at=facts.get("updated_at"), body=body)


def _handed_over(effect: Effect, facts: Facts) -> None:
    issue, now = _issue(effect), clock.now()
    scaffold = effect.item.effects.filter(kind="open_pull", state=Effect.State.APPLIED).first()
    last = issue.handovers.order_by("-generation").first()
    # Open still where a person took Copilot off and sent the issue back by its labels.
    issue.handovers.filter(outcome__in=Handover.OPEN).update(outcome=Handover.Outcome.WITHDRAWN, ended_at=now)
    Handover.objects.create(
        issue=issue,
        generation=last.generation + 1 if last else 1,
        effect=effect,
        requested_at=effect.sent_at or now,
        scaffold_branch=effect.payload["base_branch"],
        scaffold_pull=scaffold.response.get("number") if scaffold else (last.scaffold_pull if last else None),
    )
    issue.handed_over_at = issue.handed_over_at or now
    written = effect.item.facts.get("due_at")  # what processing wrote into the issue; repeating a hand-over writes none
    if written:
        issue.due_at = datetime.fromisoformat(written)
    elif issue.due_at is None:
        hours = issue.workflow.due_hours if issue.workflow else 48
        issue.due_at = now + timedelta(hours=hours)
    issue.save(update_fields=["handed_over_at", "due_at"])
    _assignees_changed(effect, facts)


def _taken_back(effect: Effect, facts: Facts) -> None:
    _issue(effect).handovers.filter(outcome__in=Handover.OPEN).update(
        outcome=Handover.Outcome.WITHDRAWN, ended_at=clock.now()
    )
    _assignees_changed(effect, facts)


def _assignees_changed(effect: Effect, facts: Facts) -> None:
    issue = _issue(effect)
    copilot = {"login": "Copilot", "id": 198982749, "kind": "Bot"}
    others = [actor for actor in issue.assignees if actor.get("id") != copilot["id"] and actor.get("kind") != "Bot"]
    assignees = [*others, copilot] if effect.kind == "assign_copilot" else others
    issues.remember(issue, updated_at=facts.get("updated_at"), assignees=assignees)


def _closed(effect: Effect, facts: Facts) -> None:
    is_open = effect.kind == "reopen_issue"
    reason = "reopened" if is_open else effect.payload["reason"]
    closed_at = None if is_open else clock.now()
    issues.remember(
        _issue(effect), updated_at=facts.get("updated_at"), is_open=is_open, state_reason=reason, closed_at=closed_at
    )


def _label_made(effect: Effect, facts: Facts) -> None:
    RepositoryLabel.objects.update_or_create(
        repository=effect.item.run.repository,
        name=effect.payload["name"],
        defaults={"node_id": str(facts.get("node_id", ""))},
    )


def _on_report(report: ProblemReport, effect: Effect, facts: Facts) -> None:
    """An item about a report touches no issue of the pipeline's."""
    if effect.kind == "create_issue":
        reports.opened(report, effect, facts)
    elif effect.kind == "write_sections":
        reports.sections_written(report, effect, facts)
    elif effect.kind == "close_issue":
        reports.closed(report, effect)
    elif effect.kind == "reopen_issue":
        reports.reopened(report)


def _issue(effect: Effect) -> Issue:
    """The row of an effect on an issue, fresh: several effects of one step change it one after the other."""
    if effect.issue_id is None:
        raise ValueError(f"Effect {effect.key} is on no issue.")
    return Issue.objects.select_related("repository", "workflow").get(pk=effect.issue_id)


_SETTLE: dict[str, Callable[[Effect, Facts], None]] = {
    "create_issue": _created,
    "add_labels": _labelled,
    "remove_labels": _labelled,
    "write_sections": _sections_written,
    "assign_copilot": _handed_over,
    "unassign_copilot": _taken_back,
    "close_issue": _closed,
    "reopen_issue": _closed,
    "create_label": _label_made,
}
