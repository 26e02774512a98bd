"""Results, agreement and improvements in headless chromium: axe in light and dark, on a phone; a task by keyboard."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import ViewportSize, expect

from rollout.models import Improvement
from tests.factories import make_repository
from tests.pipeline.admin.test_browser import DESK, OVERFLOW, PHONE, browser
from tests.rollout.admin.addresses import page
from tests.rollout.admin.test_reviews_browser import SignIn, sign_in, violations
from tests.rollout.admin.world import HOSTILE
from tests.rollout.reviewed import make_results

__all__ = ["browser", "sign_in"]  # fixtures
pytestmark = pytest.mark.browser
SCHEMES: tuple[tuple[Literal["light", "dark"], ViewportSize], ...] = (("light", DESK), ("dark", PHONE))


def test_pages_pass_axe_fit_a_phone_and_show_hostile_text_as_text(sign_in: SignIn) -> None:
    visitor = sign_in("lea", "rollout lead")
    _, task = make_results(make_repository(), HOSTILE)
    own = [page("score_changelist"), page("score_agreement"), page("improvement_change", task.pk)]
    asked = page("improvement_add")

    for scheme, size in SCHEMES:
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.set_viewport_size(size)
        for address in (*own, asked):
            opened = visitor.open(address)
            expect(opened.locator("html.dark")).to_have_count(int(scheme == "dark"))
            opened.evaluate("document.querySelectorAll('#content details').forEach(each => { each.open = true })")
            assert opened.evaluate(OVERFLOW) == 0, (address, size)
            assert violations(opened) == [], (address, scheme)
            assert opened.locator("#content svg[style], #content svg [style]").count() == 0
    opened = visitor.open(own[-1])
    assert "window.hacked=1</script>" in opened.locator("#content").inner_text()
    assert opened.evaluate("window.hacked") is None


def test_suggestion_becomes_a_task_by_keyboard(sign_in: SignIn) -> None:
    visitor = sign_in("rita")
    repository = make_repository()
    make_results(repository, "Raise it")
    Improvement.objects.all().delete()
    opened = visitor.open(page("score_changelist"))

    opened.get_by_role("link", name="Open a task for Input completeness, template").focus()
    opened.keyboard.press("Enter")
    expect(opened.get_by_label("What is to be improved")).to_have_value("Raise “Input completeness”")
    opened.get_by_label("Reason").focus()
    opened.keyboard.type("Five issues lacked their sources.")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")

    expect(opened.get_by_text("The task is open.")).to_be_visible()
    found = Improvement.objects.get()
    assert (found.criterion, found.tag, found.owner, found.repository) == ("inputs", "template", "rita", repository)
