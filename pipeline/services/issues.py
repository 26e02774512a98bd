"""Our copy of an issue: taken from GitHub, moved along the state machine, faults written down as findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction
from django.db.models import F

from pipeline import clock
from pipeline.domain.checks.labels import state_faults
from pipeline.domain.labels import has
from pipeline.domain.snapshot import Actor, IssueSnapshot
from pipeline.domain.states import Cause, State, refusal
from pipeline.models import Effect, Handover, Issue, Repository, RunItem, Specialist, Transition, Workflow
from pipeline.services import findings, reports, telemetry


class MoveRefused(RuntimeError):
    """The state machine has no such move, or somebody moved the issue first."""


def absorb(repository: Repository, snapshot: IssueSnapshot) -> Issue | None:
    """Store what GitHub shows; None for an issue that is not the pipeline's, as our own problem reports are.

    A snapshot older than what we know (a stale list) changes nothing. A state label that a person changed is taken
    over where the state machine allows it and is a finding where it does not (DESIGN.md 5.8).
    """
    with transaction.atomic():
        issue = Issue.objects.select_for_update().filter(repository=repository, number=snapshot.number).first()
        if issue is None:
            if reports.absorb(repository, snapshot) or not repository.grammar.is_ours(snapshot.labels):
                return None
            issue = _first_seen(repository, snapshot)
        elif snapshot.updated_at < issue.remote_updated_at:
            return issue
        else:
            _copy(issue, snapshot)
            issue.save(update_fields=_COPIED)
        _follow_labels(issue, snapshot)
    return issue


_COPIED = [
    "node_id", "title", "body", "labels", "assignees", "is_open", "state_reason", "locked", "author",
    "author_association", "html_url", "remote_updated_at", "closed_at", "read_at", "presence", "presence_note",
    "workflow", "specialist", "clarification_reason",
]  # fmt: skip
UNEXPLAINED = "The label stands on GitHub; why is not known here."


def _first_seen(repository: Repository, snapshot: IssueSnapshot) -> Issue:
    states = repository.grammar.states_in(snapshot.labels)
    state = states[0] if states else State.DISCOVERY
    issue = Issue(repository=repository, number=snapshot.number, state=state.value)
    _copy(issue, snapshot)
    issue.remote_created_at = snapshot.created_at
    issue.discovered_at = snapshot.created_at
    if state is not State.DISCOVERY:
        issue.assigned_at = snapshot.updated_at
    if state in {State.COPILOT, State.DONE}:
        issue.handed_over_at = snapshot.updated_at
    if state is State.DONE:
        issue.done_at = snapshot.closed_at or snapshot.updated_at
    issue.save()
    _write_transition(issue, None, state, Cause.IMPORTED, "First seen on GitHub.", clock.now())
    return issue


def _copy(issue: Issue, snapshot: IssueSnapshot) -> None:
    grammar = issue.repository.grammar
    issue.node_id = snapshot.node_id
    issue.title, issue.body = snapshot.title.replace("\x00", ""), snapshot.body.replace("\x00", "")
    issue.labels = list(snapshot.labels)
    issue.assignees = [asdict(actor) for actor in snapshot.assignees]
    issue.is_open, issue.state_reason = snapshot.is_open, snapshot.state_reason or ""
    issue.locked = snapshot.locked
    issue.author, issue.author_association = asdict(snapshot.author), snapshot.author_association
    issue.html_url = snapshot.html_url
    issue.remote_updated_at, issue.closed_at = snapshot.updated_at, snapshot.closed_at
    issue.read_at = snapshot.read_at
    issue.presence, issue.presence_note = Issue.Presence.PRESENT, ""
    issue.workflow = _workflow(issue.repository, grammar.values(snapshot.labels, "workflow::"))
    slugs = grammar.values(snapshot.labels, "specialist::")
    issue.specialist = Specialist.objects.filter(slug__in=slugs).first() if slugs else None
    issue.clarification_reason = _clarification(issue, issue.clarification_reason or UNEXPLAINED)


def _clarification(issue: Issue, why: str) -> str:
    """What the list and the issue's page say for as long as the label is there."""
    return why[:300] if has(issue.labels, issue.repository.grammar.needs_clarification) else ""


def _workflow(repository: Repository, slugs: Sequence[str]) -> Workflow | None:
    if not slugs:
        return None
    rows = Workflow.objects.filter(slug__in=slugs).filter(repository__isnull=True) | Workflow.objects.filter(
        slug__in=slugs, repository=repository
    )
    return rows.order_by(F("repository").desc(nulls_last=True)).first()


def follow(issue_id: int) -> None:
    """Once nothing of ours is under way: take over what the labels said meanwhile, ours dropped in silence included."""
    with transaction.atomic():
        issue = Issue.objects.select_for_update(of=("self",)).select_related("repository").get(pk=issue_id)
        _follow_labels(issue, issue.snapshot())


def _follow_labels(issue: Issue, snapshot: IssueSnapshot) -> None:
    if _being_written(issue):
        return  # half of a change of ours may be what is seen; its settling moves the issue
    grammar = issue.repository.grammar
    states = grammar.states_in(snapshot.labels)
    if len(states) == 1 and states[0].value != issue.state and not refusal(State(issue.state), states[0], Cause.HUMAN):
        move(issue, states[0], Cause.HUMAN, "The label was changed on GitHub.")
        if states[0] in (State.DISCOVERY, State.ASSIGNED):  # nobody tracks it there, so what was open ends with it
            begun = issue.handovers.filter(ended_at__isnull=True)
            begun.update(outcome=Handover.Outcome.WITHDRAWN, ended_at=clock.now())
    findings.settle_states(issue, state_faults(snapshot.labels, State(issue.state), grammar))


