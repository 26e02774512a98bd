"""When are two discoveries the same thing? Normalised addresses and titles, and the sentence that says why.

`normalise_url` still opens in a browser. For comparing, `url_key` goes one step further and forgets the scheme and a
leading `www.`. The case of a path is kept, because servers may tell it apart; a copy that differs only there is
found by its title, and so is one that moved, unless its source says that it was published at another time.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

import idna

MAX_URL = 2048  # characters; what browsers and GitHub still link
MAX_TITLE = 500  # characters that count when titles are compared

# A block of text on a watched page has one address for ever; this fragment of ours tells its versions apart.
VERSION_MARK = "content-sha256-"

TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "piwik_", "hsa_", "at_", "_hs", "vero_", "oly_")
# fmt: off
TRACKING_NAMES = frozenset(
    {"fbclid", "gclid", "dclid", "gclsrc", "gbraid", "wbraid", "msclkid", "twclid", "yclid", "ttclid", "li_fat_id",
     "igshid", "igsh", "ref", "ref_src", "ref_url", "referrer", "cmpid", "campaign_id", "mkt_tok", "hsctatracking",
     "_ga", "_gl", "ncid", "spm", "s_cid", "trk", "trkcampaign", "wickedid", "rb_clickid", "sr_share", "soc_src",
     "soc_trk", "feature_ref", "__twitter_impression"}
)
# fmt: on
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = _UNRESERVED | frozenset("!$&'()*+,;=:@/")
_QUERY_SAFE = _UNRESERVED | frozenset("!$'()*,;:@/?=")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,62}[a-z0-9_])?)*\Z")
_VERSION = re.compile(rf"{VERSION_MARK}[0-9a-f]{{16}}\Z")
_FOLDED = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-"})
_EDGES = " .,;:!?…'\"-|"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A thing found in a source. `where` says what we already have of it, for the sentence ("issue #12")."""

    url: str
    title: str
    where: str = ""
    published_at: datetime | None = None  # None: the source does not say


def normalise_url(url: str) -> str:
    """One spelling for all addresses that lead to the same page. ValueError, in one sentence, for anything else."""
    parts = _split(url)
    scheme = parts.scheme.lower()
    path = _path(parts.path)
    query = _query(parts.query)
    # A host of only ASCII and escapes: what is left over here cannot fail to be joined.
    address = f"{scheme}://{_authority(parts, scheme, url)}{path}" + (f"?{query}" if query else "")
    return f"{address}#{parts.fragment}" if _VERSION.match(parts.fragment) else address


def url_key(url: str) -> str:
    """What two addresses are compared by: the normalised address without scheme and leading `www.`."""
    return normalise_url(url).split("://", 1)[1].removeprefix("www.")


def part_key(url: str) -> str:
    """The same, with the anchor where there is one: entries of one page are told apart by it."""
    key, fragment = url_key(url), urlsplit(url.strip()).fragment
    return f"{key}#{fragment}" if fragment and "#" not in key else key


def host_of(url: str) -> str:
    """The host (and a port that is not the default) that titles are compared within, without `www.`."""
    return url_key(url).split("/", 1)[0]


def normalise_title(title: str) -> str:
    """Compatibility form, case, white space, quotes, dashes, invisible characters and closing punctuation unified."""
    text = title[: 4 * MAX_TITLE]
    for _ in range(8):  # case folding can undo the compatibility form and the other way round; it settles quickly
        before, text = text, _fold(text)
        if text == before:
            break
    return text


def fingerprint(url: str, title: str) -> str:
    """SHA-256 over both comparison forms, in hex; ValueError as `normalise_url`."""
    return hashlib.sha256(f"{url_key(url)}\n{normalise_title(title)}".encode()).hexdigest()


def versioned(url: str, content: str) -> str:
    """The address of one version of a text that has no address of its own."""
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    return f"{url.split('#', 1)[0]}#{VERSION_MARK}{digest[:16]}"


