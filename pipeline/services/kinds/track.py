"""track: what became of each open hand-over; one request reads up to a hundred of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from pipeline import clock
from pipeline.domain import handover, plan_track
from pipeline.domain.facts import HandoverFacts, Pull, TimelineEvent
from pipeline.domain.handover import Evidence, Judgement, Outcome
from pipeline.domain.plan import Plan, skip
from pipeline.domain.snapshot import IssueSnapshot, from_json
from pipeline.domain.states import State
from pipeline.github.port import GitHub
from pipeline.models import Handover, Issue, Run, RunItem
from pipeline.services import feedback, issues, sync, telemetry
from pipeline.services.kinds.base import Candidate, NoPrefetch, asked_for

BATCH = 100
LAST_WORDS = 10  # closed issues of a batch whose timeline is read once more, for what the agent said at the end
WORKING_TITLE = re.compile(r"\s*\[WIP\]", re.IGNORECASE)
READ_HOLDS = timedelta(minutes=1)
# Copilot needs seconds to open its pull request; before that there is nothing to read.
SETTLING_IN = timedelta(seconds=60)


class Track(NoPrefetch):
    """Judging only reads; an item is made for each issue that something has to be written to."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        sync.sync(run.repository, github)
        chosen = self._open(run)
        found: list[Candidate] = []
        for start in range(0, len(chosen), BATCH):
            batch = chosen[start : start + BATCH]
            facts = github.handovers([(row.number, row.node_id) for row in batch])
            heard = _closing(batch, facts)[:LAST_WORDS]
            read = zip(batch, facts, strict=True)  # by their order: a server that speaks only REST may give no node ids
            looks = (_look(run, github, row, fact, row.pk in heard) for row, fact in read)
            found += [candidate for candidate in looks if candidate]
        return found + self._closed(run, {candidate.issue.pk for candidate in found if candidate.issue})

    def _open(self, run: Run) -> list[Issue]:
        rows = Issue.objects.filter(
            repository=run.repository, state=State.COPILOT.value, presence=Issue.Presence.PRESENT
        )
        numbers = asked_for(run)
        if numbers is not None:
            rows = rows.filter(number__in=numbers)
        # Least recently looked at first, so that a limit never starves anybody.
        return list(rows.order_by("read_at", "number")[: run.limit])

    def _closed(self, run: Run, taken: set[int]) -> list[Candidate]:
        """Issues that somebody closed before they were handed over are done as well."""
        rows = Issue.objects.filter(
            repository=run.repository,
            state__in=(State.DISCOVERY.value, State.ASSIGNED.value),
            is_open=False,
            presence=Issue.Presence.PRESENT,
        ).exclude(pk__in=taken)
        numbers = asked_for(run)
        if numbers is not None:
            rows = rows.filter(number__in=numbers)
        room = max(0, run.limit - len(taken))
        return [Candidate(issue=row) for row in rows.order_by("number")[:room]]

    def fresh(self, item: RunItem, github: GitHub) -> IssueSnapshot | None:
        """The batch's own read, once: what track writes carries no text that a later edit could lose."""
        if item.attempts > 1 or not item.snapshot:
            return None
        read = from_json(item.snapshot)
        return read if clock.now() - read.read_at < READ_HOLDS else None

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to track.")
        last = item.issue.handovers.order_by("-generation").first()
        if last is None:
            judged = Judgement(Outcome.REJECTED, "The issue was closed before it was handed over.")
            return plan_track.plan(_tracked(item.issue, None), judged, snapshot, item.run.repository.grammar)
        judged = _judgement_of(last, snapshot)
        return plan_track.plan(_tracked(item.issue, last), judged, snapshot, item.run.repository.grammar)


def _tracked(issue: Issue, last: Handover | None) -> plan_track.Tracked:
    lost = issue.handovers.filter(outcome__in=(Handover.Outcome.LOST, Handover.Outcome.WITHDRAWN)).count()
    return plan_track.Tracked(
        issue_id=issue.pk,
        state=State(issue.state),
        generation=last.generation if last else 0,
        base_branch=last.scaffold_branch if last else issue.repository.default_branch,
        repeats=max(0, lost - 1),
        most_repeats=issue.repository.handover_repeats,
        instructions=str(last.effect.payload.get("custom_instructions", "")) if last and last.effect else "",
    )


def _judgement_of(row: Handover, snapshot: IssueSnapshot) -> Judgement:
    """The judgement that `select` stored, unless the issue was closed since."""
    if not snapshot.is_open:
        closed = Evidence(snapshot, (), (), row.requested_at, row.scaffold_branch, clock.now(), timedelta(0))
        return handover.judge(closed)
    return Judgement(Outcome(row.outcome), str(row.evidence.get("reason", "")))


def _closing(batch: Sequence[Issue], facts: Sequence[HandoverFacts]) -> list[int]:
    """Keys of the issues of a batch that were closed."""
    read = [(row.pk, fact.issue) for row, fact in zip(batch, facts, strict=True)]
    return [key for key, snapshot in read if snapshot is not None and not snapshot.is_open]


