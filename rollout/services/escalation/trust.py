"""Whether the clock may be believed: when we looked, and whether GitHub's own clock agrees. Kept as heartbeats."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline import clock
from pipeline.github.port import GitHubError
from pipeline.models import Heartbeat, Repository
from pipeline.services.connect import connect
from rollout.domain import escalation
from rollout.domain.escalation import Looks

LOOKED, SETTLED = "escalation looked", "escalation settled since"
DIFFERED, NOT_TOLD = "escalation clock differed", "escalation clock not told"  # and the server's mark
log = logging.getLogger(__name__)


def look(now: datetime) -> Looks:
    """Note this look."""
    looks = escalation.looked(_last(), now)
    _note(LOOKED, looks.last)
    _note(SETTLED, looks.settled_since)
    return looks


def why_not(looks: Looks, server: str, repositories: Iterable[Repository]) -> str:
    """Why nothing fires for these repositories of one server, in one sentence, or an empty text. Asks GitHub once."""
    if problem := escalation.unsettled(looks):
        return problem
    apart = _apart(repositories)
    problem = escalation.distrust(looks, apart)
    mark = hashlib.sha256(server.encode()).hexdigest()[:8]
    told = (f"{DIFFERED} {mark}", f"{NOT_TOLD} {mark}")
    if not problem:
        Heartbeat.objects.filter(name__in=told).delete()
        return ""
    if _note(told[apart is None], looks.last):  # said once, not every minute
        log.warning("escalation waits", extra={"cause": problem, "server": server})
    return problem


def standing(now: datetime) -> str:
    """For people: why nothing is escalated at the moment, or an empty text. Asks nobody."""
    looks = _last()
    if looks is None or now - looks.last > escalation.LONGEST_GAP:
        return "Nobody has looked for overdue issues for an hour; see whether the control plane's beat and workers run."
    if problem := escalation.unsettled(looks):
        return problem
    differed = Heartbeat.objects.filter(name__startswith=DIFFERED).first()
    if differed is not None:
        return (
            f"At {differed.beaten_at:%Y-%m-%d %H:%M} UTC our clock and GitHub's were more than 5 minutes apart; "
            "nothing is escalated until they agree. Set the clock of this machine."
        )
    not_told = Heartbeat.objects.filter(name__startswith=NOT_TOLD).exists()
    return escalation.distrust(looks, None) if not_told else ""


def _last() -> Looks | None:
    noted = dict(Heartbeat.objects.filter(name__in=(LOOKED, SETTLED)).values_list("name", "beaten_at"))
    return Looks(noted[LOOKED], noted[SETTLED]) if len(noted) == 2 else None


def _apart(repositories: Iterable[Repository]) -> timedelta | None:
    """Our clock less GitHub's, by the first repository whose credentials get an answer."""
    for repository in repositories:
        try:
            told = connect(repository).server_time()
        except GitHubError as error:
            log.info("GitHub did not tell its time", extra={"repository": repository.pk, "cause": str(error)})
            continue
        return clock.now() - told
    return None


def _note(name: str, moment: datetime) -> bool:
    """Whether it was not there before."""
    return Heartbeat.objects.update_or_create(name=name, defaults={"beaten_at": moment})[1]
