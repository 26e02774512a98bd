"""Every admin page in headless chromium under the strict content policy: no console error, no overflow on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.conftest import CHROMIUM
from tests.pipeline.admin.test_permissions_over_http import ADDS, QUESTIONS
from tests.pipeline.admin.world import World

pytestmark = pytest.mark.browser
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # playwright runs an event loop in this thread, in which Django would refuse to touch the database.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield running
        running.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visitor:
    """A signed-in page that remembers what the console complained about."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address, self.complaints = page, address, list[str]()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before its icon came: the browser's own doing
            self.complaints.append(f"failed: {request.url} ({request.failure})")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == 200, path
        return self.page


@pytest.fixture
def visitor(browser: Browser, live_server: LiveServer, root: Client) -> Iterator[Visitor]:
    context = browser.new_context(viewport=DESK, color_scheme="light")
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": root.cookies[name].value, "url": live_server.url}])
    visitor = Visitor(context.new_page(), live_server.url)
    yield visitor
    assert visitor.complaints == []
    context.close()


def histories(world: World) -> list[str]:
    found = []
    for row in (world.operation, world.repository, world.source, world.workflow, world.specialist):
        found.append(reverse(f"admin:pipeline_{row._meta.model_name}_history", args=[row.pk]))
    return found


def addresses(world: World) -> list[str]:
    """Lists, pages, questions, add forms, histories: everything that the admin has."""
    questions = [reverse(f"admin:{name}", args=[getattr(world, row).pk]) for name, (row, _) in QUESTIONS.items()]
    adds = [reverse(f"admin:{name}") for name, allowed in ADDS.items() if allowed]
    beat = [reverse(f"admin:django_celery_beat_{kind}schedule_add") for kind in ("crontab", "interval", "clocked")]
    return ["/admin/", *world.lists(), *world.pages(), *questions, *adds, *beat, *histories(world)]


def test_every_registered_screen_is_visited(world: World) -> None:
    visited = set(world.lists())

    for model in admin.site._registry:
        if model._meta.app_label == "rollout":
            continue  # its screens have a world of their own
        try:
            assert reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") in visited
        except NoReverseMatch:
            pytest.fail(f"{model} has no list")


def test_every_page_is_quiet_and_fits_desk_and_phone(world: World, visitor: Visitor) -> None:
    wide = []
    for path in addresses(world):
        page = visitor.open(path)
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            if page.evaluate(OVERFLOW) > 0:
                wide.append((path, size["width"]))
        assert visitor.complaints == [], path
    assert wide == []
    assert page.evaluate("window.hacked") is None


def test_empty_site_is_quiet(db: None, browser: Browser, live_server: LiveServer, admin_client: Client) -> None:
    context = browser.new_context(viewport=PHONE)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": admin_client.cookies[name].value, "url": live_server.url}])
    visitor = Visitor(context.new_page(), live_server.url)

    page = visitor.open("/admin/")

    expect(page.get_by_text("No repository is governed yet.")).to_be_visible()
    visitor.open("/admin/pipeline/issue/")
    assert (visitor.complaints, page.evaluate(OVERFLOW)) == ([], 0)
    context.close()


def test_login_page_is_quiet(db: None, browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(viewport=PHONE)
    visitor = Visitor(context.new_page(), live_server.url)

    page = visitor.open("/admin/login/")

    expect(page.get_by_label("Username")).to_be_visible()
    assert (visitor.complaints, page.evaluate(OVERFLOW)) == ([], 0)
    context.close()


def test_the_theme_works_without_evaluating_code(world: World, visitor: Visitor) -> None:
    page = visitor.open("/admin/pipeline/issue/")

    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_visible()
    page.locator("#search-input-command").press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+e")  # from the system's choice to light
    page.keyboard.press("Control+e")
    expect(page.locator("html.dark")).to_have_count(1)
    page.locator("#changelist a", has_text="Filters").first.click()
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.locator("#changelist-filter-close").click(position={"x": 5, "y": 5})
    page.locator("span.material-symbols-outlined", has_text="dock_to_right").first.click()
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    page.reload()
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    expect(page.locator("html.dark")).to_have_count(1)


def test_a_deliverable_is_added_in_the_form(world: World, visitor: Visitor) -> None:
    page = visitor.open(reverse("admin:pipeline_workflow_change", args=[world.workflow.pk]))

    page.get_by_text("Add another Deliverable").click()
    page.fill("#id_deliverables-2-name", "summary")
    page.fill("#id_deliverables-2-title", "Summary")
    page.fill("#id_reason", "A summary is wanted.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/pipeline/workflow/")

    assert world.workflow.deliverables.filter(name="summary").exists()


def test_a_plan_is_applied_by_hand(world: World, visitor: Visitor) -> None:
    page = visitor.open(reverse("admin:pipeline_run_change", args=[world.dry_run.pk]))

    page.get_by_role("link", name="Apply this plan").click()
    page.get_by_label("Reason").fill("It was reviewed.")
    page.get_by_role("button", name="Apply this plan").click()

    expect(page.get_by_text("is being applied by this run")).to_be_visible()
