"""Content to entries: feeds, sitemaps and watched pages. Everything that comes in is hostile until it is plain text.

ContentError
├── MalformedContent  it is not what the source says it is; `str()` is one sentence with the address and the place
└── SitemapIndex      it lists other sitemaps, which are in `sitemaps`; one of them has to be watched instead

Entries come in the order of the document. The same bytes give the same entries.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from time import struct_time
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax import SAXParseException

import feedparser
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from pipeline.domain.urls import normalise_url, versioned
from pipeline.sources.plaintext import (
    MAX_EXCERPT,
    MAX_TITLE,
    bounded,
    moment,
    plain,
    title_from_url,
    title_from_whole_url,
)
from pipeline.sources.port import Entry, Fetched
from pipeline.sources.tangles import Tangled, parsed

KINDS = ("feed", "sitemap", "page")
_MAX_UNPACKED = 5 * 1024 * 1024
_MAX_PAGE_TEXT = 60_000
_SELF_CLOSED = re.compile(rb"<([A-Za-z][\w:.-]{0,40})([^<>]{0,2000})/>")


class ContentError(Exception):
    """What was fetched gives no entries; nothing was taken from it."""


class MalformedContent(ContentError):
    pass


class SitemapIndex(ContentError):
    def __init__(self, url: str, sitemaps: tuple[str, ...]) -> None:
        self.sitemaps = sitemaps
        first = f", for example {sitemaps[0]}" if sitemaps else ""
        super().__init__(f"{url} is an index of {len(sitemaps)} sitemaps; watch one of those instead{first}.")


def entries(kind: str, fetched: Fetched, selector: str = "") -> tuple[Entry, ...]:
    """The entries of a "feed", "sitemap" or "page" (there `selector` says where). Raises ContentError only."""
    if fetched.not_modified:
        return ()
    if kind == "feed":
        return _json_feed(fetched) if _is_json(fetched) else _xml_feed(fetched)
    if kind == "sitemap":
        return _sitemap(fetched)
    if kind == "page":
        return _page(fetched, selector)
    raise MalformedContent(f"{fetched.url} is watched as {kind!r}, which is no kind of source; {', '.join(KINDS)} are.")


# Feeds


def _xml_feed(fetched: Fetched) -> tuple[Entry, ...]:
    if b"<!ENTITY" in fetched.content.replace(b"\0", b""):  # in UTF-16 too; Expat's own limit stands behind this
        raise MalformedContent(
            f"{fetched.url} is no readable feed (it declares entities of its own); nothing was taken from it."
        )
    # Always a stream: given bytes or text, feedparser would take them for an address or a file to open.
    headers = {"content-type": fetched.content_type or "application/xml", "content-location": fetched.url}
    feed = feedparser.parse(
        io.BytesIO(fetched.content), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    trouble = feed.get("bozo_exception") if feed.get("bozo") else None
    if not feed.entries and (trouble or not feed.get("version")):
        raise MalformedContent(
            f"{fetched.url} is no readable feed ({_trouble(fetched, trouble)}); nothing was taken from it."
        )
    return _kept(_feed_entry(fetched.url, item) for item in feed.entries)


def _trouble(fetched: Fetched, trouble: object) -> str:
    if not fetched.content.strip():
        return "it is empty"
    if fetched.content.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "it is an HTML page"
    if isinstance(trouble, SAXParseException):
        # feedparser puts an XML declaration on a line of its own before content that has none.
        added = not fetched.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml")
        line, column = (trouble.getLineNumber() or 1) - added, (trouble.getColumnNumber() or 0) + 1
        return f"{trouble.getMessage()} at line {max(line, 1)}, column {column}"
    return bounded(str(trouble), 160) if trouble else "neither RSS, Atom nor JSON Feed"


def _feed_entry(base: str, item: Any) -> Entry | None:
    bodies = [part.get("value", "") for part in item.get("content", [])]
    excerpt = plain(next((text for text in [item.get("summary", ""), *bodies] if text.strip()), ""), MAX_EXCERPT)
    stamp = item.get("published_parsed") or item.get("updated_parsed")
    return _entry(
        base=base,
        links=(item.get("link", ""), _if_absolute(item.get("id", ""))),
        title=plain(item.get("title", ""), MAX_TITLE),
        excerpt=excerpt,
        published_at=_from_struct(stamp) if isinstance(stamp, struct_time) else None,
        identity=item.get("id", ""),
    )


def _from_struct(stamp: struct_time) -> datetime | None:
    try:
        return datetime(*stamp[:5], min(stamp[5], 59), tzinfo=UTC)
    except ValueError:
        return None


def _is_json(fetched: Fetched) -> bool:
    return "json" in fetched.content_type.lower() or fetched.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def _json_feed(fetched: Fetched) -> tuple[Entry, ...]:
    refused = f"{fetched.url} is no readable JSON Feed"
    try:
        feed = json.loads(fetched.content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise MalformedContent(f"{refused} ({where}); nothing was taken from it.") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise MalformedContent(f"{refused} ({bounded(str(error), 120)}); nothing was taken from it.") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or "jsonfeed.org/version/" not in str(feed.get("version", "")):
        raise MalformedContent(f"{refused} (it has no version of jsonfeed.org with items); nothing was taken from it.")
    return _kept(_json_entry(fetched.url, item) for item in items if isinstance(item, dict))


def _json_entry(base: str, item: dict[str, Any]) -> Entry | None:
    def text(name: str) -> str:
        value = item.get(name)
        return value if isinstance(value, str) else ""

    body = text("summary") or text("content_text")
    return _entry(
        base=base,
        links=(text("url"), text("external_url"), _if_absolute(text("id"))),
        title=plain(text("title"), MAX_TITLE),
        excerpt=bounded(body, MAX_EXCERPT) if body else plain(text("content_html"), MAX_EXCERPT),
        published_at=moment(text("date_published")) or moment(text("date_modified")),
        identity=str(item.get("id", ""))[:500],
    )


# Sitemaps


def _sitemap(fetched: Fetched) -> tuple[Entry, ...]:
    tree = _tree(fetched.url, _as_html(_unpacked(fetched)))
    if tree.css_first("sitemapindex"):
        raise SitemapIndex(fetched.url, tuple(_locations(fetched.url, tree.css("sitemapindex sitemap > loc"))))
    if not tree.css_first("urlset"):
        raise MalformedContent(
            f"{fetched.url} is no sitemap (it has neither <urlset> nor <sitemapindex>); nothing was taken from it."
        )
    return _told_apart(_kept(_sitemap_entry(fetched.url, node) for node in tree.css("urlset > url")))


def _unpacked(fetched: Fetched) -> bytes:
    """A sitemap may be a gzip file, whatever the transfer was."""
    if fetched.content[:2] != b"\x1f\x8b":
        return fetched.content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(fetched.content)) as file:
            content = file.read(_MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedContent(f"{fetched.url} is a broken gzip file ({error}); nothing was taken from it.") from error
    if len(content) > _MAX_UNPACKED:
        raise MalformedContent(f"{fetched.url} unpacks to more than 5 MB; nothing was taken from it.")
    return content


def _as_html(content: bytes) -> bytes:
    """An HTML parser knows no entities but HTML's own; it takes CDATA for a comment and <x/> for an open element."""
    content = content.replace(b"<![CDATA[", b"").replace(b"]]>", b"")
    return _SELF_CLOSED.sub(rb"<\1\2></\1>", content)


