"""A content site: three feeds, a sitemap, a page of links, a page that changes, and a page for each article.

    /content/feed.xml (RSS)   /content/atom.xml   /content/feed.json   /content/sitemap.xml   /content/sitemap-index.xml
    /content/ (links at ".articles")   /content/status (text at "#status")   /content/articles/{number}-{slug}

`POST /content/settings {"interval": 5, "seed": 7}` changes the timetable. All answers carry ETag and Last-Modified.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sandbox.articles import Article, Timetable, article, recent, status
from sandbox.routing import Request, Response, Routes

if TYPE_CHECKING:
    from sandbox.server import Sandbox

routes = Routes(prefix="/content")

SHOWN = 20  # articles in a feed
LISTED = 100  # addresses in the sitemap
NAME = "The Sandbox Courier"
_timetables: WeakKeyDictionary[Sandbox, Timetable] = WeakKeyDictionary()


def timetable(sandbox: Sandbox) -> Timetable:
    return _timetables.setdefault(sandbox, Timetable(seed=sandbox.seed_number))


def configure(sandbox: Sandbox, *, interval: float | None = None, seed: int | None = None) -> Timetable:
    """ValueError for an interval that is not a positive number of seconds."""
    before = timetable(sandbox)
    wanted = float(before.interval if interval is None else interval)
    if not 0 < wanted < float("inf"):
        raise ValueError(f"The interval must be a positive number of seconds, not {interval!r}.")
    _timetables[sandbox] = Timetable(before.seed if seed is None else int(seed), wanted)
    return _timetables[sandbox]


@routes.route("POST", "/settings")
def settings(request: Request) -> Response:
    body = request.json() or {}
    try:
        now = configure(request.sandbox, interval=body.get("interval"), seed=body.get("seed"))
    except (ValueError, TypeError, AttributeError) as error:
        return Response.json({"message": str(error)}, 400)
    return Response.json({"interval": now.interval, "seed": now.seed})


@routes.route("GET", "/feed.xml")
def rss(request: Request) -> Response:
    found = _articles(request, SHOWN, "wire")
    items = "".join(
        f"<item><title>{escape(item.title)}</title><link>{escape(request.base_url + item.link)}</link>"
        f'<guid isPermaLink="false">article-{item.number}</guid><pubDate>{format_datetime(item.published)}</pubDate>'
        f"<description>{escape(_markup(item))}</description></item>"
        for item in found
    )
    head = f"<title>{NAME}: Wire</title><link>{request.base_url}/content/</link><description>News</description>"
    text = f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'
    return _answer(request, text, "application/rss+xml", _newest(found))


@routes.route("GET", "/atom.xml")
def atom(request: Request) -> Response:
    found = _articles(request, SHOWN, "lens")
    items = "".join(
        f"<entry><title>{escape(item.title)}</title><id>urn:sandbox:article:{item.number}</id>"
        f'<link rel="alternate" href="{escape(request.base_url + item.link)}"/>'
        f"<updated>{item.published.isoformat()}</updated>"
        f'<content type="html">{escape(_markup(item))}</content></entry>'
        for item in found
    )
    head = f"<title>{NAME}: Lens</title><id>urn:sandbox:lens</id><updated>{_newest(found).isoformat()}</updated>"
    text = f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">{head}{items}</feed>'
    return _answer(request, text, "application/atom+xml", _newest(found))


@routes.route("GET", "/feed.json")
def json_feed(request: Request) -> Response:
    found = _articles(request, SHOWN, "digest")
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"{NAME}: Digest",
        "home_page_url": f"{request.base_url}/content/",
        "items": [
            {
                "id": f"article-{item.number}",
                "url": request.base_url + item.link,
                "title": item.title,
                "content_text": item.teaser,
                "date_published": item.published.isoformat(),
            }
            for item in found
        ],
    }
    return _answer(request, json.dumps(feed), "application/feed+json", _newest(found))


@routes.route("GET", "/sitemap.xml")
def sitemap(request: Request) -> Response:
    found = _originals(_articles(request, LISTED))
    items = "".join(
        f"<url><loc>{escape(request.base_url + item.path)}</loc><lastmod>{item.published.isoformat()}</lastmod></url>"
        for item in found
    )
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = f'<?xml version="1.0" encoding="utf-8"?><urlset xmlns="{space}">{items}</urlset>'
    return _answer(request, text, "application/xml", _newest(found))


@routes.route("GET", "/sitemap-index.xml")
def sitemap_index(request: Request) -> Response:
    place = f"<sitemap><loc>{escape(request.base_url)}/content/sitemap.xml</loc></sitemap>"
    text = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{place}</sitemapindex>'
    return _answer(request, text, "application/xml", timetable(request.sandbox).published(0))


@routes.route("GET", "/")
def front(request: Request) -> Response:
    found = _originals(_articles(request, SHOWN))
    items = "".join(
        f'<li><a href="{escape(item.path)}">{escape(item.title)}</a> {escape(item.paragraphs[0])}</li>'
        for item in found
    )
    return _page(request, NAME, f'<h1>{NAME}</h1><ul class="articles">{items}</ul>', _newest(found))


@routes.route("GET", "/status")
def status_page(request: Request) -> Response:
    text, since = status(timetable(request.sandbox), request.sandbox.world.now())
    body = f'<h1>Advisory status</h1><div id="status"><p>{escape(text)}</p></div>'
    return _page(request, f"{NAME}: status", body, since)


@routes.route("GET", "/articles/{name}")
@routes.route("GET", "/articles/{name}/")
@routes.route("GET", "//articles/{name}")
def article_page(request: Request) -> Response:
    table = timetable(request.sandbox)
    number = request.params["name"].partition("-")[0]
    if not (number.isascii() and number.isdecimal() and len(number) < 13) or int(number) > table.latest(
        request.sandbox.world.now()
    ):
        return Response.html("<!doctype html><title>Not here</title><h1>Not here</h1>", 404)
    found = article(table, int(number))
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in found.paragraphs)
    when = f"<p><time>{found.published.isoformat()}</time></p>"
    return _page(
        request, found.title, f"<article><h1>{escape(found.title)}</h1>{when}{paragraphs}</article>", found.published
    )


def _articles(request: Request, count: int, feed: str = "") -> list[Article]:
    return recent(timetable(request.sandbox), request.sandbox.world.now(), count, feed)


def _originals(found: Sequence[Article]) -> list[Article]:
    """Each address once, as a sitemap has it."""
    return list({item.path: item for item in found}.values())


def _newest(found: Sequence[Article]) -> datetime:
    return found[0].published


def _markup(item: Article) -> str:
    """HTML as feeds carry it; the hostile texts bring some of their own."""
    return "".join(f"<p>{part}</p>" for part in item.paragraphs)


def _page(request: Request, title: str, body: str, modified: datetime) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>'
        f'<nav><a href="/content/">{NAME}</a></nav>{body}</body></html>'
    )
    return _answer(request, text, "text/html", modified)


def _answer(request: Request, text: str, content_type: str, modified: datetime) -> Response:
    body = text.encode()
    headers = {
        "Content-Type": f"{content_type}; charset=utf-8",
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        "Last-Modified": format_datetime(modified.replace(microsecond=0), usegmt=True),
        "Cache-Control": "no-cache",
    }
    return Response.empty(304, headers) if _holds(request, headers, modified) else Response(200, body, headers)


def _holds(request: Request, headers: dict[str, str], modified: datetime) -> bool:
    """If-None-Match goes before If-Modified-Since."""
    tags = [tag.strip() for tag in request.header("If-None-Match").split(",") if tag.strip()]
    if tags:
        return headers["ETag"] in tags
    try:
        return parsedate_to_datetime(request.header("If-Modified-Since")) >= modified.replace(microsecond=0)
    except (ValueError, TypeError):
        return False