def _look(run: Run, github: GitHub, issue: Issue, facts: HandoverFacts, last_words: bool) -> Candidate | None:
    """Judge one hand-over, store the judgement, and say whether something has to be written."""
    if facts.issue is None:
        sync.read_one(run.repository, github, issue.number)  # absent from a batch is no proof: ask for it alone
        return None
    issues.absorb(run.repository, facts.issue)
    issue.refresh_from_db()
    if issue.state != State.COPILOT.value:
        return None
    row = issue.handovers.order_by("-generation").first()
    if row is None:
        return _without_record(issue, facts.issue)
    events = _events(github, row, facts, last_words)
    feedback.keep(row, events)
    judged = handover.judge(
        Evidence(
            issue=facts.issue,
            pulls=facts.pulls,
            events=events,
            requested_at=row.requested_at,
            scaffold_branch=row.scaffold_branch,
            now=clock.now(),
            lost_after=timedelta(seconds=run.repository.lost_after_seconds),
        )
    )
    if row.outcome in Handover.OPEN or _was_wrong(row, judged):
        _store(row, judged)
    if not facts.issue.is_open or judged.outcome in handover.ENDED:
        return Candidate(issue=issue, prefetched=facts.issue)
    return None


def _was_wrong(row: Handover, judged: Judgement) -> bool:
    """Given up or failed, and nothing was done about it, as in a dry run: then a late agent is at work all the same."""
    return row.outcome not in (Handover.Outcome.WITHDRAWN, judged.outcome.value)


def _without_record(issue: Issue, snapshot: IssueSnapshot) -> Candidate | None:
    """A person set state::copilot, or it was so when first seen: followed by its closing only."""
    return None if snapshot.is_open else Candidate(issue=issue, prefetched=snapshot)


def _events(github: GitHub, row: Handover, facts: HandoverFacts, last_words: bool) -> tuple[TimelineEvent, ...]:
    """Timelines cost a call each: one when something moved or has been still for long; few when it is over."""
    pull = handover.agent_pull(facts.pulls, row.requested_at)
    if facts.issue is None or not facts.issue.is_open:
        return _last_words(github, row, pull) if last_words else ()
    if pull is None:
        early = clock.now() - row.requested_at < min(SETTLING_IN, timedelta(seconds=_lost_after(row) / 2))
        return () if early else github.timeline(facts.issue.number)
    seen = str(row.evidence.get("pull_updated_at", ""))
    # A pull request that does not move is looked at more closely as rarely as a lost hand-over is given up.
    looked = str(row.evidence.get("timeline_at", ""))
    rest = timedelta(seconds=_lost_after(row))
    still = not looked or clock.now() - datetime.fromisoformat(looked) > rest
    at_work = WORKING_TITLE.match(pull.title) is not None and pull.is_open
    if not still and (seen == pull.updated_at.isoformat() or (seen and at_work)):
        return _kept(row)  # the agent drops "[WIP]" when it is done, and a failure leaves it still
    row.evidence["timeline_at"] = clock.now().isoformat()
    return github.timeline(pull.number)


def _last_words(github: GitHub, row: Handover, pull: Pull | None) -> tuple[TimelineEvent, ...]:
    """Of a closed issue, once: what the agent said between the last look and the end."""
    if (
        pull is None
        or row.outcome not in Handover.OPEN
        or row.evidence.get("pull_updated_at") == pull.updated_at.isoformat()
    ):
        return ()
    return github.timeline(pull.number)


def _lost_after(row: Handover) -> int:
    return row.issue.repository.lost_after_seconds


def _kept(row: Handover) -> tuple[TimelineEvent, ...]:
    """What the last look found, when nothing has moved since."""
    kept = []
    if row.finished_at is not None:
        kept.append(TimelineEvent(handover.FINISHED, row.finished_at, None))
    if row.started_at is not None:
        kept.append(TimelineEvent(handover.STARTED, row.started_at, None))
    return tuple(kept)


def _store(row: Handover, judged: Judgement) -> None:
    now = clock.now()
    before = row.outcome
    row.outcome = judged.outcome.value
    row.started_at = judged.started_at or row.started_at
    row.finished_at = judged.finished_at
    row.blocker, row.blocker_message = judged.blocker, judged.message[:500]
    met = list(row.evidence.get("blockers", ()))
    if judged.blocker and judged.blocker not in met:
        met.append(judged.blocker)
    if judged.pull is not None:
        row.pull_number, row.pull_url = judged.pull.number, judged.pull.html_url
    row.evidence |= {
        "reason": judged.reason,
        "pull_updated_at": judged.pull.updated_at.isoformat() if judged.pull else "",
        "merged_at": judged.pull.merged_at.isoformat() if judged.pull and judged.pull.merged_at else "",
        "blockers": met,  # also those that are gone: a hand-over that waited for a person stays one that did
    }
    row.checked_at = now
    row.ended_at = now if judged.outcome in handover.ENDED else None
    row.save()
    if before != row.outcome:
        telemetry.emit(
            "handover", issue=row.issue.number, generation=row.generation, outcome=row.outcome, reason=judged.reason
        )
