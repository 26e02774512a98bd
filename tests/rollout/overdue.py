"""An overdue issue with all that can stand on its pages: pauses, escalations of every kind, a manual review."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from pipeline import clock
from pipeline.models import Repository
from rollout.models import ClockPause, CompletionCase, EscalationEvent, EscalationRule, ManualReview
from tests.factories import make_handover, make_issue

DAY = timedelta(days=1)


class Overdue(NamedTuple):
    case: CompletionCase
    manual_review: ManualReview
    escalation_rule: EscalationRule


def make_overdue(repository: Repository, words: str = "The author is on leave.", **values: object) -> Overdue:
    """Due 20 days ago; snoozed for a day since. `words` stand wherever people or strangers write."""
    now = clock.now()
    issue = make_issue(**{"repository": repository, "state": "done", "title": f"Late: {words}", **values})
    handover = make_handover(issue=issue, requested_at=now - 22 * DAY, blocker="other", blocker_message=words)
    case = CompletionCase.objects.create(
        issue=issue, handover=handover, workflow="osint", opened_at=now - 22 * DAY, due_at=now - 20 * DAY
    )
    ClockPause.objects.create(
        case=case, kind="blocked", reason=words, by="rule:blocked-quota", started_at=now - 19 * DAY, ended_at=now - DAY
    )
    ClockPause.objects.create(
        case=case, kind="snoozed", reason=words, by="lea", started_at=now - DAY / 2, until=now + DAY
    )
    for action, days, state in (("remind", 3, "done"), ("notify", 7, "failed"), ("review", 14, "done")):
        EscalationEvent.objects.create(
            case=case,
            action=action,
            days_overdue=days,
            state=state,
            at=now - DAY,
            sentence=words,
            evidence={"problem": words, "told": [words]},
        )
    review = ManualReview.objects.create(case=case, owner="leo", opened_at=now - DAY, due_at=now + DAY)
    rule, _ = EscalationRule.objects.get_or_create(
        repository=None, workflow="", action="remind", defaults={"days_overdue": 3, "text": "Remind"}
    )
    return Overdue(case, review, rule)
