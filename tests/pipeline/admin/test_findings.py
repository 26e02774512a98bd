"""Findings over HTTP: counted by check, narrowed down, acknowledged, muted, unmuted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from pipeline import clock
from pipeline.models import AuditEntry, Finding, Kind, Run
from pipeline.views import findings as seen
from tests import factories as make
from tests.pipeline.admin.world import World

LIST = reverse("admin:pipeline_finding_changelist")


@pytest.fixture(autouse=True)
def _now(db: None) -> Iterator[None]:
    with clock.using(clock.VirtualClock(make.MOMENT)):
        yield


def page(name: str, row: Finding) -> str:
    return reverse(f"admin:pipeline_finding_{name}", args=[row.pk])


def muted(**values: Any) -> Finding:
    until = make.MOMENT + timedelta(days=1)
    return make.make_finding(muted_until=until, muted_by="rosa", muted_reason="In work.", **values)


def one_of_each(world: World) -> dict[str, Finding]:
    """A finding in each standing; the world's own is open too."""
    here: dict[str, Any] = {"repository": world.repository, "check_id": "labels.triage"}
    return {
        "open": make.make_finding(message="Still open.", **here),
        "acknowledged": make.make_finding(message="Known of.", acknowledged_at=make.MOMENT, **here),
        "muted": muted(message="Kept quiet.", **here),
        "resolved": make.make_finding(message="Long gone.", resolved_at=make.MOMENT, **here),
    }


@pytest.mark.parametrize(
    ("standing", "shown"),
    [
        ("open", {"open", "acknowledged"}),
        ("acknowledged", {"acknowledged"}),
        ("muted", {"muted"}),
        ("resolved", {"resolved"}),
    ],
)
def test_list_is_narrowed_by_standing(standing: str, shown: set[str], world: World, root: Client) -> None:
    rows = one_of_each(world)
    text = root.get(LIST, {"standing": standing, "check_id__exact": "labels.triage"}).content.decode()
    assert {name for name, row in rows.items() if row.message in text} == shown


def test_checks_are_counted_above_the_list_with_the_muted_apart(world: World, root: Client) -> None:
    one_of_each(world)
    tallies = {one.check: one for one in seen.tallies(clock.now())}
    assert (tallies["labels.triage"].open, tallies["labels.triage"].muted) == (2, 1)
    assert tallies["labels.triage"].title in root.get(LIST).content.decode()


def test_list_says_when_nobody_has_looked_yet(world: World, root: Client) -> None:
    Finding.objects.all().delete()
    text = root.get(LIST).content.decode()
    assert "Validation has not run yet" in text
    assert "Nothing is wrong" not in text


def test_empty_list_says_when_the_last_sweep_was(world: World, root: Client) -> None:
    Finding.objects.all().delete()
    operation = world.repository.operations.get(kind=Kind.VALIDATE)
    run = make.make_run(operation=operation, state=Run.State.SUCCEEDED)
    make.make_run(operation=operation, state=Run.State.FAILED)
    text = root.get(LIST).content.decode()
    assert "Nothing is wrong" in text
    assert f"run {run.pk} " in text


def test_overview_and_status_leave_muted_ones_out(world: World, root: Client) -> None:
    there = Finding.objects.count()
    muted(repository=world.repository, severity=Finding.Severity.CRITICAL, message="Kept quiet.")
    text = root.get("/admin/").content.decode()
    assert f">{there} open finding<" in text
    assert "Kept quiet." not in text
    said = StringIO()
    call_command("status", stdout=said)
    assert f"Open findings {there}," in said.getvalue()


def test_page_says_what_the_check_is_and_what_a_repair_would_change(world: World, root: Client) -> None:
    row = make.make_finding(repository=world.repository, issue=world.issue, check_id="labels.triage")
    run = make.make_run(operation=world.repository.operations.get(kind=Kind.VALIDATE), state=Run.State.SUCCEEDED)
    item = make.make_item(run=run, issue=world.issue, state="planned")
    make.make_effect(item=item, diff="- label monitor::triage")
    text = root.get(page("change", row)).content.decode()
    check = seen.explained("labels.triage")
    assert check.repairs
    assert "- label monitor::triage" in text
    assert reverse("admin:pipeline_run_change", args=[run.pk]) in text


def test_page_tells_of_earlier_times(world: World, root: Client) -> None:
    before = make.make_finding(repository=world.repository, fingerprint="f" * 64, resolved_at=make.MOMENT)
    row = make.make_finding(repository=world.repository, fingerprint="f" * 64)
    assert reverse("admin:pipeline_finding_change", args=[before.pk]) in root.get(page("change", row)).content.decode()


def test_acknowledging_asks_for_a_note_and_is_audited(world: World, root: Client) -> None:
    row = world.finding
    assert root.post(page("acknowledge", row), {"reason": ""}).status_code == 200
    answer = root.post(page("acknowledge", row), {"reason": "Rosa is on it."}, follow=True)
    row.refresh_from_db()
    assert (row.acknowledged_by, row.acknowledged_note) == ("root", "Rosa is on it.")
    text = answer.content.decode()
    assert "finding.acknowledged" in text
    assert "Acknowledge …" not in text


def test_muting_takes_an_end_in_utc_and_unmuting_ends_it(world: World, root: Client) -> None:
    row = world.finding
    until = make.MOMENT + timedelta(days=3)
    root.post(page("mute", row), {"until": until.strftime("%Y-%m-%dT%H:%M"), "reason": "Known."})
    row.refresh_from_db()
    assert (row.muted_until, row.muted_by) == (until, "root")
    assert "Unmute …" in root.get(page("change", row)).content.decode()
    root.post(page("unmute", row), {"reason": "It is worse than thought."})
    row.refresh_from_db()
    assert row.muted_until is None
    assert AuditEntry.objects.filter(action__in=("finding.muted", "finding.unmuted")).count() == 2


@pytest.mark.parametrize("days", [-1, 400])
def test_mute_without_a_sensible_end_is_refused_in_a_sentence(days: int, world: World, root: Client) -> None:
    until = (make.MOMENT + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")
    answer = root.post(page("mute", world.finding), {"until": until, "reason": "Known."})
    assert "choose" in answer.content.decode()
    world.finding.refresh_from_db()
    assert world.finding.muted_until is None


def test_resolved_finding_offers_nothing_and_takes_nothing(world: World, root: Client) -> None:
    row = make.make_finding(repository=world.repository, resolved_at=make.MOMENT)
    text = root.get(page("change", row)).content.decode()
    assert "Acknowledge …" not in text
    assert "Mute until …" not in text
    root.post(page("acknowledge", row), {"reason": "Too late."})
    row.refresh_from_db()
    assert row.acknowledged_at is None


def test_report_shows_what_github_shows_and_what_is_open(world: World, root: Client) -> None:
    row = make.make_finding(repository=world.repository, check_id=world.report.group, message="Two states.")
    text = root.get(reverse("admin:pipeline_problemreport_change", args=[world.report.pk])).content.decode()
    assert "Two states." in text
    assert "<script>window.hacked" not in text
    assert reverse("admin:pipeline_problemreport_change", args=[world.report.pk]) in (
        root.get(page("change", row)).content.decode()
    )
