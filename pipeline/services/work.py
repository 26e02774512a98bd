"""Carries one claimed item as far as it goes: read, plan, store, guard, send, settle.

Whatever happens ends in one release of the item with a state, a typed error and a sentence, or in LeaseLost, after
which this process writes nothing more about it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction

from pipeline import clock
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.sections import BodyTooLong, read_section
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github import port
from pipeline.github.port import GitHub, IssueTarget
from pipeline.models import Effect, Issue, ProblemReport, Repository, Run, RunItem
from pipeline.services import claims, effects, governor, guard, issues, kinds, reports, telemetry, unknowns

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
FRESH = timedelta(seconds=30)  # a read older than this is repeated before the next write
FRESH_TEXT = timedelta(seconds=5)  # and before one that sends the body: an edit in between would be lost
LOOK_UP_AGAIN = timedelta(minutes=15)  # at the latest, for as long as a look-up cannot be made
State, ErrorType = RunItem.State, RunItem.ErrorType


def work_item(item: RunItem, github: GitHub) -> None:
    """Carry `item`, claimed by the caller, to a settled or a waiting state."""
    with governor.accounting(item.run_id, item.pk):
        try:
            _carry(item, github)
        except claims.LeaseLost as lost:
            log.warning("item was taken over", extra={"item": item.pk, "cause": str(lost)})
            return
        except (port.GitHubError, effects.SubjectTaken, BodyTooLong) as error:
            give_up(item, error)
        except (OperationalError, InterfaceError, SoftTimeLimitExceeded):
            raise  # not this item's fault: its hold runs out and it is taken up again
        except Exception as error:  # one item that trips us up must not hold its run up for ever
            log.exception("item tripped a fault of ours", extra={"item": item.pk})
            give_up(
                item,
                _Fault(f"A fault of ours stopped this item ({type(error).__name__}); the log has the whole of it."),
            )
    if item.issue_id is not None and item.live and item.state not in RunItem.ACTIVE:
        issues.follow(item.issue_id)
    telemetry.emit(
        "item",
        run=item.run_id,
        item=item.pk,
        issue=item.issue.number if item.issue else None,
        state=item.state,
        outcome=item.outcome,
        reason=item.reason,
        error_type=item.error_type,
        attempts=item.attempts,
    )


class _Fault(port.Transient):
    """Something in our own code failed; tried again like a passing fault, since nothing is known of it."""


def _carry(item: RunItem, github: GitHub) -> None:
    if item.live and not unknowns.resolve(item, github):
        return
    refused = item.effects.filter(state=Effect.State.REFUSED).first()
    if refused is not None:  # beside one of unknown fate, or looked up so often that it is given up
        _stop(item, State.FAILED, refused.error or "GitHub refused the change.", ErrorType.PERMANENT)
        return
    stage(item, RunItem.Stage.READ)
    snapshot = _read(item, github)
    if item.effects.exists():
        changed = _changed_since_shown(item, snapshot)
        if changed:
            _stop(item, State.CONFLICT, changed, ErrorType.CONFLICT)
            return
    elif _late(item):  # also ends what kills its worker each time
        _stop(item, State.CANCELLED, "The run is past its timeout.")
        return
    elif not _plan(item, snapshot, github):
        return
    if not item.live:
        claims.release(item, State.PLANNED)
        return
    _apply(item, github, snapshot)


def _late(item: RunItem) -> bool:
    deadline = item.run.deadline_at
    return deadline is not None and deadline <= clock.now()


def stage(item: RunItem, name: RunItem.Stage) -> None:
    """Where the item is, so that an error tells how far it came."""
    item.stage = name
    RunItem.objects.filter(pk=item.pk, epoch=item.epoch).update(stage=name)


def _read(item: RunItem, github: GitHub) -> IssueSnapshot | None:
    if item.report is not None:
        return _read_report(item.report, github)
    if item.issue is None:
        return None
    snapshot = kinds.of(item.run).fresh(item, github) or github.issue(item.issue.number)
    issues.absorb(item.run.repository, snapshot)
    item.issue.refresh_from_db()
    return snapshot


def _read_report(report: ProblemReport, github: GitHub) -> IssueSnapshot | None:
    """An issue that people deleted or moved away ends its report; that is no failure of the run."""
    report.refresh_from_db()
    if report.number is None:
        return None
    try:
        snapshot = github.issue(report.number)
    except (port.Gone, port.Moved):
        reports.lost(report)
        return None
    reports.take_over(report, snapshot)
    return snapshot


def _plan(item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> bool:
    """Plan and store; False when there is nothing to apply and the item is settled."""
    stage(item, RunItem.Stage.PLAN)
    plan: Plan = kinds.of(item.run).plan(item, snapshot, github)
    if snapshot is not None:
        item.snapshot, item.fingerprint = _shown(snapshot), snapshot.fingerprint()
        RunItem.objects.filter(pk=item.pk, epoch=item.epoch).update(
            snapshot=item.snapshot, fingerprint=item.fingerprint
        )
    if plan.verdict is Verdict.CHANGE and plan.effects:
        effects.store(item, plan)
        return True
    state = State.CONFLICT if plan.verdict is Verdict.CONFLICT else State.SKIPPED
    error = ErrorType.CONFLICT if plan.verdict is Verdict.CONFLICT else ErrorType.NONE
    claims.release(item, state, outcome=plan.outcome, reason=plan.reason[:500], facts=plan.facts, error_type=error)
    return False


def _shown(snapshot: IssueSnapshot) -> dict[str, object]:
    facts = asdict(snapshot)
    facts["body"] = f"{len(snapshot.body)} characters"
    return {name: str(value) if isinstance(value, datetime) else value for name, value in facts.items()}


def _changed_since_shown(item: RunItem, snapshot: IssueSnapshot | None) -> str:
    """An applied plan must find the issue exactly as it was shown, until its own first effect is applied."""
    if item.run.purpose != Run.Purpose.APPLY or snapshot is None or not item.fingerprint:
        return ""
    if item.effects.exclude(state=Effect.State.PLANNED).exists() or snapshot.fingerprint() == item.fingerprint:
        return ""
    return "The issue changed on GitHub since this plan was shown; plan it anew."


def _apply(item: RunItem, github: GitHub, snapshot: IssueSnapshot | None) -> None:
    stage(item, RunItem.Stage.WRITE)
    one_by_one = item.run.repository.protocol == Repository.Protocol.REST
    while rows := effects.next_rows(item, one_by_one=one_by_one):
        if snapshot is not None and clock.now() - snapshot.read_at > _fresh(rows):
            snapshot = _read(item, github)
        stopped = guard.why_not(item)  # last: reading may have taken long, and a stop counts from its commit on
        if stopped:
            _stop(item, State.CANCELLED, stopped)
            return
        edited = _edited(rows, snapshot)
        if edited:
            _stop(item, State.CONFLICT, edited, ErrorType.CONFLICT)
            return
        effects.send(item, rows, github, _target(item))
        if not _all_applied(item, rows):
            return
    claims.release(item, State.DONE, error_type=ErrorType.NONE, issue=item.issue or _opened_by(item))


def _fresh(rows: Sequence[Effect]) -> timedelta:
    return FRESH_TEXT if any(row.kind == "write_sections" for row in rows) else FRESH


def _opened_by(item: RunItem) -> Issue | None:
    made = (
        item.effects.filter(kind="create_issue", state=Effect.State.APPLIED).select_related("issue__repository").first()
    )
    return made.issue if made else None


def _target(item: RunItem) -> IssueTarget:
    if item.report is not None:
        return reports.target(item.report)
    issue = item.issue
    if issue is None:
        return IssueTarget(number=None, node_id="", body="")
    issue.refresh_from_db()
    return IssueTarget(number=issue.number, node_id=issue.node_id, body=issue.body, labels=tuple(issue.labels))


def _edited(rows: Sequence[Effect], snapshot: IssueSnapshot | None) -> str:
    """A section that somebody wrote into since it was planned is never overwritten."""
    if snapshot is None:
        return ""
    for row in (row for row in rows if row.kind == "write_sections"):
        before = row.before.get("sections", {})
        for heading, content in row.payload["sections"]:
            now_there = read_section(snapshot.body, heading)
            if now_there not in {before.get(heading), content}:
                return f"Somebody edited the section {heading!r} since it was planned; it was left as it is."
    return ""


def _all_applied(item: RunItem, rows: Sequence[Effect]) -> bool:
    """True when the next step may go; else the item is released in the state that its effects call for."""
    states = {row.state for row in rows}
    if states == {Effect.State.APPLIED}:
        return True
    unknown = [row for row in rows if row.state == Effect.State.UNKNOWN]
    if unknown:
        due = max(row.look_up_at for row in unknown if row.look_up_at)
        claims.release(item, State.WAITING, due_at=due, error_type=ErrorType.UNKNOWN, reason=unknown[0].error[:500])
        return False
    refused = next((row for row in rows if row.state == Effect.State.REFUSED), None)
    if refused is not None:
        _stop(item, State.FAILED, refused.error or "GitHub refused the change.", ErrorType.PERMANENT)
        return False
    waiting = next(row for row in rows if row.state == Effect.State.PLANNED)
    _try_later(item, waiting.error or "The change was not sent.", None)
    return False


def give_up(item: RunItem, error: Exception) -> None:
    """Release an item whose work raised one of our errors: deferred, to be tried again, in conflict or failed."""
    sentence = str(error)
    telemetry.emit(
        "error", run=item.run_id, item=item.pk, stage=item.stage, error=type(error).__name__, reason=sentence
    )
    try:
        if not isinstance(error, port.Gone | port.Moved) and _fate_open(item):
            _note_presence(item, error)
            _look_up_later(item, error)
        elif isinstance(error, port.QuotaExhausted):
            _out_of_quota(item, error)
        elif isinstance(error, port.Transient | port.UnknownFate):
            _try_later(item, sentence, None)
        elif isinstance(error, port.Conflict | effects.SubjectTaken | BodyTooLong):
            _stop(item, State.CONFLICT, sentence, ErrorType.CONFLICT)
        else:
            _note_presence(item, error)
            _stop(item, State.FAILED, sentence, ErrorType.PERMANENT)
    except claims.LeaseLost as lost:
        log.warning("item was taken over", extra={"item": item.pk, "cause": str(lost)})


def _fate_open(item: RunItem) -> bool:
    return item.live and item.effects.filter(state__in=(Effect.State.SENDING, Effect.State.UNKNOWN)).exists()


def _look_up_later(item: RunItem, error: Exception) -> None:
    """An item never ends while nobody knows whether its change took place: what it makes could not be made again."""
    wait = min(LOOK_UP_AGAIN, timedelta(seconds=5 * 2 ** min(item.attempts, 10)))
    due = error.until if isinstance(error, port.QuotaExhausted) else clock.now() + wait
    claims.release(item, State.WAITING, due_at=due, error_type=ErrorType.UNKNOWN, reason=str(error)[:500])


def _note_presence(item: RunItem, error: Exception) -> None:
    """Deleted, transferred and unreachable issues are written down; a 404 alone is never proof of absence."""
    if isinstance(error, port.BadCredentials):
        Repository.objects.filter(pk=item.run.repository_id).update(token_problem=str(error)[:500])
    if item.report is not None and isinstance(error, port.Gone | port.Moved):
        reports.lost(item.report)
    if item.issue is None:
        return
    if isinstance(error, port.Gone):
        issues.set_presence(item.issue, Issue.Presence.DELETED, str(error))
    elif isinstance(error, port.Moved):
        issues.set_presence(item.issue, Issue.Presence.TRANSFERRED, str(error))
    elif isinstance(error, port.NotFound):
        issues.set_presence(item.issue, Issue.Presence.UNREACHABLE, str(error))


def _out_of_quota(item: RunItem, error: port.QuotaExhausted) -> None:
    """Nothing begun: the next run takes it. Half done: it waits for the quota and goes on."""
    if item.effects.filter(state=Effect.State.APPLIED).exists():
        claims.release(item, State.WAITING, due_at=error.until, error_type=ErrorType.QUOTA, reason=str(error)[:500])
        return
    _stop(item, State.DEFERRED, str(error), ErrorType.QUOTA)


def _try_later(item: RunItem, sentence: str, due_at: datetime | None) -> None:
    if item.attempts >= MOST_ATTEMPTS:
        _stop(item, State.FAILED, f"{sentence} Tried {item.attempts} times.", ErrorType.TRANSIENT)
        return
    due = due_at or clock.now() + timedelta(seconds=min(300, 5 * 2**item.attempts))
    claims.release(item, State.WAITING, due_at=due, error_type=ErrorType.TRANSIENT, reason=sentence[:500])


def _stop(item: RunItem, state: RunItem.State, reason: str, error: RunItem.ErrorType = ErrorType.NONE) -> None:
    with transaction.atomic():  # killed in between, it would leave effects that nobody sends or gives up
        claims.release(item, state, reason=reason[:500], error_type=error)
        effects.cancel_planned(item, reason)
