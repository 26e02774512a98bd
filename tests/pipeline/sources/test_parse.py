from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.parse import KINDS, ContentError, MalformedContent, SitemapIndex, entries
from pipeline.sources.port import Entry, Fetched

BASE = "https://site.example/news/feed"


def fetched(content: bytes | str, content_type: str = "") -> Fetched:
    raw = content.encode() if isinstance(content, str) else content
    return Fetched(BASE, raw, content_type, "", "")


def rss(items: str) -> Fetched:
    return fetched(f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>')


def json_feed(*items: dict) -> Fetched:
    return fetched(json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items}))


def test_rss_items_come_in_their_order_with_links_resolved() -> None:
    found = entries("feed", rss(
        "<item><title>One</title><link>/a</link><description>First &lt;b&gt;text&lt;/b&gt;.</description>"
        "<pubDate>Mon, 01 Jun 2026 12:00:00 +0200</pubDate></item>"
        "<item><title>Two</title><link>b?x=1&amp;y=2</link></item>"
    ))  # fmt: skip
    assert found == (
        Entry("https://site.example/a", "One", "First text.", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        Entry("https://site.example/news/b?x=1&y=2", "Two", "", None),
    )


def test_atom_entries_are_read() -> None:
    (found,) = entries("feed", fetched(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://other.example/"><entry>'
        '<title type="html">A &amp;lt; B</title>'
        '<link rel="alternate" href="x"/><id>tag:1</id><updated>2026-06-01T10:00:00Z</updated>'
        "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
        "<p>Hello</p><p>there</p></div></content></entry></feed>"
    ))  # fmt: skip
    assert found == Entry("https://other.example/x", "A < B", "Hello there", datetime(2026, 6, 1, 10, tzinfo=UTC))


def test_json_feed_items_are_read() -> None:
    found = entries("feed", json_feed(
        {"id": "1", "url": "/a", "title": "One", "content_html": "<p>Hi</p>",
         "date_published": "2026-06-01T12:00:00+02:00"},
        {"id": "https://site.example/b", "content_text": "Only words here"},
    ))  # fmt: skip
    assert found == (
        Entry("https://site.example/a", "One", "Hi", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        Entry("https://site.example/b", "Only words here", "Only words here", None),
    )


def test_an_empty_feed_has_no_entries() -> None:
    assert entries("feed", rss("")) == ()
    assert entries("feed", json_feed()) == ()


def test_content_that_was_not_modified_has_no_entries() -> None:
    assert entries("feed", Fetched(BASE, b"", "", '"v1"', "", not_modified=True)) == ()


def test_an_entry_without_link_gets_the_address_of_the_source_with_a_mark() -> None:
    one, two = entries("feed", rss(
        "<item><title>One</title><guid isPermaLink='false'>x-1</guid></item><item><title>Two</title></item>"
    ))  # fmt: skip
    assert one.url.startswith(f"{BASE}#content-sha256-")
    assert one.url != two.url


def test_an_entry_without_title_is_named_by_its_words_or_its_address() -> None:
    found = entries("feed", rss(
        "<item><link>/a</link><description>Some words</description></item>"
        "<item><link>/reports/new-tool_2.html</link></item><item></item>"
    ))  # fmt: skip
    assert [entry.title for entry in found] == ["Some words", "New tool 2"]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "mailto:a@b.example", "http://a@b.example/"]
)
def test_links_that_are_no_web_addresses_never_come_out(link: str) -> None:
    (entry,) = entries("feed", rss(f"<item><title>T</title><link>{link}</link></item>"))
    assert entry.url.startswith(f"{BASE}#")


def test_hostile_html_becomes_text() -> None:
    html = (
        "Seen<script>steal()</script><!-- hidden --><p style='display: none'>secret</p><span hidden>also</span>"
        "<img src=x onerror=alert(1)> and\u200b\u202e more<style>p{}</style>"
    )
    (entry,) = entries("feed", json_feed({"url": "/a", "title": f"T{html}", "content_html": html}))
    assert (entry.title, entry.excerpt) == ("TSeen and more", "Seen and more")


def test_titles_and_excerpts_are_bounded() -> None:
    (entry,) = entries("feed", json_feed({"url": "/a", "title": "word " * 200_000, "content_text": "x" * 1_000_000}))
    assert len(entry.title) <= 300
    assert entry.title.endswith("word…")
    assert len(entry.excerpt) == 1000