def _tree(url: str, content: bytes) -> LexborHTMLParser:
    try:
        return parsed(content)
    except Tangled as error:
        raise MalformedContent(f"{url} was not read: {error}; nothing was taken from it.") from error


def _locations(base: str, nodes: Iterable[LexborNode]) -> Iterator[str]:
    for node in nodes:
        address = _address(base, node.text())
        if address:
            yield address


def _sitemap_entry(base: str, node: LexborNode) -> Entry | None:
    values = {child.tag: child.text() for child in reversed(list(node.iter()))}  # the first of a name wins
    news = [inner.text() for inner in node.traverse() if inner.tag == "news:title"]
    location = values.get("loc", "")
    if not _address(base, location):
        return None
    title = bounded(news[0], MAX_TITLE) if news else title_from_url(location.strip())
    return _entry(base, (location,), title, "", moment(values.get("lastmod", "")), location)


# Pages


def _page(fetched: Fetched, selector: str) -> tuple[Entry, ...]:
    tree = _tree(fetched.url, fetched.content)
    try:
        chosen = tree.css(selector) if selector.strip() else []
    except (SelectolaxError, ValueError) as error:
        raise MalformedContent(
            f"The selector {selector[:80]!r} for {fetched.url} is no CSS selector; correct the source."
        ) from error
    if not chosen:
        raise MalformedContent(
            f"{fetched.url} has nothing at the selector {selector[:80]!r}; the page or the selector has to change."
        )
    links = [link for node in chosen for link in _links_of(node)]
    if links:
        base = _base(tree, fetched.url)
        return _told_apart(_kept(_link_entry(base, link) for link in links))
    return _text_block(fetched.url, tree, chosen)


