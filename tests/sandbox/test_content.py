from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from pipeline.domain.urls import Sighting, duplicate_reason
from pipeline.sources.fetch import HttpFetcher
from pipeline.sources.parse import SitemapIndex, entries
from pipeline.sources.port import Entry
from sandbox.articles import BLOCK, FEEDS, KINDS, REPEATED, UNCLEAR, Timetable, article, kind_of, recent, status
from sandbox.clock import ManualClock
from sandbox.content import configure
from sandbox.server import Sandbox

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
TABLE = Timetable(seed=1, interval=25)
LATEST = TABLE.latest(START)
FEEDS_SERVED = ("/content/feed.xml", "/content/atom.xml", "/content/feed.json")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def site(clock: ManualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, demo=False) as running:
        yield running


def fetcher(site: Sandbox) -> HttpFetcher:
    return HttpFetcher(frozenset({f"{site.host}:{site.port}"}))


def read(site: Sandbox, path: str, kind: str = "feed", selector: str = "") -> tuple[Entry, ...]:
    return entries(kind, fetcher(site).fetch(site.url + path), selector)


def test_the_same_seed_and_time_give_the_same_articles() -> None:
    assert recent(TABLE, START, 30) == recent(Timetable(1, 25), START, 30)
    assert recent(TABLE, START, 30) != recent(Timetable(2, 25), START, 30)


def test_every_block_of_ten_has_every_kind_of_work() -> None:
    first = LATEST // BLOCK * BLOCK
    for block in range(first, first + 200, BLOCK):
        kinds = [kind_of(1, number) for number in range(block, block + BLOCK)]
        assert set(kinds) == {*KINDS, UNCLEAR, REPEATED}


def test_originals_have_titles_and_addresses_of_their_own() -> None:
    found = [item for item in recent(TABLE, START, 3000) if item.kind != REPEATED]
    assert len({item.title for item in found}) == len({item.path for item in found}) == len(found)


def test_a_repeat_is_found_out_as_a_duplicate() -> None:
    repeats = [item for item in recent(TABLE, START, 300) if item.kind == REPEATED]
    for item in repeats:
        original = next(article(TABLE, n) for n in range(item.number - 1, 0, -1) if article(TABLE, n).path == item.path)
        known = [Sighting(f"http://Site.example{original.link}", original.title, "issue #1")]
        assert duplicate_reason(Sighting(f"http://site.example{item.link}", item.title), known)
    assert len({item.link.partition("?")[2][:4] for item in repeats}) > 2


@pytest.mark.parametrize(("path", "name"), list(zip(FEEDS_SERVED, FEEDS, strict=True)))
def test_our_reader_reads_each_feed(site: Sandbox, path: str, name: str) -> None:
    found = read(site, path)
    expected = recent(TABLE, START, 20, name)
    assert [entry.title.casefold() for entry in found] == [item.title.casefold() for item in expected]
    assert [entry.published_at for entry in found] == [item.published for item in expected]
    assert all("<" not in entry.excerpt and entry.url.startswith(site.url) for entry in found)


def test_a_new_article_appears_with_its_time_and_not_before(site: Sandbox, clock: ManualClock) -> None:
    before = [read(site, path)[0] for path in FEEDS_SERVED]
    clock.move(timedelta(seconds=24))
    assert [read(site, path)[0] for path in FEEDS_SERVED] == before
    clock.move(timedelta(seconds=1))
    after = [read(site, path)[0] for path in FEEDS_SERVED]
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("path", [*FEEDS_SERVED, "/content/sitemap.xml", "/content/", "/content/status"])
def test_validators_hold_until_something_is_new(site: Sandbox, clock: ManualClock, path: str) -> None:
    first = fetcher(site).fetch(site.url + path)
    assert fetcher(site).fetch(site.url + path, etag=first.etag).not_modified
    assert fetcher(site).fetch(site.url + path, last_modified=first.last_modified).not_modified
    clock.move(timedelta(seconds=26 * BLOCK))
    again = fetcher(site).fetch(site.url + path, etag=first.etag, last_modified=first.last_modified)
    assert (again.not_modified, again.etag != first.etag) == (False, True)


def test_the_sitemap_lists_originals_and_the_index_points_to_it(site: Sandbox) -> None:
    found = read(site, "/content/sitemap.xml", "sitemap")
    assert len(found) > 80
    with pytest.raises(SitemapIndex) as caught:
        read(site, "/content/sitemap-index.xml", "sitemap")
    assert caught.value.sitemaps == (f"{site.url}/content/sitemap.xml",)


def test_the_pages_can_be_watched_by_selector(site: Sandbox, clock: ManualClock) -> None:
    assert len(read(site, "/content/", "page", ".articles")) > 10
    (before,) = read(site, "/content/status", "page", "#status")
    clock.move(timedelta(seconds=25 * BLOCK))
    (after,) = read(site, "/content/status", "page", "#status")
    assert before.url != after.url
    assert status(TABLE, START)[0] == before.excerpt


def test_each_article_has_a_page_whose_text_is_escaped(site: Sandbox) -> None:
    for entry in read(site, "/content/atom.xml"):
        page = requests.get(entry.url, timeout=5)
        assert page.status_code == 200
        assert 'onerror="' not in page.text


@pytest.mark.parametrize("name", ["x", "99999999999-future", "9" * 5000, "²-power"])
def test_an_article_that_is_not_there_is_404(site: Sandbox, name: str) -> None:
    assert requests.get(f"{site.url}/content/articles/{name}", timeout=5).status_code == 404


def test_the_interval_can_be_changed(site: Sandbox) -> None:
    answer = requests.post(f"{site.url}/content/settings", json={"interval": 5}, timeout=5)
    assert answer.json() == {"interval": 5.0, "seed": 1}
    published = read(site, "/content/feed.xml")[0].published_at
    assert published is not None
    assert published > START - timedelta(seconds=20)


@pytest.mark.parametrize("interval", [0, -1, "soon", float("inf")])
def test_an_interval_that_is_none_is_refused(site: Sandbox, interval: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        configure(site, interval=interval)  # type: ignore[arg-type]
