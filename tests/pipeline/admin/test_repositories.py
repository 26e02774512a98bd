"""Repositories: token health, quota left, and the two things that a person may ask for."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from pipeline.admin.repositories import RepositoryForm
from pipeline.models import AuditEntry, Repository, Run
from pipeline.services import credentials
from tests import factories as make
from tests.pipeline.admin.world import World


def test_list_shows_the_quota_of_each_token(world: World, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "token-for-tests")
    make.make_token_budget(token_key=credentials.token_key("token-for-tests"), limit=5000, remaining=4200)

    assert "4,200 of 5,000 (84 %)" in root.get(reverse("admin:pipeline_repository_changelist")).content.decode()


def test_problems_of_token_and_synchronisation_are_said_first(world: World, root: Client) -> None:
    Repository.objects.filter(pk=world.repository.pk).update(token_problem="It expired.", sync_problem="404 seen.")

    text = root.get(reverse("admin:pipeline_repository_change", args=[world.repository.pk])).content.decode()

    assert "Token: It expired." in text
    assert "Last synchronisation: 404 seen." in text


@pytest.mark.django_db
def test_label_prefix_with_which_a_label_is_too_long_is_refused() -> None:
    make.make_workflow(slug="w" * 35)
    form = RepositoryForm({"full_name": "acme/watch", "label_prefix": "acme::"})
    assert "has 51 characters and GitHub takes 50" in str(form.errors["label_prefix"])


@pytest.mark.django_db
@pytest.mark.parametrize(("api", "refused"), [("https://git.example/api/v3", True), ("https://api.github.com/", False)])
def test_own_server_needs_its_own_web_address(api: str, refused: bool) -> None:
    form = RepositoryForm({"full_name": "acme/watch", "api_url": api, "web_url": "https://github.com/"})
    assert ("write where people read its issues" in str(form.errors.get("web_url"))) is refused


def test_synchronise_now_opens_a_run_with_its_reason(world: World, root: Client) -> None:
    root.post(reverse("admin:pipeline_repository_sync", args=[world.repository.pk]), {"reason": "A label was fixed."})

    run = Run.objects.latest("pk")
    assert (run.kind, run.purpose, run.reason) == ("sync", "manual", "A label was fixed.")


def test_missing_token_is_told_and_the_check_is_written_down(
    world: World, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    address = reverse("admin:pipeline_repository_token", args=[world.repository.pk])

    text = root.post(address, {"reason": "It was renewed."}, follow=True).content.decode()

    assert "GITHUB_TOKEN is empty" in text
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.reason) == ("repository.token_checked", "It was renewed.")
