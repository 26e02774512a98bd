"""A governed repository: paused and resumed by people, found archived by us, its facts kept fresh."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from pipeline import clock
from pipeline.github.port import GitHub
from pipeline.models import Repository
from pipeline.services import audit, labels
from pipeline.services.connect import check_token
from pipeline.services.operations import NotPossible

FRESH = timedelta(hours=1)


@transaction.atomic
def set_standing(repository: Repository, standing: str, *, actor: str, reason: str) -> None:
    """Pause, resume, or note as archived. While it is not active nothing is written to it, reverting aside."""
    if standing not in Repository.Standing.values:
        raise NotPossible(f"There is no standing {standing!r}; choose one of {', '.join(Repository.Standing.values)}.")
    before = Repository.objects.select_for_update().get(pk=repository.pk).standing
    if before == standing:
        return
    repository.standing, repository.standing_reason = standing, reason[:300]
    repository.save(update_fields=["standing", "standing_reason"])
    audit.append(
        actor=actor,
        action="repository.standing",
        subject=str(repository),
        reason=reason,
        before={"standing": before},
        after={"standing": standing},
    )


def refresh(repository: Repository, github: GitHub) -> None:
    """Once an hour: whose token it is, whether the repository was archived, its labels. Raises GitHubError."""
    now = clock.now()
    if repository.token_checked_at is not None and now - repository.token_checked_at < FRESH:
        return
    check_token(repository)
    facts = github.repository()
    if facts.archived and repository.standing == Repository.Standing.ACTIVE:
        sentence = "GitHub shows the repository as archived; unarchive it there, then set it active here."
        set_standing(repository, Repository.Standing.ARCHIVED, actor="rule:archived", reason=sentence)
    labels.relearn(repository, github)