def test_the_same_address_twice_is_one_entry() -> None:
    assert len(entries("feed", rss("<item><link>/a</link></item>" * 3))) == 1


@pytest.mark.parametrize(
    ("content", "cause"),
    [("", "it is empty"), ("<!DOCTYPE html><html><body>Hi</body></html>", "it is an HTML page"),
     ("<rss><channel>\n<item", "at line 2, column 1"), ("plain words", "at line 1, column 1"),
     ("<a><b/></a>", "neither RSS"), ('{"items": []}', "no version"), ("[" * 100_000, "at line 1"),
     ('{"version": "https://jsonfeed.org/version/1",\n "items": [}', "at line 2, column 12"),
     ('{"a":' * 100_000, "recursion"), (b"\xff\xfe\x00{", ""), (b'{"\xff"}', "invalid start byte")],
)  # fmt: skip
def test_a_malformed_feed_is_one_sentence_with_the_place(content: bytes | str, cause: str) -> None:
    with pytest.raises(
        MalformedContent, match=r"^https://site\.example/news/feed .*; nothing was taken from it\.$"
    ) as caught:
        entries("feed", fetched(content))
    assert cause in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_feed_with_one_bad_place_still_gives_its_entries() -> None:
    found = entries("feed", rss("<item><title>A &nbsp; B & C</title><link>/a</link></item>"))
    assert [entry.url for entry in found] == ["https://site.example/a"]


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "{b}"><!ENTITY c "{c}"><!ENTITY d "{d}">'
    '<!ENTITY file SYSTEM "file:///etc/passwd">]>'
).format(b="&a;" * 1000, c="&b;" * 1000, d="&c;" * 1000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_feed_that_declares_entities_is_refused(encoding: str) -> None:
    text = (
        f"{ENTITIES}<rss version='2.0'><channel><item><link>/a</link><title>x &d; &file;</title></item></channel></rss>"
    )
    with pytest.raises(MalformedContent, match="entities of its own"):
        entries("feed", fetched(text.encode(encoding)))


def test_entities_are_not_expanded_in_a_sitemap() -> None:
    found = entries(
        "sitemap", fetched(f"{ENTITIES}<urlset><url><loc>/a</loc></url><url><loc>/&d;&file;</loc></url></urlset>")
    )
    assert [entry.url for entry in found] == ["https://site.example/a", "https://site.example/&d;&file;"]


def test_feedparser_is_never_given_a_name_to_open(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(
        "<rss version='2.0'><channel><item><link>https://a.example/</link></item></channel></rss>"
    )
    for name in (str(tmp_path / "feed.xml"), "http://127.0.0.1:9/feed"):
        with pytest.raises(MalformedContent):
            entries("feed", fetched(name))


SITEMAP = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    "<url><xhtml:link rel='alternate' href='/x'/><loc> https://site.example/a-b?x=1&amp;y=2 </loc>"
    "<lastmod>2026-06-01</lastmod></url>"
    "<url><loc><![CDATA[/c]]></loc><news:news><news:title>Fresh &amp; new</news:title></news:news>"
    "<lastmod>2026-06-01T12:00:00+02:00</lastmod></url><url><loc>javascript:1</loc></url><url></url></urlset>"
)


@pytest.mark.parametrize("content", [SITEMAP.encode(), gzip.compress(SITEMAP.encode())], ids=["plain", "gz"])
def test_sitemap_addresses_are_read(content: bytes) -> None:
    assert entries("sitemap", fetched(content)) == (
        Entry("https://site.example/a-b?x=1&y=2", "A b", "", datetime(2026, 6, 1, tzinfo=UTC)),
        Entry("https://site.example/c", "Fresh & new", "", datetime(2026, 6, 1, 10, tzinfo=UTC)),
    )


def test_a_sitemap_index_is_reported_with_its_sitemaps() -> None:
    index = "<sitemapindex><sitemap><loc>https://site.example/1.xml</loc></sitemap><sitemap><loc>/2.xml</loc></sitemap></sitemapindex>"
    with pytest.raises(
        SitemapIndex, match=r"index of 2 sitemaps; .*, for example https://site\.example/1\.xml\.$"
    ) as caught:
        entries("sitemap", fetched(index))
    assert caught.value.sitemaps == ("https://site.example/1.xml", "https://site.example/2.xml")


@pytest.mark.parametrize(
    "content", [b"", b"<rss/>", b"\x1f\x8bbroken", gzip.compress(b"<urlset>" + b" " * 9_000_000), b"<x>" * 1_000_000]
)
def test_a_malformed_sitemap_is_one_sentence(content: bytes) -> None:
    with pytest.raises(MalformedContent, match=r"nothing was taken from it\.$"):
        entries("sitemap", fetched(content))


def test_a_sitemap_of_fifty_thousand_addresses_is_read_in_time() -> None:
    items = "".join(f"<url><loc>https://site.example/{n}</loc><image:image/></url>" for n in range(50_000))
    began = time.process_time()
    assert len(entries("sitemap", fetched(f"<urlset>{items}</urlset>"))) == 50_000
    assert time.process_time() - began < 15


PAGE = """<html><head><title>Status &amp; news</title></head><body>
<nav><a href="/imprint">Imprint</a></nav>
<ul class="news"><li><a href="/n/1">First</a> about one thing</li><li><a href="2">Second</a></li>
<li><a href="javascript:x()">No</a><a href="#top">Up</a></li></ul>
<div id="state"><p>All good</p><p>since noon</p></div></body></html>"""


def test_links_at_a_selector_are_entries() -> None:
    assert entries("page", fetched(PAGE), ".news") == (
        Entry("https://site.example/n/1", "First", "First about one thing", None),
        Entry("https://site.example/news/2", "Second", "", None),
    )
    assert entries("page", fetched(PAGE), ".news a") == entries("page", fetched(PAGE), ".news")


def test_links_of_one_text_are_named_by_their_addresses() -> None:
    page = "<ul><li><a href='/n/harbour'>Read more</a></li><li><a href='/n/?id=7'>Read more</a></li></ul>"
    assert [entry.title for entry in entries("page", fetched(page), "ul")] == ["N harbour", "N id 7"]


def test_pages_of_one_file_name_in_a_sitemap_are_named_by_their_folders() -> None:
    site = "<urlset><url><loc>/10/index.html</loc></url><url><loc>/11/index.html</loc></url></urlset>"
    assert [entry.title for entry in entries("sitemap", fetched(site))] == ["10 index html", "11 index html"]


def test_a_text_block_is_one_entry_that_changes_with_its_text() -> None:
    (before,) = entries("page", fetched(PAGE), "#state")
    (again,) = entries("page", fetched(PAGE.replace("<ul", "<ul id=x")), "#state")
    (after,) = entries("page", fetched(PAGE.replace("good", "bad")), "#state")
    assert (before.excerpt, before.title[:23]) == ("All good since noon", "Status & news (version ")
    assert before == again
    assert (before.url, before.title) != (after.url, after.title)
    assert before.url != after.url


@pytest.mark.parametrize("selector", ["", "  ", ".nothing", "##", "a[", "p:nope(", "\x00"])
def test_a_selector_that_finds_nothing_is_one_sentence(selector: str) -> None:
    with pytest.raises(MalformedContent, match=r"\.$"):
        entries("page", fetched(PAGE), selector)


@pytest.mark.parametrize("page", [b"<div>" * 900_000, b"<p><font a=1>" * 300_000, b"<a><b>" * 500_000])
def test_a_page_that_is_dear_to_parse_is_refused_quickly(page: bytes) -> None:
    began = time.process_time()
    with pytest.raises(MalformedContent, match="nested"):
        entries("page", fetched(page), "div")
    assert time.process_time() - began < 2


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedContent, match="'gopher', which is no kind of source; feed, sitemap, page are"):
        entries("gopher", fetched(""))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.binary(max_size=300) | st.text('<>/abc{}[]"&;:![CDATA rsitemload', max_size=300).map(str.encode),
)
def test_any_bytes_give_entries_or_our_error(kind: str, content: bytes) -> None:
    for whole in (content, b"<rss version='2.0'><channel><item>" + content, b"<urlset><url><loc>" + content):
        try:
            found = entries(kind, fetched(whole), "a, p")
        except ContentError:
            continue
        assert found == entries(kind, fetched(whole), "a, p")
        assert all(entry.url.startswith(("http://", "https://")) and len(entry.title) <= 300 for entry in found)
