"""Two reviewers at work in headless chromium, keyboard only; axe on their pages; what happens when saving fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from rollout.domain.reviews import sheets
from rollout.models import Adjudication, Review, ReviewBatch, Score
from rollout.services.reviews import claims, scoring
from tests.pipeline.admin.test_browser import DESK, OVERFLOW, PHONE, Visitor, browser
from tests.rollout import factories as make
from tests.rollout.admin.reviewing import HOSTILE, open_batch, page, reviewer, roles

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.browser
AXE = (Path(settings.BASE_DIR) / "node_modules/axe-core/axe.min.js").read_text()
HAPPY = ("4", "4", "4", "4", "4", "y", "y", "Control+Enter")
LOW = ("1", "k", "c", "W", "r", "o", "n", "g", "Escape", "j", *HAPPY[1:])
SignIn = Callable[..., Visitor]


@pytest.fixture
def sign_in(transactional_db: None, browser: Browser, live_server: LiveServer) -> Iterator[SignIn]:
    """A page of its own for each person; at the end no console said anything."""
    roles()
    visitors: list[Visitor] = []

    def visit(name: str, role: str = "reviewer", size: ViewportSize = DESK) -> Visitor:
        client = Client()
        client.force_login(reviewer(name, role))
        context = browser.new_context(viewport=size, color_scheme="light")
        cookie = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": cookie, "value": client.cookies[cookie].value, "url": live_server.url}])
        visitors.append(Visitor(context.new_page(), live_server.url))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        assert visitor.complaints == []
        visitor.page.context.close()


def press(opened: Page, *keys: str) -> None:
    """Keys, once the scoring page listens."""
    opened.wait_for_selector("html[data-scoring=ready]")
    for key in keys:
        opened.keyboard.press(key)


def left_behind(opened: Page) -> str:
    """The address that the page goes away from."""
    here = opened.url

    def another(url: str) -> bool:
        return url != here

    opened.wait_for_url(another)
    return here


def above_the_bar(opened: Page, selector: str) -> bool:
    """Whether what has the focus can be seen whole."""
    box, bar = opened.locator(selector).bounding_box(), opened.locator(".rv-bar").bounding_box()
    assert box is not None
    assert bar is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= bar["y"]


def violations(opened: Page) -> list[tuple[str, str]]:
    opened.evaluate(AXE)
    found = opened.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]


def begin(visitor: Visitor) -> Page:
    """From the queue to the first issue with one key."""
    opened = visitor.open(page("review_queue"))
    expect(opened.get_by_role("button", name="Start next")).to_be_focused()
    opened.keyboard.press("Enter")
    opened.wait_for_url("**/score/")
    return opened


def shared_batch(rita: User, rolf: User) -> ReviewBatch:
    """Two issues that both score, then two that either may take."""
    batch = open_batch(rita, rolf, samples=2)
    for _ in range(2):
        make.make_review(sample=make.make_sample(batch=batch), reviewer=None, assigned_reason="")
    return batch


def test_two_reviewers_finish_a_batch_by_keyboard_and_never_collide(sign_in: SignIn) -> None:
    pages = {name: sign_in(name) for name in ("rita", "rolf")}
    batch = shared_batch(reviewer("rita"), reviewer("rolf"))
    working = {name: begin(visitor) for name, visitor in pages.items()}
    scored: list[str] = []
    while working:
        for name, opened in list(working.items()):
            # The first issue of both gets four points and one: three apart.
            press(opened, *(LOW if (name, len(scored)) == ("rolf", 1) else HAPPY))
            scored.append(left_behind(opened))
            if opened.url.endswith(page("review_queue")):  # nothing is left
                working.pop(name)

    assert len(HAPPY) <= 8
    assert len(scored) == len(set(scored)) == 6
    assert set(Review.objects.values_list("state", "epoch")) == {("submitted", 1)}
    assert Score.objects.count() == 30
    dispute = Adjudication.objects.get()
    assert dispute.reason.startswith("Persona appropriateness: 3 points apart.")
    assert Score.objects.get(rating=1).comment == "Wrong"
    batch.refresh_from_db()
    assert batch.state == "open"  # the disagreement is


def test_keys_act_only_where_they_should(sign_in: SignIn) -> None:
    visitor = sign_in("rita")
    open_batch(reviewer("rita"), samples=1)
    opened = begin(visitor)

    press(opened, "2")
    expect(opened.locator("#score")).to_have_text("Weighted 50.0 %, more than 90.0 % wanted: not met, 1 of 5 done.")
    press(opened, "k", "c")
    expect(opened.locator("#comment-persona")).to_be_focused()
    press(opened, *"n4?jy")
    expect(opened.locator("#comment-persona")).to_have_value("n4?jy")
    expect(opened.locator("#help")).to_be_hidden()
    press(opened, "Escape", "j", "n", "?")
    expect(opened.locator("#help")).to_be_visible()
    press(opened, "Escape")
    opened.locator(".cp-prose").first.click()  # the focus is gone, the place is not
    press(opened, "4")
    expect(opened.locator("#score")).to_contain_text("3 of 5 done")
    press(opened, *"jjj")
    assert above_the_bar(opened, "[data-check=assessment_right]")
    press(opened, *"kkk?")
    opened.get_by_label("Single keys act").uncheck()
    press(opened, "Escape", "j", "0")
    expect(opened.locator("#score")).to_contain_text("3 of 5 done")
    expect(opened.locator("#saved")).to_have_text("Draft saved.")
    draft = claims.draft_of(Review.objects.get(), reviewer("rita"), ["persona", "objectives", "inputs"])
    assert (draft.mark("persona").comment, draft.ratings()) == (
        "n4?jy",
        {"persona": 2, "objectives": None, "inputs": 4},
    )


def test_nothing_typed_is_lost_with_a_fault_the_connection_or_the_claim(sign_in: SignIn) -> None:
    visitor = sign_in("rita")
    open_batch(reviewer("rita"), samples=1)
    opened = begin(visitor)
    press(opened, "4", "3", "4", "4", "4", "y", "Control+Enter")
    expect(opened.locator("#fault-objectives")).to_contain_text("needs a comment")
    expect(opened.locator("#fault-assessment_right")).to_contain_text("Answer yes, no or cannot say")
    expect(opened.locator("[data-criterion=objectives] input[value='3']")).to_be_focused()

    opened.route("**/autosave/", lambda route: route.abort())
    press(opened, "4")
    expect(opened.get_by_role("alert")).to_contain_text("There is no connection")
    opened.unroute("**/autosave/")
    opened.evaluate("window.dispatchEvent(new Event('online'))")
    expect(opened.locator("#saved")).to_have_text("Draft saved.")
    expect(opened.locator("#trouble")).to_be_hidden()

    Review.objects.update(reviewer=reviewer("rolf"), epoch=9)
    press(opened, "4")
    expect(opened.get_by_role("alert")).to_contain_text("somebody else has this issue now")
    press(opened, "Control+Enter")
    expect(opened.get_by_text("What you entered for")).to_be_visible()

    assert all("failed" in said.lower() or "409" in said for said in visitor.complaints)
    visitor.complaints.clear()


def test_pages_pass_axe_fit_a_phone_and_show_hostile_text_as_text(sign_in: SignIn) -> None:
    visitor = sign_in("lea", "rollout lead")
    open_batch(reviewer("rita"), reviewer("rolf"), samples=1, text=HOSTILE)
    for review, rating in zip(Review.objects.order_by("seat"), "40", strict=True):
        disagree(review, rating)
    open_batch(reviewer("lea"), samples=2, text=HOSTILE)
    mine, dispute = claims.start_next(reviewer("lea")), Adjudication.objects.get()
    Adjudication.objects.filter(pk=dispute.pk).update(reason=HOSTILE[:500])
    own = [page("review_queue"), page("review_score", mine.pk), page("adjudication_change", dispute.pk)]
    own.append(page("review_change", dispute.sample.reviews.all()[0].pk))

    for address in own:
        opened = visitor.open(address)
        opened.evaluate("document.querySelectorAll('#content details').forEach(each => { each.open = true })")
        for dark, size in ((False, DESK), (True, PHONE)):
            opened.set_viewport_size(size)
            opened.evaluate(
                "dark => document.documentElement.classList.toggle('dark', dark)", dark
            )  # as the theme does
            assert opened.evaluate(OVERFLOW) == 0, (address, size)
            assert violations(opened) == [], (address, size)
        opened.set_viewport_size(DESK)
        assert "window.hacked=1</script>" in opened.locator("#content").inner_text()
    assert opened.evaluate("window.hacked") is None
    assert opened.locator("a[href^='javascript']").count() == 0


def disagree(review: Review, rating: str) -> None:
    assert review.reviewer is not None
    mine = claims.claim(review.pk, review.reviewer)
    slugs = [slug for slug, *_ in make.CRITERIA]
    fields = {f"rating-{slug}": [rating] for slug in slugs} | {f"comment-{slug}": [HOSTILE] for slug in slugs}
    fields |= {"assignment_clear": ["yes"], "assessment_right": ["no"]}
    scoring.submit(mine.pk, review.reviewer, mine.epoch, sheets.read(lambda name: fields.get(name, []), slugs))


def test_form_works_without_scripts(sign_in: SignIn, browser: Browser, live_server: LiveServer) -> None:
    signed = sign_in("rita").page.context
    open_batch(reviewer("rita"), samples=1)
    claims.start_next(reviewer("rita"))
    context = browser.new_context(java_script_enabled=False, storage_state=signed.storage_state())
    opened = context.new_page()
    opened.goto(live_server.url + page("review_score", Review.objects.get().pk))

    for group in opened.locator("[data-criterion]").all():
        group.locator("input[value='4']").check()
    for group in opened.locator("[data-check]").all():
        group.locator("input[value='yes']").check()
    opened.get_by_role("button", name="Save draft").click()
    expect(opened.get_by_text("Draft kept.")).to_be_visible()
    opened.get_by_role("button", name="Save and next").click()

    assert Review.objects.get().state == "submitted"
    context.close()