def duplicate_reason(new: Sighting, known: Iterable[Sighting]) -> str | None:
    """One sentence naming the first of `known` that `new` repeats, or None. A match of addresses goes before titles."""
    key, host, title = url_key(new.url), host_of(new.url), normalise_title(new.title)
    same_title: Sighting | None = None
    for other in known:
        if url_key(other.url) == key and not _other_part(new, other):
            return f"The address is that of {_name(other)} once tracking parameters and spelling are set aside."
        same = bool(title) and normalise_title(other.title) == title and host_of(other.url) == host
        if same and same_title is None and not _next_of_a_series(new, other):
            same_title = other
    return None if same_title is None else f"{host} already published the same title: {_name(same_title)}."


def _next_of_a_series(new: Sighting, other: Sighting) -> bool:
    """A weekly report has one title for ever: another path, published at another time, is another thing."""
    if new.published_at is None or other.published_at is None or new.published_at == other.published_at:
        return False
    return _place(new.url) != _place(other.url)


def _other_part(new: Sighting, other: Sighting) -> bool:
    """Release notes are often one page: another anchor with another title is another entry of it."""
    here, there = urlsplit(new.url).fragment, urlsplit(other.url).fragment
    return bool(here and there) and here != there and normalise_title(new.title) != normalise_title(other.title)


def _place(url: str) -> str:
    return url_key(url).partition("?")[0].casefold()


def _name(known: Sighting) -> str:
    return f"{known.where} ({known.url[:200]})" if known.where else known.url[:200]


def _split(url: str) -> SplitResult:
    text = url.strip()
    if not text or len(text) > MAX_URL:
        raise ValueError(f"An address of {len(text)} characters is not one; 1 to {MAX_URL} are.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise ValueError(f"The address {text[:80]!r} holds control characters; nothing can be found there.")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"The address {text[:80]!r} cannot be read: {error}.") from error
    if parts.scheme.lower() not in _DEFAULT_PORTS:
        raise ValueError(f"The address {text[:80]!r} does not begin with http:// or https://.")
    if "@" in parts.netloc:
        raise ValueError(f"The address at {parts.netloc.rpartition('@')[2][:80]!r} carries a user name; take it out.")
    return parts


def _authority(parts: SplitResult, scheme: str, url: str) -> str:
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"The address {url[:80]!r} has a port that is not a number from 0 to 65535.") from error
    host = _host(parts.hostname or "", url)
    return host if port is None or port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"


def _host(host: str, url: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError as error:
            raise ValueError(f"The address {url[:80]!r} has no valid IPv6 host.") from error
    name = host.rstrip(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f"The address {url[:80]!r} has a host that cannot be a domain name.") from error
    name = name.lower()
    if not _HOST.match(name):
        raise ValueError(f"The address {url[:80]!r} has no valid host.")
    return name


def _path(path: str) -> str:
    kept: list[str] = []
    for segment in _escaped(path, _PATH_SAFE).split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept)


def _query(query: str) -> str:
    pairs = []
    for field in query.split("&"):
        name, _, value = (_escaped(part, _QUERY_SAFE - {"="}) if part != "=" else part for part in field.partition("="))
        if (name or value) and not _is_tracking(name.lower()):
            pairs.append((name, value))
    return "&".join(f"{name}={value}" if value else name for name, value in sorted(pairs))


def _is_tracking(name: str) -> bool:
    return name in TRACKING_NAMES or name.startswith(TRACKING_PREFIXES)


def _escaped(text: str, safe: frozenset[str]) -> str:
    """Escapes in upper case, only where needed; a percent sign that begins no escape is escaped itself."""
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        escape = _ESCAPE.match(text, position) if char == "%" else None
        if escape:
            byte = chr(int(escape[1], 16))
            out.append(byte if byte in _UNRESERVED else f"%{escape[1].upper()}")
            position = escape.end()
            continue
        # In a query a plus sign is a space; in a path it stands for itself and is safe there.
        out.append("%20" if char == "+" and char not in safe else char if char in safe else _percent(char))
        position += 1
    return "".join(out)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def _fold(title: str) -> str:
    text = unicodedata.normalize("NFKC", title.translate(_FOLDED)).casefold()
    text = unicodedata.normalize("NFKC", text).translate(_FOLDED)
    text = "".join(" " if char.isspace() else char for char in text if unicodedata.category(char) != "Cf")
    text = "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cs"})
    return " ".join(text.split()).strip(_EDGES)[:MAX_TITLE].strip(_EDGES)
