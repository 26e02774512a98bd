"""Every page of the rollout in headless chromium under the strict content policy, on a desk and on a phone."""

from __future__ import annotations

import pytest
from django.contrib import admin
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from rollout.models import Hold, Rollback
from rollout.services import stop_links
from tests.pipeline.admin.test_browser import DESK, OVERFLOW, PHONE, Visitor, browser, visitor
from tests.rollout.admin.addresses import every, page
from tests.rollout.admin.world import World

__all__ = ["browser", "visitor"]  # fixtures
pytestmark = pytest.mark.browser


def test_every_registered_screen_is_visited(world: World) -> None:
    visited = set(world.lists())

    for model in admin.site._registry:
        if model._meta.app_label == "rollout":
            assert page(f"{model._meta.model_name}_changelist") in visited


def test_every_page_is_quiet_and_fits_desk_and_phone(world: World, visitor: Visitor) -> None:
    wide = []
    for path in every(world):
        opened = visitor.open(path)
        for size in (PHONE, DESK):
            opened.set_viewport_size(size)
            if opened.evaluate(OVERFLOW) > 0:
                wide.append((path, size["width"]))
        assert visitor.complaints == [], path
    assert wide == []
    assert opened.evaluate("window.hacked") is None


def test_rolling_back_needs_the_word_and_cancel_has_the_focus(world: World, visitor: Visitor) -> None:
    opened = visitor.open(page("rollout_roll_back", world.rollout.pk) + "?step=1.2")

    expect(opened.get_by_role("link", name="Cancel")).to_be_focused()
    opened.get_by_label("Reason").fill("The guidance got worse.")
    opened.get_by_label("Type 1.2 to confirm").fill("1.1")
    opened.get_by_role("button", name="Roll back").click()
    expect(opened.get_by_text("nothing was rolled back")).to_be_visible()
    assert not Rollback.objects.filter(is_drill=False).exists()

    opened.get_by_label("Type 1.2 to confirm").fill("1.2")
    opened.get_by_role("button", name="Roll back").click()

    expect(opened.get_by_text("this page shows each step")).to_be_visible()
    assert Rollback.objects.filter(is_drill=False, step="1.2").exists()


def test_hold_by_link_on_a_phone(world: World, browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    visitor = Visitor(context.new_page(), live_server.url)
    address = stop_links.address(world.rollout)
    opened = visitor.open(address[address.index("/stop/") :])

    opened.get_by_label("Your name").fill("Nina")
    opened.get_by_label("Why").fill("The labels look wrong.")
    assert opened.evaluate(OVERFLOW) == 0
    opened.get_by_role("button", name="Stop now").click()

    expect(opened.get_by_text("is held")).to_be_visible()
    assert Hold.objects.filter(operation="", by="signed link").exists()
    assert visitor.complaints == []
    context.close()
