"""Operations: schedule in words, the next fire times, and every knob with its reason."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from pipeline.models import AuditEntry, Run
from tests.pipeline.admin.world import World


def page(client: Client, world: World) -> str:
    return client.get(reverse("admin:pipeline_operation_change", args=[world.operation.pk])).content.decode()


def post(client: Client, world: World, name: str, **answer: object) -> str:
    address = reverse(f"admin:pipeline_operation_{name}", args=[world.operation.pk])
    return client.post(address, answer, follow=True).content.decode()


def test_page_shows_cron_words_and_ten_fire_times(world: World, root: Client) -> None:
    text = page(root, world)

    assert "Every 2 hours, UTC" in text
    assert text.count("00 UTC</span>") >= 10


def test_saved_cron_reaches_the_beat_entry_and_the_audit_log(world: World, root: Client) -> None:
    text = post(root, world, "cron", cron="5 */4 * * *", reason="Four hours are enough.")

    world.operation.periodic_task.refresh_from_db()  # type: ignore[union-attr]
    assert world.operation.periodic_task.crontab.hour == "*/4"  # type: ignore[union-attr]
    assert "At 5 minutes past the hour, every 4 hours, UTC" in text
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.actor, entry.reason, entry.after) == ("root", "Four hours are enough.", {"cron": "5 */4 * * *"})


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 0 1 * 1", "sets both day of month and day of week"),
        ("every two hours", "has 3 fields; write five"),
        ("61 * * * *", "cannot be read"),
        ("<script>alert(1)</script> * * * *", "cannot be read"),
    ],
)
def test_bad_cron_is_refused_in_a_sentence_and_changes_nothing(
    cron: str, words: str, world: World, root: Client
) -> None:
    text = post(root, world, "cron", cron=cron, reason="Why not.")

    assert words in text
    assert "<script>alert(1)" not in text
    world.operation.refresh_from_db()
    assert world.operation.periodic_task.crontab.hour == "*/2"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["mode", "limit", "cron", "run", "settings"])
def test_knob_without_reason_is_refused(name: str, world: World, root: Client) -> None:
    before = AuditEntry.objects.count()

    text = post(root, world, name, mode="off", limit=3, cron="0 0 * * *", reason="  ")

    assert "This field is required." in text
    assert AuditEntry.objects.count() == before


def test_mode_is_changed_with_actor_and_reason(world: World, root: Client) -> None:
    post(root, world, "mode", mode="live", reason="Week 2 begins.")

    world.operation.refresh_from_db()
    entry = AuditEntry.objects.first()
    assert world.operation.mode == "live"
    assert entry is not None
    assert (entry.actor, entry.reason) == ("root", "Week 2 begins.")


def test_limit_out_of_range_is_refused(world: World, root: Client) -> None:
    assert "less than or equal to 1000" in post(root, world, "limit", limit=5000, reason="More.")
    world.operation.refresh_from_db()
    assert world.operation.limit == 10


def test_settings_are_saved_with_before_and_after(world: World, root: Client) -> None:
    answer = {
        "concurrency_group": "assign",
        "overlap": "allow",
        "timeout": "00:45:00",
        "catch_up": "none",
        "catch_up_within": "12:00:00",
        "continue_on_error": "on",
    }
    post(root, world, "settings", reason="Long runs.", **answer)

    world.operation.refresh_from_db()
    entry = AuditEntry.objects.first()
    assert world.operation.timeout.total_seconds() == 45 * 60
    assert entry is not None
    assert entry.before["overlap"] == "skip"
    assert entry.after["overlap"] == "allow"


def test_run_now_opens_a_run_and_goes_to_its_page(world: World, root: Client) -> None:
    text = post(root, world, "run", mode="dry_run", reason="A look.")

    run = Run.objects.latest("pk")
    assert (run.purpose, run.mode, run.requested_by, run.reason) == ("manual", "dry_run", "root", "A look.")
    assert "About this run" in text


def test_refusal_of_a_service_is_shown_as_its_sentence(world: World, root: Client) -> None:
    post(root, world, "run", mode="dry_run", reason="First.")

    assert "is still active; wait for it or cancel it." in post(root, world, "run", mode="dry_run", reason="Second.")


def test_part_of_the_daily_operation_has_its_own_switch(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_operationpart_mode", args=[world.part.pk])

    response = root.post(address, {"mode": "live", "reason": "Monitoring first."}, follow=True)

    world.part.refresh_from_db()
    assert world.part.mode == "live"
    assert response.request["PATH_INFO"] == reverse("admin:pipeline_operation_change", args=[world.daily.pk])
