"""A repository's standing: what people set, and what GitHub shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline import clock
from pipeline.models import AuditEntry, Repository, RepositoryLabel
from pipeline.services import repositories
from tests.factories import make_repository
from tests.fake_github import FakeGitHub


@pytest.fixture
def archived(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    shown = replace(github.repository(), archived=True)
    monkeypatch.setattr(github, "repository", lambda: shown)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    return github


def test_archived_repository_is_found_and_its_sentence_written_down(archived: FakeGitHub) -> None:
    repository = make_repository()
    repositories.refresh(repository, archived)
    repository.refresh_from_db()
    assert repository.standing == Repository.Standing.ARCHIVED
    assert repository.standing_reason == (
        "GitHub shows the repository as archived; unarchive it there, then set it active here."
    )
    assert AuditEntry.objects.get(action="repository.standing").actor == "rule:archived"


def test_repository_that_a_person_paused_stays_paused(archived: FakeGitHub) -> None:
    repository = make_repository(standing="paused", standing_reason="Holiday.")
    repositories.refresh(repository, archived)
    repository.refresh_from_db()
    assert (repository.standing, repository.standing_reason) == ("paused", "Holiday.")


def test_labels_are_learned_anew_with_the_facts(archived: FakeGitHub) -> None:
    repository = make_repository()
    RepositoryLabel.objects.create(repository=repository, name="state::done", node_id="LA_old")
    archived.names = {"state::done": "LA_new"}
    repositories.refresh(repository, archived)
    assert RepositoryLabel.objects.get().node_id == "LA_new"


def test_facts_are_asked_for_once_an_hour(archived: FakeGitHub, time: clock.VirtualClock) -> None:
    repository = make_repository(token_checked_at=clock.now())
    time.advance(timedelta(minutes=59))
    repositories.refresh(repository, archived)
    assert repository.standing == Repository.Standing.ACTIVE
    time.advance(timedelta(minutes=1))
    repositories.refresh(repository, archived)
    assert repository.standing == Repository.Standing.ARCHIVED
