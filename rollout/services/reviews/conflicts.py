"""No one reviews what they wrote or triaged: who had a hand in an issue, as far as anything of ours knows.

By user name and by GitHub login, without regard to case. GitHub does not tell us who edited a body; whoever edited
the guidance there declines the review.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import Q

from pipeline.models import Issue, Kind, Run, RunItem
from rollout.models import TeamMember
from rollout.services import record

BY_ITSELF = ("", "schedule")


def barred(issue: Issue, members: Iterable[TeamMember]) -> dict[str, str]:
    """User name → why not, for those of `members` who may not review this issue."""
    had = _hands(issue)
    found: dict[str, str] = {}
    for member in members:
        names = {member.user.get_username().casefold(), member.github_login.casefold()} - {""}
        why = next((why for name, why in had if name in names), "")
        if why:
            found[member.user.get_username()] = why
    return found


def of_person(issue: Issue, user: User) -> str:
    """Why this person may not review or judge this issue, by every login a team knows of them; empty: they may."""
    rows = list(TeamMember.objects.filter(user=user).select_related("user")) or [TeamMember(user=user)]
    return barred(issue, rows).get(user.get_username(), "")


def _hands(issue: Issue) -> list[tuple[str, str]]:
    """(name in lower case, what they did), the most telling first."""
    found = [(str(issue.author.get("login", "")), "wrote the issue")] if issue.author.get("kind") != "Bot" else []
    found += [
        (str(actor.get("login", "")), "is assigned to the issue")
        for actor in issue.assignees
        if actor.get("kind") != "Bot"
    ]
    for run in _runs(issue):
        found.append((run.requested_by, _did(run)))
        if run.source_run is not None:
            found.append((run.source_run.requested_by, f"asked for the {run.source_run.kind} run that was applied"))
    return [(name.casefold(), why) for name, why in found if name not in BY_ITSELF and not record.is_rule(name)]


def _runs(issue: Issue) -> Iterable[Run]:
    """Runs that changed this issue or decided about it."""
    worked = RunItem.objects.filter(issue=issue, live=True).filter(
        Q(state=RunItem.State.DONE) | Q(effects__isnull=False)
    )
    return Run.objects.filter(items__in=worked).select_related("source_run").distinct().order_by("pk")


def _did(run: Run) -> str:
    if run.kind == Kind.TRIAGE:
        return "triaged the issue"
    if run.purpose == Run.Purpose.APPLY:
        return f"applied the plan of its {run.kind} run"
    return f"asked for its {run.kind} run"
