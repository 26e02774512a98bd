"""Issues that were handed over and are not done, and looks at them as time goes by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipeline.clock import VirtualClock
from pipeline.models import Issue, Kind, Mode, Operation, Repository, Run
from pipeline.services import execution
from rollout.models import CompletionCase, EscalationEvent
from rollout.services.escalation import escalate, rules
from tests.factories import MOMENT, make_handover, make_issue, make_operation, make_repository
from tests.fake_github import FakeGitHub

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = MOMENT + 2 * DAY
FAR = MOMENT + 400 * DAY


def followed(**values: Any) -> Repository:
    """A repository whose track is live under a long lease, with the shipped rules."""
    repository = make_repository(**values)
    make_operation(repository=repository, kind=Kind.TRACK, mode=Mode.LIVE, live_until=FAR, limit=10)
    rules.ship()
    return repository


def handed_over(repository: Repository, github: FakeGitHub | None = None, **values: Any) -> Issue:
    """An issue that Copilot has since MOMENT, due two days later; on GitHub too."""
    of_handover = {name: values.pop(name) for name in ("blocker", "blocker_message", "outcome") if name in values}
    defaults = {"state": "copilot", "handed_over_at": MOMENT, "due_at": DUE}
    issue = make_issue(repository=repository, **{**defaults, **values})
    make_handover(issue=issue, **of_handover)
    if github is not None:
        github.mirror(issue)
    return issue


def look_until(time: VirtualClock, moment: datetime) -> None:
    """A look now, and the regular ones of the last two hours: at the last but one the clock is believed already."""
    for at in (time.now(), moment - 2 * HOUR, moment - HOUR, moment):
        if at >= time.now():
            time.set(at)
            escalate.look(at)


def settle_at(time: VirtualClock, moment: datetime) -> None:
    """As if nobody had looked before; then three looks within an hour, the last at `moment`."""
    for before in (HOUR, HOUR / 2, timedelta(0)):
        time.set(moment - before)
        escalate.look(time.now())


def work(time: VirtualClock) -> None:
    """Workers carry out what was opened."""
    for run in Run.objects.filter(state__in=Run.ACTIVE).order_by("pk"):
        execution.execute(run.pk)
        execution.work_on(run.pk)
    escalate.look(time.now())


def case_of(issue: Issue) -> CompletionCase:
    return CompletionCase.objects.get(issue=issue)


def events(issue: Issue) -> dict[str, str]:
    """Action → state."""
    return dict(EscalationEvent.objects.filter(case__issue=issue).values_list("action", "state"))


def track(repository: Repository, **values: Any) -> None:
    Operation.objects.filter(repository=repository, kind=Kind.TRACK).update(**values)
