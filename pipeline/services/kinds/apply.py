"""apply: the stored plan of a dry run, copied effect by effect; nothing is planned anew."""

from __future__ import annotations

import uuid

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.plan import Plan, conflict
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Discovery, Effect, Run, RunItem
from pipeline.services.effects import marked
from pipeline.services.kinds.base import Candidate, NoPrefetch


class Apply(NoPrefetch):
    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        if run.source_run is None:
            return []
        shown = run.source_run.items.filter(state=RunItem.State.PLANNED).order_by("position")
        return [
            Candidate(
                issue=item.issue,
                discovery=item.discovery,
                report=item.report,
                outcome=item.outcome,
                facts={"shown": item.pk},
                skipped=_over(item),
            )
            for item in shown.select_related("issue", "discovery", "report")
        ]

    def prepare(self, item: RunItem) -> None:
        """Copy what was shown: the same payloads, each under a new key and with a marker of its own."""
        shown = RunItem.objects.get(pk=item.facts["shown"])
        item.fingerprint, item.snapshot, item.reason = shown.fingerprint, shown.snapshot, shown.reason
        item.facts = {**shown.facts, **item.facts}
        item.save(update_fields=["fingerprint", "snapshot", "reason", "facts"])
        Effect.objects.bulk_create(
            _copy(item, effect) for effect in shown.effects.select_related("reverts").order_by("order")
        )

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        return conflict("not shown", "The dry run showed no change for this issue.")


def _over(shown: RunItem) -> str:
    """What was ended or opened since is not opened or written any more: there is no issue to compare with."""
    if shown.discovery is not None and shown.discovery.status != Discovery.Status.NEW:
        return f"The discovery is not new any more: {shown.discovery.get_status_display()}."
    if shown.report is not None and not shown.report.is_open:
        return f"The report is over: {shown.report.get_ending_display()}."
    return ""


def _copy(item: RunItem, shown: Effect) -> Effect:
    key = uuid.uuid4().hex
    payload = changes.to_payload(marked(changes.from_payload(shown.kind, shown.payload), key))
    return Effect(
        item=item,
        issue=item.issue,
        order=shown.order,
        step=shown.step,
        key=key,
        subject=shown.subject,
        kind=shown.kind,
        payload=payload,
        request_hash=changes.request_hash(shown.kind, payload),
        before=shown.before,
        diff=shown.diff,
        live=True,
        planned_at=clock.now(),
        reverts=shown.reverts,
    )
