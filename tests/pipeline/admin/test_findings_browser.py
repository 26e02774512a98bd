"""The pages of findings in headless chromium: axe in light and dark, a phone, and the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect

from pipeline.models import Kind, Run
from tests import factories as make
from tests.pipeline.admin.test_browser import OVERFLOW, PHONE, Visitor, browser, visitor
from tests.pipeline.admin.world import World

__all__ = ["browser", "visitor"]  # fixtures
pytestmark = pytest.mark.browser
AXE = (Path(settings.BASE_DIR) / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page) -> list[tuple[str, str]]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]


def addresses(world: World) -> list[str]:
    row = make.make_finding(repository=world.repository, issue=world.issue, check_id="labels.triage", detail={"a": 1})
    run = make.make_run(operation=world.repository.operations.get(kind=Kind.VALIDATE), state=Run.State.SUCCEEDED)
    item = make.make_item(run=run, issue=world.issue, state="planned")
    make.make_effect(item=item, diff="- label monitor::triage")
    questions = [reverse(f"admin:pipeline_finding_{name}", args=[row.pk]) for name in ("acknowledge", "mute")]
    return [
        reverse("admin:pipeline_finding_changelist"),
        reverse("admin:pipeline_finding_change", args=[row.pk]),
        *questions,
        reverse("admin:pipeline_problemreport_changelist"),
        reverse("admin:pipeline_problemreport_change", args=[world.report.pk]),
    ]


def test_pages_pass_axe_in_light_and_dark_and_fit_a_phone(world: World, visitor: Visitor) -> None:
    found = []
    for path in addresses(world):
        page = visitor.open(path)
        for scheme in ("light", "dark"):
            page.evaluate("scheme => document.documentElement.classList.toggle('dark', scheme === 'dark')", scheme)
            found += [(path, scheme, *one) for one in violations(page)]
        page.set_viewport_size(PHONE)
        assert page.evaluate(OVERFLOW) <= 0, path
    assert found == []
    assert page.evaluate("window.hacked") is None


def test_finding_is_acknowledged_and_muted_from_the_keyboard(world: World, visitor: Visitor) -> None:
    page = visitor.open(reverse("admin:pipeline_finding_change", args=[world.finding.pk]))
    page.get_by_role("link", name="Acknowledge …").press("Enter")
    page.get_by_label("Reason").press_sequentially("Rosa is on it.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The finding is acknowledged.")).to_be_visible()
    page.get_by_role("link", name="Mute until …").press("Enter")
    page.get_by_label("Reason").press_sequentially("Known.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The finding is muted.")).to_be_visible()
    world.finding.refresh_from_db()
    assert world.finding.muted_until is not None
