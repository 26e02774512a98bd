"""The pages of escalation in headless chromium: axe in light and dark, no overflow on a phone, a snooze by keyboard."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from rollout.models import ClockPause
from rollout.services.escalation import rules
from tests.pipeline.admin.test_browser import DESK, OVERFLOW, PHONE, Visitor, browser, visitor
from tests.rollout.admin.addresses import page
from tests.rollout.admin.test_reviews_browser import violations
from tests.rollout.admin.world import World

__all__ = ["browser", "visitor"]  # fixtures
pytestmark = pytest.mark.browser


def pages(world: World) -> list[str]:
    rules.ship()
    rows = (world.case, world.manual_review, world.escalation_rule)
    found = [page("completioncase_overdue")]
    found += [page(f"{row._meta.model_name}_changelist") for row in rows]
    found += [page(f"{row._meta.model_name}_change", row.pk) for row in rows]
    return [*found, page("completioncase_snooze", world.case.pk), page("manualreview_settle", world.manual_review.pk)]


def test_pages_satisfy_axe_in_light_and_dark_and_fit_a_phone(world: World, visitor: Visitor) -> None:
    found: dict[str, object] = {}
    for path in pages(world):
        opened = visitor.open(path)
        for scheme, size in (("light", DESK), ("dark", PHONE)):
            opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of playwright's two words
            opened.set_viewport_size(size)
            if wrong := violations(opened):
                found[f"{path} {scheme}"] = wrong
            if opened.evaluate(OVERFLOW) > 0:
                found[f"{path} {size['width']}"] = "wider than the page"
    assert found == {}
    assert opened.evaluate("window.hacked") is None


def test_case_is_snoozed_from_the_board_by_keyboard_alone(world: World, visitor: Visitor) -> None:
    world.case.pauses.filter(kind="snoozed").update(until=timezone.now())
    opened = visitor.open(page("completioncase_overdue"))
    opened.get_by_role("link", name=f"Snooze … #{world.case.issue.number}").focus()
    opened.keyboard.press("Enter")
    opened.get_by_label("For how many days").fill("4")
    opened.get_by_label("Reason").focus()
    opened.keyboard.type("It is a holiday.")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")

    expect(opened.get_by_text("The case is snoozed.")).to_be_visible()
    assert ClockPause.objects.filter(reason="It is a holiday.").exists()
