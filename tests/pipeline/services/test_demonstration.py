"""The demonstration: installed as often as one likes, kept as people changed it, removed without a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.apps import apps
from django_celery_beat.models import PeriodicTask
from pytest_django.fixtures import Settings

from pipeline.models import AuditEntry, Kind, Mode, Operation, Repository, Source, Specialist, Workflow
from pipeline.services import demonstration, operations
from pipeline.services.credentials import resolve
from pipeline.services.operations import cron_of
from tests.factories import (
    make_ai_call,
    make_api_call,
    make_delivery,
    make_discovery,
    make_effect,
    make_finding,
    make_handover,
    make_issue,
    make_item,
    make_repository,
    make_run,
    make_slot,
    make_transition,
)

URL = "http://127.0.0.1:8765"


@pytest.fixture(autouse=True)
def _data_of_the_test(time: object, settings: Settings, tmp_path: Path) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, data_dir=tmp_path)


def test_shipped_workflows_are_loaded_once_and_edits_kept() -> None:
    demonstration.load_shipped_workflows()
    assert (Workflow.objects.count() >= 6, Specialist.objects.count() >= 3) == (True, True)
    Workflow.objects.filter(slug="osint-research").update(name="Edited", edited_by_hand=True)
    demonstration.load_shipped_workflows()
    assert Workflow.objects.get(slug="osint-research").name == "Edited"


def test_repository_is_marked_and_works_live_by_fast_crons() -> None:
    repository = demonstration.install(URL)
    assert (repository.is_demonstration, repository.api_url) == (True, f"{URL}/api/v3")
    live = Operation.objects.filter(repository=repository, mode=Mode.LIVE, kind__in=demonstration.FAST)
    assert {cron_of(row) for row in live.exclude(kind=Kind.VALIDATE)} == {"* * * * *"}
    assert cron_of(live.get(kind=Kind.VALIDATE)) == "*/2 * * * *"
    assert live.count() == 5
    daily = Operation.objects.get(repository=repository, kind=Kind.DAILY)
    assert (daily.mode, cron_of(daily)) == (Mode.DRY_RUN, "30 6 * * *")


def test_token_is_a_reference_to_a_file_of_its_own() -> None:
    repository = demonstration.install(URL)
    path = Path(repository.token_reference.removeprefix("file:"))
    assert resolve(repository.token_reference) == demonstration.SANDBOX_TOKEN
    assert path.stat().st_mode & 0o777 == 0o600


def test_second_installation_points_elsewhere_and_keeps_what_people_changed() -> None:
    repository = demonstration.install(URL)
    assign = Operation.objects.get(repository=repository, kind=Kind.ASSIGN)
    operations.set_mode(assign, Mode.OFF, actor="olga", reason="Enough.")
    Repository.objects.update(write_spacing_ms=777)
    again = demonstration.install("http://127.0.0.1:9999/")
    assert (again.pk, again.api_url, again.write_spacing_ms) == (repository.pk, "http://127.0.0.1:9999/api/v3", 777)
    assert Operation.objects.get(pk=assign.pk).mode == Mode.OFF
    assert Source.objects.count() == len(demonstration.SOURCES)
    assert {source.url.startswith("http://127.0.0.1:9999/") for source in Source.objects.all()} == {True}


def test_removal_leaves_nothing_but_the_log_and_other_repositories() -> None:
    other = make_repository()
    kept = make_issue(repository=other)
    repository = demonstration.install(URL)
    issue = make_issue(repository=repository, state="copilot")
    run = make_run(operation=Operation.objects.filter(repository=repository)[0])
    item = make_item(run=run, issue=issue)
    make_slot(operation=run.operation, run=run)
    effect = make_effect(item=item)
    make_transition(issue=issue, run_item=item, effect=effect)
    make_handover(issue=issue, effect=effect)
    make_finding(repository=repository, issue=issue)
    make_discovery(source=Source.objects.filter(repository=repository)[0], issue=issue)
    make_api_call(repository=repository, run=run, item=item)
    make_ai_call(repository=repository, run=run)
    make_delivery(repository=repository)
    entries = AuditEntry.objects.count()
    assert demonstration.remove() == 1
    assert list(Repository.objects.all()) == [other]
    left = {model.__name__ for model in apps.get_app_config("pipeline").get_models() if model._default_manager.exists()}
    assert left - {name for name in left if name.startswith("Historical")} == {"Repository", "Issue", "AuditEntry"}
    assert kept.pk
    assert AuditEntry.objects.count() >= entries
    assert not PeriodicTask.objects.filter(task=operations.RING_TASK).exists()


def test_removing_what_is_not_there_removes_nothing() -> None:
    make_repository()
    assert demonstration.remove() == 0
    assert Repository.objects.count() == 1
