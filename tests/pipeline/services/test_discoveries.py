"""What sources publish becomes discoveries, each once per repository."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.models import Discovery, Source
from pipeline.services import discoveries
from pipeline.services.discoveries import Collected, collect
from pipeline.sources.port import Entry, Fetched, FetchError, Unreachable
from tests.factories import MOMENT, make_repository, make_source

NEW, DUPLICATE = Discovery.Status.NEW, Discovery.Status.DUPLICATE


@dataclass
class Site:
    """A source's site: (address, title) as a feed; `error` instead when there is one."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    error: FetchError | None = None
    etag: str = '"1"'
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    raw: bytes | None = None

    def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        self.asked.append((url, etag, last_modified))
        if self.error is not None:
            raise self.error
        if etag == self.etag:
            return Fetched(url, b"", "", etag, "", not_modified=True)
        return Fetched(url, self.raw or self._feed(), "application/rss+xml", self.etag, "Mon, 02 Nov 2026 08:00:00 GMT")

    def _feed(self) -> bytes:
        items = "".join(
            f"<item><title><![CDATA[{title}]]></title><link><![CDATA[{url}]]></link></item>"
            for url, title in self.entries
        )
        return f'<rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'.encode()


@pytest.fixture
def source(time: clock.VirtualClock) -> Source:
    return make_source()


def looked(source: Source, *entries: tuple[str, str]) -> Collected:
    """The source is looked at while it publishes these."""
    source.etag = ""
    return collect(source, Site(list(entries)))


CONVOY = ("https://news.example/2026/convoy?id=7", "A convoy at the pier")


def test_entries_become_new_discoveries_with_all_that_was_seen(source: Source) -> None:
    assert looked(source, CONVOY, ("https://news.example/other", "Another")) == Collected(2, 0)
    row = Discovery.objects.order_by("pk")[0]
    assert (row.url, row.title, row.status, row.found_at) == (*CONVOY, NEW, MOMENT)


def test_same_feed_again_brings_nothing(source: Source) -> None:
    looked(source, CONVOY)
    assert looked(source, CONVOY) == Collected(0, 0)
    assert Discovery.objects.count() == 1


SAME = [
    ("tracking parameters", "https://news.example/2026/convoy?utm_source=rss&id=7&fbclid=abc"),
    ("case of the host", "https://NEWS.example/2026/convoy?id=7"),
    ("scheme", "http://news.example/2026/convoy?id=7"),
    ("www", "https://www.news.example/2026/convoy?id=7"),
    ("fragment", "https://news.example/2026/convoy?id=7#comments"),
    ("default port", "https://news.example:443/2026/convoy?id=7"),
    ("escapes", "https://news.example/2026/conv%6Fy?id=7"),
]


