"""All screens: they open, they escape, they ask few questions of the database, they say what to do when empty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from unfold.admin import ModelAdmin

from pipeline import clock
from pipeline.models import AuditEntry, Issue, Operation, Repository
from pipeline.services import operations
from tests import factories as make
from tests.pipeline.admin.world import World, run_with_item

MOST_QUERIES = 20  # sessions, users, permissions, counts and filters included; rows must add none


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_every_registered_screen_is_in_the_theme() -> None:
    plain = [model for model, screen in admin.site._registry.items() if not isinstance(screen, ModelAdmin)]

    assert plain == []


def test_no_screen_acts_on_many_rows_without_asking(world: World, root: Client) -> None:
    for address in world.lists():
        assert b'name="action"' not in root.get(address).content, address


def test_hostile_text_is_nowhere_live(world: World, root: Client) -> None:
    for address in [*world.lists(), *world.pages()]:
        text = root.get(address, follow=True).content.decode()
        assert "<script>window.hacked" not in text, address
        assert "<img src=x" not in text, address
        assert 'href="javascript:' not in text, address


def test_issue_sections_are_rendered_safely(world: World, root: Client) -> None:
    text = root.get(reverse("admin:pipeline_issue_change", args=[world.issue.pk])).content.decode()

    assert "<h2>AI Assessment</h2>" in text
    assert '<a href="https://ok.example/" rel="noopener noreferrer nofollow">b</a>' in text
    assert "evil.example/x.png" not in text or "<img" not in text


def test_issue_of_one_megabyte_title_is_listed_short(world: World, root: Client) -> None:
    Issue.objects.filter(pk=world.issue.pk).update(title="A" * 1_000_000)

    response = root.get(reverse("admin:pipeline_issue_changelist"))

    assert response.status_code == 200
    assert len(response.content) < 300_000


@pytest.mark.parametrize(
    "model", ["issue", "run", "slot", "discovery", "handover", "finding", "problemreport", "operation", "apicall"]
)
def test_list_asks_no_more_for_more_rows(model: str, world: World, root: Client) -> None:
    address = reverse(f"admin:pipeline_{model}_changelist")
    root.get(address)
    few = queries(root, address)
    for _ in range(8):
        more(world)

    assert queries(root, address) <= few
    assert few <= MOST_QUERIES


def more(world: World) -> None:
    """One more row for most lists, each with its own relations."""
    workflow = make.make_workflow()
    issue = make.make_issue(repository=world.repository, workflow=workflow, specialist=workflow.specialist)
    run = run_with_item(make.make_operation(cron="0 * * * *", repository=world.repository), issue, "dry_run")
    make.make_slot(operation=run.operation, run=run)
    make.make_discovery(source=world.source, issue=issue)
    make.make_handover(issue=issue)
    make.make_finding(repository=world.repository, issue=issue)
    make.make_problem_report(repository=world.repository, group=f"check-{issue.number}")
    make.make_api_call(repository=world.repository, run=run)


def test_overview_asks_no_more_for_more_operations(world: World, root: Client) -> None:
    few = queries(root, "/admin/")
    for _ in range(5):
        more(world)

    assert queries(root, "/admin/") <= few


def test_run_page_asks_no_more_for_more_items(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_run_change", args=[world.dry_run.pk])
    few = queries(root, address)
    for _ in range(5):
        make.make_effect(item=make.make_item(run=world.dry_run, state="planned"), diff="+ label a")

    assert queries(root, address) <= few


def test_empty_lists_say_what_to_do_next(db: None, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    for name, words in {
        "issue": "or run the operation",
        "run": "by “Run now”",
        "repository": "its operations come with it",
        "workflow": "manage.py workflows import",
        "webhookdelivery": "/webhooks/github",
    }.items():
        assert words in client.get(reverse(f"admin:pipeline_{name}_changelist")).content.decode(), name


def test_search_without_result_says_so(world: World, root: Client) -> None:
    assert "No rows match" in root.get(reverse("admin:pipeline_issue_changelist"), {"q": "zebra"}).content.decode()


def test_filters_narrow_the_list(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_issue_changelist")
    Issue.objects.filter(pk=world.issue.pk).update(clarification_reason="Two workflows fit.", due_at=make.MOMENT)

    for query in ({"state__exact": "discovery"}, {"clarification": "yes"}, {"overdue": "yes"}, {"q": "convoy"}):
        assert root.get(address, query).context["cl"].result_count == 1, query
    assert root.get(address, {"state__exact": "done"}).context["cl"].result_count == 0


def test_time_is_relative_with_utc_in_the_title(world: World, root: Client) -> None:
    text = root.get(reverse("admin:pipeline_issue_changelist")).content.decode()

    assert 'title="2026-11-02 08:00:00 UTC"' in text


def test_records_cannot_be_changed_even_by_a_superuser(world: World, root: Client) -> None:
    for row in (world.issue, world.dry_run, world.audit, world.finding, world.slot):
        address = reverse(f"admin:pipeline_{row._meta.model_name}_delete", args=[row.pk])
        assert root.post(address, {"post": "yes"}).status_code == 403
        row.refresh_from_db()


def test_edit_without_reason_is_refused(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_source_change", args=[world.source.pk])
    answer = {"repository": world.repository.pk, "name": "Renamed", "kind": "feed", "url": world.source.url}

    assert b"This field is required." in root.post(address, answer).content
    world.source.refresh_from_db()
    assert world.source.name != "Renamed"


def test_source_that_would_set_a_state_is_refused(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_source_change", args=[world.source.pk])
    answer = {"repository": world.repository.pk, "name": "Port news", "kind": "feed", "url": world.source.url}
    page = root.post(address, {**answer, "labels": "State::Done", "reason": "New name."}).content.decode()
    assert "leave the labels state::… to the pipeline" in page


def test_edit_with_reason_is_saved_and_written_down(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_source_change", args=[world.source.pk])
    answer = {"repository": world.repository.pk, "name": "Port news", "kind": "feed", "url": world.source.url}

    assert root.post(address, {**answer, "labels": "harbour\n\nport\n", "reason": "New name."}).status_code == 302
    world.source.refresh_from_db()
    entry = AuditEntry.objects.first()
    assert (world.source.name, world.source.labels) == ("Port news", ["harbour", "port"])
    assert entry is not None
    assert (entry.action, entry.actor, entry.reason) == ("source.changed", "root", "New name.")
    assert entry.after["name"] == "Port news"
    assert world.source.history.first().history_change_reason == "New name."


def test_new_repository_brings_its_operations_in_dry_run(world: World, root: Client) -> None:
    page = root.get(reverse("admin:pipeline_repository_add"))
    answer = {field.name: field.value() or "" for field in page.context["adminform"].form}

    answer |= {"full_name": "acme/new", "reason": "A second one."}
    response = root.post(reverse("admin:pipeline_repository_add"), answer)
    assert response.status_code == 302, response.context["errors"]

    repository = Repository.objects.get(full_name="acme/new")
    assert set(repository.operations.exclude(kind="sync").values_list("mode", flat=True)) == {"dry_run"}


def test_new_person_is_written_down_without_password(world: World, root: Client) -> None:
    answer = {"username": "rita", "password1": "a-long-secret-1", "password2": "a-long-secret-1", "reason": "Joins."}

    root.post(reverse("admin:auth_user_add"), {**answer, "usable_password": "true"})

    entry = AuditEntry.objects.first()
    assert User.objects.filter(username="rita").exists()
    assert entry is not None
    assert entry.action == "user.added"
    assert "secret" not in str(entry.after)


def test_beat_schedule_with_both_days_is_refused(world: World, root: Client) -> None:
    address = reverse("admin:django_celery_beat_crontabschedule_change", args=[world.crontab.pk])
    answer = {"minute": "0", "hour": "0", "day_of_month": "1", "month_of_year": "*", "day_of_week": "1"}

    page = root.post(address, {**answer, "timezone": "UTC", "reason": "Mondays."}).content.decode()

    assert "sets both day of month and day of week" in page


def test_beat_schedule_that_is_edited_is_written_down_for_its_operation(world: World, root: Client) -> None:
    address = reverse("admin:django_celery_beat_crontabschedule_change", args=[world.crontab.pk])
    answer = {"minute": "7", "hour": "3", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    inline = {f"periodictask_set-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}

    saved = root.post(address, {**answer, **inline, "timezone": "UTC", "reason": "At night."})

    assert saved.status_code == 302
    entry = AuditEntry.objects.get(action="operation.cron", subject=str(world.operation))
    assert (entry.actor, entry.reason, entry.after) == ("root", "At night.", {"cron": "7 3 * * *"})


FIVE = {"minute": "0", "hour": "6", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}


def test_beat_schedule_in_another_zone_is_refused(world: World, root: Client) -> None:
    address = reverse("admin:django_celery_beat_crontabschedule_change", args=[world.crontab.pk])

    page = root.post(address, {**FIVE, "timezone": "Europe/Paris", "reason": "Local."}).content.decode()

    assert "choose the time zone UTC" in page


def test_fire_times_before_a_change_in_beats_own_screen_are_not_owed(world: World, root: Client) -> None:
    Operation.objects.filter(pk=world.operation.pk).update(slots_since=make.MOMENT - timedelta(days=9))
    address = reverse("admin:django_celery_beat_crontabschedule_change", args=[world.crontab.pk])
    management = {f"periodictask_set-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}

    root.post(address, {**FIVE, **management, "timezone": "UTC", "reason": "Later."})

    world.operation.refresh_from_db()
    assert operations.cron_of(Operation.objects.get(pk=world.operation.pk)) == "0 6 * * *"
    assert world.operation.slots_since is not None
    assert abs(world.operation.slots_since - clock.now()) < timedelta(minutes=1)


def test_page_carries_the_strict_content_policy(root: Client, as_role: Callable[[str], Client]) -> None:
    policy = root.get("/admin/")["Content-Security-Policy"]

    assert "unsafe-eval" not in policy
    assert "'nonce-" in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
