"""Keeps what Copilot says about hand-overs, each remark once."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain import feedback
from pipeline.domain.facts import TimelineEvent
from pipeline.models import Feedback, Handover


def keep(row: Handover, events: Iterable[TimelineEvent]) -> int:
    """Store what is new among the events that were read anyway; how many remarks they hold."""
    found = feedback.remarks(events, row.requested_at)
    if found:
        # Two trackers may see the same: the constraint on (hand-over, id) decides, whoever comes first.
        Feedback.objects.bulk_create(
            [
                Feedback(
                    handover=row,
                    external_id=remark.external_id,
                    source=remark.source.value,
                    text=remark.text,
                    html_url=remark.html_url,
                    themes=list(remark.themes),
                    said_at=remark.said_at,
                )
                for remark in found
            ],
            ignore_conflicts=True,
        )
    return len(found)
