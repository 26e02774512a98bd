"""Pages of those who lead the reviews in headless chromium: axe in light and dark, no overflow, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from rollout.models import Review
from tests.pipeline.admin.test_browser import DESK, OVERFLOW, PHONE, Visitor, browser, visitor
from tests.rollout.admin.addresses import of_batch, page
from tests.rollout.admin.test_reviews_browser import violations
from tests.rollout.admin.world import World
from tests.rollout.factories import make_member, make_person

__all__ = ["browser", "visitor"]  # fixtures
pytestmark = pytest.mark.browser


def pages(world: World) -> list[str]:
    rows = (world.batch, world.rubric, world.team, world.absence)
    found = [page(f"{row._meta.model_name}_changelist") for row in rows]
    found += [page(f"{row._meta.model_name}_change", row.pk) for row in rows]
    found += [page(f"{name}_add") for name in ("reviewbatch", "reviewteam", "absence")]
    found += [page(f"rubric_{name}", world.rubric.pk) for name in ("edit", "publish")]
    found += [page("reviewteam_reminders"), page("review_queue")]
    return [*found, *of_batch(world)[-2:], of_batch(world)[0]]  # the questions have one form


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


def test_seat_is_reassigned_by_keyboard_alone(world: World, visitor: Visitor) -> None:
    make_member(team=world.team, user=make_person("zita"))
    opened = visitor.open(page("reviewbatch_change", world.batch.pk))

    opened.get_by_role("link", name="Reassign seat 2").focus()
    opened.keyboard.press("Enter")
    opened.get_by_label("Reviewer").focus()
    opened.keyboard.type("zita")
    opened.get_by_label("Reason").focus()
    opened.keyboard.type("She is back.")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")

    expect(opened.get_by_text("The review is reassigned.")).to_be_visible()
    assert Review.objects.filter(reviewer__username="zita", seat=2).exists()