def _being_written(issue: Issue) -> bool:
    """Whether a change of ours may be what is seen; its own settling moves the issue."""
    open_states = (Effect.State.SENDING, Effect.State.UNKNOWN)
    return (
        Effect.objects.filter(issue=issue, state__in=open_states).exists()
        or RunItem.objects.filter(issue=issue, live=True, state__in=RunItem.ACTIVE).exists()
    )


def move(
    issue: Issue,
    after: State,
    cause: Cause,
    reason: str,
    *,
    item: RunItem | None = None,
    effect: Effect | None = None,
) -> Transition:
    """Move an issue; MoveRefused when the table forbids it or somebody was first. Joins the caller's transaction."""
    before = State(issue.state)
    why_not = refusal(before, after, cause)
    if why_not:
        raise MoveRefused(why_not)
    now = clock.now()
    stamps = _stamps(issue, after, now)
    with transaction.atomic():
        if Issue.objects.filter(pk=issue.pk, state=before.value).update(state=after.value, **stamps) != 1:
            raise MoveRefused(f"{issue} was moved by somebody else; nothing was changed.")
        issue.refresh_from_db(fields=["state", *stamps])
        transition = _write_transition(issue, before, after, cause, reason, now, item, effect)
    telemetry.emit(
        "transition",
        repository=issue.repository.full_name,
        issue=issue.number,
        before=before.value,
        after=after.value,
        cause=cause.value,
        run=item.run_id if item else None,
    )
    return transition


def _stamps(issue: Issue, after: State, now: datetime) -> dict[str, datetime | None]:
    """Going back clears what is no longer true."""
    if after is State.DISCOVERY:
        return {"assigned_at": None, "handed_over_at": None, "done_at": None}
    if after is State.ASSIGNED:
        return {"assigned_at": now, "handed_over_at": None, "done_at": None}
    if after is State.COPILOT:
        return {"handed_over_at": issue.handed_over_at or now, "done_at": None}
    return {"done_at": now}


def _write_transition(
    issue: Issue,
    before: State | None,
    after: State,
    cause: Cause,
    reason: str,
    now: datetime,
    item: RunItem | None = None,
    effect: Effect | None = None,
) -> Transition:
    last = Transition.objects.filter(issue=issue).order_by("-sequence").first()
    return Transition.objects.create(
        issue=issue,
        sequence=last.sequence + 1 if last else 1,
        before=before.value if before else "",
        after=after.value,
        cause=cause.value,
        reason=reason[:500],
        at=now,
        run_item=item,
        effect=effect,
    )


def opened(item: RunItem, facts: dict[str, object], title: str, body: str, labels: Sequence[str]) -> Issue:
    """The row of an issue that an effect of ours has just created."""
    repository, now = item.run.repository, clock.now()
    snapshot = IssueSnapshot(
        number=int(str(facts["number"])),
        node_id=str(facts["node_id"]),
        title=title,
        body=body,
        labels=tuple(labels),
        assignees=(),
        is_open=True,
        state_reason=None,
        locked=False,
        author=Actor(repository.token_login or "us"),
        author_association="",
        html_url=str(facts.get("html_url", "")),
        created_at=now,
        updated_at=_moment(facts.get("updated_at"), now),
        closed_at=None,
        read_at=now,
    )
    existing = Issue.objects.filter(repository=repository, number=snapshot.number).first()
    return existing or _first_seen_by_us(repository, snapshot, item)


def _first_seen_by_us(repository: Repository, snapshot: IssueSnapshot, item: RunItem) -> Issue:
    issue = Issue(repository=repository, number=snapshot.number, state=State.DISCOVERY.value)
    _copy(issue, snapshot)
    issue.remote_created_at = issue.discovered_at = snapshot.created_at
    issue.save()
    _write_transition(issue, None, State.DISCOVERY, Cause.PIPELINE, "Opened from a discovery.", clock.now(), item)
    return issue


def remember(issue: Issue, *, updated_at: object = None, **fields: object) -> None:
    """Note in our copy what a write of ours has made true on GitHub, so that a stale list cannot undo it."""
    for name, value in fields.items():
        setattr(issue, name, value)
    seen = _moment(updated_at, issue.remote_updated_at)
    issue.remote_updated_at = max(seen, issue.remote_updated_at)
    issue.save(update_fields=[*fields, "remote_updated_at"])


def _moment(value: object, otherwise: datetime) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value).replace("Z", "+00:00")) if value else otherwise


def set_presence(issue: Issue, presence: str, note: str) -> None:
    """Write down that an issue cannot be worked on any more, and why."""
    issue.presence, issue.presence_note = presence, note[:500]
    issue.save(update_fields=["presence", "presence_note"])
    findings.settle_states(issue, {f"state.{presence}": note})


def ask(issue: Issue, why: str) -> None:
    """Note why a person has to look, once the label that says so is on the issue."""
    issue.clarification_reason = _clarification(issue, why)
    issue.save(update_fields=["clarification_reason"])


def refresh_assignment(issue: Issue) -> None:
    """Take workflow and specialist from the labels that the issue carries now."""
    grammar = issue.repository.grammar
    issue.workflow = _workflow(issue.repository, grammar.values(issue.labels, "workflow::"))
    slugs = grammar.values(issue.labels, "specialist::")
    issue.specialist = Specialist.objects.filter(slug__in=slugs).first() if slugs else None
    issue.save(update_fields=["workflow", "specialist"])