@pytest.mark.parametrize("url", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_same_address_spelled_otherwise_is_a_duplicate_with_the_reason(source: Source, url: str) -> None:
    looked(source, CONVOY)
    assert looked(source, (url, "Quite another title")) == Collected(0, 1)
    row = Discovery.objects.get(status=DUPLICATE)
    assert row.duplicate_of is not None
    assert row.duplicate_of.url == CONVOY[0]
    assert row.reason == f"The address is that of {CONVOY[0]} once tracking parameters and spelling are set aside."


def test_entries_that_are_anchors_of_one_page_are_found_each_once(source: Source) -> None:
    notes = [(f"https://news.example/notes#m{month}", f"Notes of month {month}") for month in range(1, 4)]
    assert looked(source, *notes) == Collected(3, 0)
    assert looked(source, *reversed(notes)) == Collected(0, 0)


def test_same_title_of_the_same_site_is_a_duplicate(source: Source) -> None:
    looked(source, CONVOY)
    assert looked(source, ("https://news.example/moved/convoy", "a CONVOY  at the pier.")) == Collected(0, 1)
    assert "already published the same title" in Discovery.objects.get(status=DUPLICATE).reason


@pytest.mark.parametrize(
    "entry", [("https://other.example/convoy", CONVOY[1]), ("https://news.example/2026/convoy?id=8", "Second convoy")]
)
def test_same_title_elsewhere_or_another_address_is_new(source: Source, entry: tuple[str, str]) -> None:
    looked(source, CONVOY)
    assert looked(source, entry) == Collected(1, 0)


def test_order_of_the_feed_does_not_matter(source: Source) -> None:
    others = [(f"https://news.example/{n}", f"Number {n}") for n in range(5)]
    looked(source, CONVOY, *others)
    assert looked(source, *reversed(others), CONVOY) == Collected(0, 0)


def test_two_sources_of_a_repository_share_what_was_found(source: Source) -> None:
    second = make_source(repository=source.repository)
    looked(source, CONVOY)
    assert looked(second, CONVOY) == Collected(0, 1)


def test_two_repositories_find_the_same_each_for_itself(source: Source) -> None:
    looked(source, CONVOY)
    assert looked(make_source(repository=make_repository()), CONVOY) == Collected(1, 0)


def test_duplicate_within_one_feed_is_seen(source: Source) -> None:
    assert looked(source, CONVOY, (CONVOY[0] + "#top", CONVOY[1])) == Collected(1, 1)


def test_entry_with_an_unusable_address_is_left_out_and_the_others_are_taken(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Entry(url, "Title of " + url, "", None) for url in ("javascript:alert(1)", "https://[", CONVOY[0])]
    monkeypatch.setattr(discoveries, "entries", lambda *_: found)
    assert looked(source) == Collected(1, 0)
    assert Discovery.objects.get().url == CONVOY[0]


def test_title_of_a_megabyte_is_cut(source: Source) -> None:
    looked(source, ("https://news.example/long", "x" * 1_000_000))
    assert len(Discovery.objects.get().title) <= discoveries.MAX_TITLE


def test_address_of_a_megabyte_stops_nothing(source: Source) -> None:
    looked(source, (f"https://news.example/{'x' * 1_000_000}", "Long"), CONVOY)
    assert Discovery.objects.filter(url=CONVOY[0]).exists()


def test_json_feed_with_nul_characters_is_taken_without_them(source: Source) -> None:
    item = {"id": "1", "url": "https://n.example/1", "title": "A\x00B", "content_text": "C\x00D"}
    site = Site(raw=json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]}).encode())
    assert collect(source, site) == Collected(1, 0)
    assert "\x00" not in Discovery.objects.get().title


# --- the source itself ---


def test_validators_are_kept_and_sent(source: Source) -> None:
    site = Site([CONVOY])
    collect(source, site)
    assert collect(source, site) == Collected(0, 0)
    assert site.asked[1][1:] == ('"1"', "Mon, 02 Nov 2026 08:00:00 GMT")


def test_fault_is_written_on_the_source_and_counted(source: Source, time: clock.VirtualClock) -> None:
    site = Site(error=Unreachable("https://news.example answered 503."))
    assert collect(source, site) == Collected(0, 0, "https://news.example answered 503.")
    time.advance(timedelta(minutes=5))
    collect(source, site)
    source.refresh_from_db()
    assert (source.failures, source.problem) == (2, "https://news.example answered 503.")
    assert source.checked_at == clock.now()


def test_source_that_works_again_forgets_its_fault(source: Source) -> None:
    collect(source, Site(error=Unreachable("503")))
    looked(source, CONVOY)
    source.refresh_from_db()
    assert (source.failures, source.problem) == (0, "")


@pytest.mark.parametrize("raw", [b"<rss", b"not a feed at all", b"\xff\xfe\x00", b"{}"])
def test_malformed_feed_is_a_problem_and_loses_nothing(source: Source, raw: bytes) -> None:
    looked(source, CONVOY)
    source.etag = ""
    assert collect(source, Site(raw=raw)).problem
    source.refresh_from_db()
    assert source.failures == 1
    assert Discovery.objects.count() == 1


def test_malformed_feed_keeps_no_validators(source: Source) -> None:
    collect(source, Site(raw=b"not a feed at all"))
    source.refresh_from_db()
    assert source.etag == ""


def test_bookkeeping_makes_no_history(source: Source) -> None:
    before: Any = source.history.count()
    looked(source, CONVOY)
    assert source.history.count() == before


def test_only_the_sandbox_is_free_of_the_rule_against_private_addresses(time: clock.VirtualClock) -> None:
    with pytest.raises(FetchError):
        discoveries.fetcher().fetch("http://127.0.0.1:1/feed")