def _links_of(node: LexborNode) -> list[LexborNode]:
    """The element itself, or the links in it."""
    return [node] if node.tag == "a" and node.attributes.get("href") else node.css("a[href]")


def _base(tree: LexborHTMLParser, url: str) -> str:
    element = tree.css_first("base[href]")
    return _address(url, element.attributes.get("href") or "") or url if element else url


def _link_entry(base: str, link: LexborNode) -> Entry | None:
    href = link.attributes.get("href") or ""
    address = _address(base, href)
    if not address or href.startswith("#"):
        return None
    text = plain(link.html or "", MAX_TITLE) or bounded(link.attributes.get("title") or "", MAX_TITLE)
    around = (
        plain(link.parent.html or "", MAX_EXCERPT) if link.parent and link.parent.tag not in {"body", "nav"} else ""
    )
    return Entry(address, text or title_from_url(address), "" if around == text else around, None)


def _text_block(url: str, tree: LexborHTMLParser, chosen: list[LexborNode]) -> tuple[Entry, ...]:
    """One entry, whose address and title carry the hash of the text: another text is another entry."""
    text = "\n".join(plain(node.html or "", _MAX_PAGE_TEXT) for node in chosen)
    address = versioned(url, text)
    heading = tree.css_first("title")
    name = (bounded(heading.text(), 200) if heading else "") or title_from_url(url)
    return (Entry(address, f"{name} (version {address[-16:-8]})", bounded(text, MAX_EXCERPT), None),)


# All kinds


def _entry(
    base: str, links: tuple[str, ...], title: str, excerpt: str, published_at: datetime | None, identity: str
) -> Entry | None:
    """Without a link, the entry's address is the source's own with a mark; without a title, its first words."""
    address = next((found for link in links if (found := _address(base, link))), "")
    if not address:
        if not (title or excerpt):
            return None
        address = versioned(base, identity or f"{title}\n{excerpt}")
    return Entry(address, title or bounded(excerpt, 80) or title_from_url(address), excerpt, published_at)


def _address(base: str, link: str) -> str:
    """An absolute web address, or "" for anything else (scripts, mail addresses, names that are no links)."""
    text = link.strip()
    if not text or (":" in text.split("/")[0] and _scheme(text) not in {"http", "https"}):
        return ""
    try:
        address = urljoin(base, text)
        normalise_url(address)
    except ValueError:
        return ""
    return address


def _if_absolute(identity: str) -> str:
    """Identities are often addresses, and often just names."""
    return identity if identity.lower().startswith(("http://", "https://")) else ""


def _scheme(text: str) -> str:
    try:
        return urlsplit(text).scheme.lower()
    except ValueError:
        return "unreadable"


def _kept(found: Iterable[Entry | None]) -> tuple[Entry, ...]:
    """Each address once: the first."""
    kept: dict[str, Entry] = {}
    for entry in found:
        if entry:
            kept.setdefault(entry.url, entry)
    return tuple(kept.values())


def _told_apart(found: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """What many addresses are called ("Read more", "Index") names none of them; the address itself does."""
    names = Counter(entry.title for entry in found)
    return tuple(
        replace(entry, title=title_from_whole_url(entry.url)) if names[entry.title] > 1 else entry for entry in found
    )
