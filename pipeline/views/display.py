"""Values as people read them: times, spans, states in words, links, labels, diffs. Everything foreign is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

NOTHING = "–"
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
MAX_DIFF_LINES = 2000  # a page stays readable; the whole diff is in the database

GOOD = (
    "succeeded",
    "done",
    "applied",
    "live",
    "active",
    "completed",
    "opened",
    "ran",
    "present",
    "resolved",
    "pass",
    "met",
    "go",
    "approved",
    "sent",
    "decided",
    "in_force",
)
WARN = (
    "dry_run",
    "deferred",
    "skipped",
    "waiting",
    "warning",
    "paused",
    "planned",
    "missed",
    "unreachable",
    "finished",
    "held",
    "hold",
    "iterate",
    "inconclusive",
    "stale",
    "void",
    "hold_and_probe",
)
BAD = (
    "failed",
    "refused",
    "unknown",
    "conflict",
    "critical",
    "lost",
    "rejected",
    "deleted",
    "breach",
    "error",
    "rolled_back",
    "stuck",
    "no_go",
    "roll_back",
)
INFO = ("working", "sending", "open", "pending", "assigned", "copilot", "new", "stored", "running", "asked", "decide")
TONES = {word: tone for tone, words in (("good", GOOD), ("warn", WARN), ("bad", BAD), ("info", INFO)) for word in words}


def relative(moment: datetime, now: datetime) -> str:
    """ "3 h ago", "in 5 min", "just now"."""
    seconds = int((moment - now).total_seconds())
    if abs(seconds) < 10:
        return "just now"
    hours = abs(seconds) // 3600
    # "1 d" would stand for all from 24 to 47 hours, which a due time is too short for.
    text = f"{hours} h" if 24 <= hours < 72 else span(timedelta(seconds=abs(seconds)), parts=1)
    return f"in {text}" if seconds > 0 else f"{text} ago"


def spoken(value: object) -> str:
    """ "dry run" for `dry_run`: a stored value as people say it."""
    return str(value).replace("_", " ")


def span(length: timedelta | None, parts: int = 2) -> str:
    """ "2 h 5 min": the two largest units that say something."""
    if length is None:
        return NOTHING
    rest = int(length.total_seconds())
    words: list[str] = []
    for size, name in UNITS:
        count, rest = divmod(rest, size)
        if count or (name == "s" and not words):
            words.append(f"{count} {name}")
    return " ".join(words[:parts])


def when(moment: datetime | None) -> SafeString | str:
    """Relative for the eye, absolute in UTC for the pointer."""
    if moment is None:
        return NOTHING
    # This machine's clock: "ago" needs no more, and a list must not ask the database for the time in every row.
    shown = relative(moment, timezone.now())
    utc = moment.astimezone(UTC)
    return format_html(
        '<time class="cp-nowrap" datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S}",
        shown,
    )


def absolute(moment: datetime | None) -> SafeString | str:
    if moment is None:
        return NOTHING
    return format_html('<span class="cp-nowrap">{}</span>', f"{moment.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC")


def minute(moment: datetime | None) -> SafeString | str:
    """For narrow columns whose head says that it is UTC."""
    if moment is None:
        return NOTHING
    return format_html('<span class="cp-nowrap">{}</span>', f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}")


def wide(text: str) -> SafeString:
    """A cell that must not become a column of single words."""
    return format_html('<span class="cp-wide">{}</span>', text)


def badge(word: str, value: str = "") -> SafeString:
    """A word with the tone of `value` (by default of the word itself)."""
    return format_html('<span class="cp-badge cp-{}">{}</span>', TONES.get(value or word, "plain"), word)


def state(row: Model, field: str = "state") -> SafeString | str:
    """The badge of a choice field, in its own words."""
    value = str(getattr(row, field))
    word = getattr(row, f"get_{field}_display")()
    return badge(word, value) if value else NOTHING


def page_of(row: Model) -> str:
    """The address of a row's page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link(row: Model | None, text: str = "") -> SafeString | str:
    """A link to a row's page."""
    return format_html('<a href="{}">{}</a>', page_of(row), text or str(row)) if row else NOTHING


def outside(url: str, text: str = "") -> SafeString | str:
    """A link that leaves the site; only http and https become links, whatever a feed or GitHub may say."""
    if not is_web_address(url):
        return text or url or NOTHING
    return format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', url, text or url)


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # for example a broken IPv6 host
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def labels(names: Iterable[str]) -> SafeString | str:
    return format_html_join(" ", '<span class="cp-label">{}</span>', ((name,) for name in names)) or NOTHING


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share * 100:.0f} %"


def diff(text: str) -> SafeString | str:
    """A unified diff, one line per element; the sign stays, so that colour is never alone."""
    lines = text.splitlines()
    shown = [(_diff_tone(line), line) for line in lines[:MAX_DIFF_LINES]]
    if len(lines) > MAX_DIFF_LINES:
        shown.append(("cp-hunk", f"… {len(lines) - MAX_DIFF_LINES} more lines"))
    return format_html('<pre class="cp-diff" tabindex="0">{}</pre>', _lines(shown)) if shown else NOTHING


def _lines(rows: Sequence[tuple[str, str]]) -> SafeString:
    return format_html_join("", '<span class="{}">{}</span>', rows)


def _diff_tone(line: str) -> str:
    if line.startswith(("@@", "---", "+++")):
        return "cp-hunk"
    return {"+": "cp-plus", "-": "cp-minus"}.get(line[:1], "cp-same")


def pretty(value: object) -> str:
    """A stored JSON value for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)
