"""The completion page and service levels in headless chromium: axe in light and dark, a phone, filters by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from pipeline import clock
from rollout.models import ServiceLevel
from tests.factories import MOMENT, make_repository
from tests.pipeline.admin.test_browser import DESK, OVERFLOW, PHONE, browser
from tests.rollout.admin.addresses import page
from tests.rollout.admin.test_reviews_browser import SignIn, sign_in, violations
from tests.rollout.services.completion.rows import nine_days

__all__ = ["browser", "sign_in"]  # fixtures
pytestmark = pytest.mark.browser


def test_pages_pass_axe_in_light_and_dark_and_fit_a_phone(sign_in: SignIn) -> None:
    visitor = sign_in("lea", "rollout lead")
    addresses = [page("completion_of", nine_days().pk), page("completion_of", make_repository().pk)]
    addresses += [page("servicelevel_changelist"), page("servicelevel_change", ServiceLevel.objects.get().pk)]
    with clock.using(clock.VirtualClock(MOMENT)):
        for scheme, size in (("light", DESK), ("dark", PHONE)):
            visitor.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            visitor.page.set_viewport_size(size)
            for address in addresses:
                opened = visitor.open(address)
                expect(opened.locator("html.dark")).to_have_count(int(scheme == "dark"))
                opened.evaluate("document.querySelectorAll('#content details').forEach(each => { each.open = true })")
                assert opened.evaluate(OVERFLOW) == 0, (address, size)
                assert violations(opened) == [], (address, scheme)
    assert opened.evaluate("window.hacked") is None


def test_filters_are_chosen_from_the_keyboard(sign_in: SignIn) -> None:
    visitor = sign_in("lea", "stakeholder")
    with clock.using(clock.VirtualClock(MOMENT)):
        opened = visitor.open(page("completion_of", nine_days().pk))
        opened.get_by_label("Workflow").focus()
        opened.keyboard.type("OSINT")
        opened.keyboard.press("Tab")
        opened.keyboard.type("4")
        opened.keyboard.press("Tab")
        opened.keyboard.press("Enter")
        opened.wait_for_url("**workflow=osint&weeks=4")
        expect(opened.locator("header", has_text="Now").get_by_text("7 cases", exact=True)).to_be_visible()
