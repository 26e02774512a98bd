"""Hand-overs in short, for tests of the report and its page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipeline.models import Feedback, Handover, Repository
from rollout.models import ServiceLevel
from tests.factories import MOMENT, make_handover, make_issue, make_repository, make_workflow, number

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOSTILE = "<script>window.hacked=1</script>"


def handed(repository: Repository, ago: timedelta, after: timedelta | None = None, **values: Any) -> Handover:
    """Handed over so long before MOMENT, completed `after` that; other fields of a hand-over or `title`, `workflow`."""
    of_issue = {name: values.pop(name) for name in ("workflow", "specialist", "title") if name in values}
    issue = values.pop("issue", None) or make_issue(repository=repository, state="copilot", **of_issue)
    at: datetime = MOMENT - ago
    done = {} if after is None else {"outcome": "completed", "ended_at": at + after}
    return make_handover(issue=issue, requested_at=at, **{**done, **values})


def say(row: Handover, text: str, *themes: str, **values: Any) -> Feedback:
    defaults: dict[str, Any] = {
        "external_id": f"commented:{number()}",
        "source": "comment",
        "themes": list(themes),
        "said_at": MOMENT - HOUR,
        "html_url": "https://github.example/acme/watch/pull/70#issuecomment-1",
    }
    return Feedback.objects.create(handover=row, text=text, **{**defaults, **values})


def make_level(**values: Any) -> ServiceLevel:
    defaults: dict[str, Any] = {
        "slug": "completion-48h",
        "text": "80% completion within 48 hours",
        "metric": "copilot_completion_48h",
        "comparator": ">=",
        "threshold": 0.8,
        "minimum_sample": 2,
    }
    return ServiceLevel.objects.create(**{**defaults, **values})


def nine_days() -> Repository:
    """Nine days of hand-overs: six completed in time, one late, one blocked, one open; every text is hostile."""
    made = make_repository(full_name="acme/watch")
    workflow = make_workflow(slug="osint", name="OSINT")
    for hours in (5, 10, 20, 30, 40, 47, 100):
        handed(made, 9 * DAY, hours * HOUR, workflow=workflow, title=f"=cmd() {HOSTILE}")
    blocked = handed(made, 5 * DAY, outcome="waiting", blocker="approval", title=HOSTILE)
    say(blocked, f"The criteria are ambiguous. {HOSTILE}", "unclear")
    handed(made, HOUR)
    make_level()
    return made
