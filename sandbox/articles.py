"""What the content site publishes and when: everything follows from a seed and the time.

Article n appears at n × interval seconds after 1970, so nothing has to be stored, a restart changes nothing, and a
first visitor finds a backlog. Ten articles make a block: one for each of six kinds of work, two more of them, one that
fits none or several, and one that repeats an earlier article under another spelling of its address.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sandbox.article_texts import AMBIGUOUS, HOSTILE, SLOTS, TEXTS

BLOCK = 10
KINDS = tuple(TEXTS)
FEEDS = ("wire", "lens", "digest")  # RSS, Atom, JSON Feed; each has its own third of the articles
REPEATED = "repeated"
UNCLEAR = "unclear"
_HOSTILE_EVERY = 6  # of the unclear ones


@dataclass(frozen=True, slots=True)
class Timetable:
    """`interval` in seconds between two articles."""

    seed: int = 1
    interval: float = 25.0

    def latest(self, now: datetime) -> int:
        return int(now.timestamp() // self.interval)

    def published(self, number: int) -> datetime:
        return datetime.fromtimestamp(number * self.interval, UTC)


@dataclass(frozen=True, slots=True)
class Article:
    """`path` is below the site's root; `link` is how the feed spells it (a repeat adds tracking and the like)."""

    number: int
    kind: str
    title: str
    paragraphs: tuple[str, ...]
    path: str
    link: str
    feed: str
    published: datetime

    @property
    def teaser(self) -> str:
        return " ".join(self.paragraphs[:2])


def recent(timetable: Timetable, now: datetime, count: int, feed: str = "") -> list[Article]:
    """The latest `count` articles (of one feed), newest first."""
    found: list[Article] = []
    number = timetable.latest(now)
    while len(found) < count and number >= 0:
        written = article(timetable, number)
        if feed in ("", written.feed):
            found.append(written)
        number -= 1
    return found


@lru_cache(maxsize=4096)
def article(timetable: Timetable, number: int) -> Article:
    """Article `number`, whether or not its time has come."""
    kind = kind_of(timetable.seed, number)
    feed = FEEDS[number % len(FEEDS)]
    if kind == REPEATED:
        return _repeat(timetable, number, feed)
    draw = random.Random(f"{timetable.seed}:{number}")
    text = _unclear(draw, number) if kind == UNCLEAR else draw.choice(TEXTS[kind])
    filled = _filled(draw, text, number)
    path = f"/content/articles/{number}-{_slug(filled[0])}"
    return Article(number, kind, filled[0], tuple(filled[1:]), path, path, feed, timetable.published(number))


def kind_of(seed: int, number: int) -> str:
    """A shuffled block of ten, so that every kind comes soon and none in a fixed order."""
    draw = random.Random(f"{seed}:block:{number // BLOCK}")
    block = [*KINDS, *draw.sample(KINDS, 2), UNCLEAR, REPEATED]
    draw.shuffle(block)
    return block[number % BLOCK]


def status(timetable: Timetable, now: datetime) -> tuple[str, datetime]:
    """The text of the page that changes, and since when it says so; another one every ten articles."""
    number = timetable.latest(now) // BLOCK
    draw = random.Random(f"{timetable.seed}:status:{number}")
    level, region = draw.choice(("Low", "Guarded", "Elevated", "High")), draw.choice(SLOTS["region"])
    text = f"Advisory level for {region}: {level}. Bulletin {number % 100_000} replaces the one before it."
    return text, timetable.published(number * BLOCK)


def _repeat(timetable: Timetable, number: int, feed: str) -> Article:
    """The nearest earlier original, as another editor would link to it."""
    earlier = number - 1
    while earlier > 0 and kind_of(timetable.seed, earlier) == REPEATED:
        earlier -= 1
    original = article(timetable, earlier)
    draw = random.Random(f"{timetable.seed}:{number}")
    link = draw.choice((
        f"{original.path}?utm_source=newsletter&utm_medium=email&utm_campaign=w{number % 52}",
        f"{original.path}/?fbclid=IwAR{number}#comments",
        f"{original.path.replace('/articles/', '//articles/')}?ref=frontpage",
        f"{original.path}?gclid={number}&mc_cid=ab{number % 97}",
    ))  # fmt: skip
    title = draw.choice((original.title, original.title.upper(), f"{original.title}."))
    return Article(number, REPEATED, title, original.paragraphs, original.path, link, feed, timetable.published(number))


def _unclear(draw: random.Random, number: int) -> tuple[str, ...]:
    return draw.choice(HOSTILE if (number // BLOCK) % _HOSTILE_EVERY == 0 else AMBIGUOUS)


def _filled(draw: random.Random, text: tuple[str, ...], number: int) -> list[str]:
    values = {name: draw.choice(options) for name, options in SLOTS.items()}
    values |= {
        "ref": str(1000 + number % 90_000),
        "ip": f"198.51.100.{number % 254 + 1}",
        "count": str(number % 37 + 3),
    }
    return [part.format(**values) for part in text]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].rstrip("-")
