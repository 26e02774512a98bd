"""Fetching monitored content over HTTP, from servers that may be hostile (RELIABILITY.md, section 5).

Only http and https on their own ports; each hop's name is resolved once and checked, and the connection goes to the
checked address; no proxies, cookies or credentials from the environment; one deadline and one size for everything.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from urllib.parse import urljoin

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from pipeline.sources.addresses import Resolver, Target, system_resolver, target
from pipeline.sources.pinned import Deadline, PinnedAdapter
from pipeline.sources.port import Fetched, Refused, Unreachable

MAX_BYTES = 5 * 1024 * 1024
MAX_HOPS = 5
_CHUNK = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_LATER = frozenset({408, 425, 429})
_PLAIN = frozenset({"", "identity"})
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_ACCEPT = "application/feed+json, application/atom+xml, application/rss+xml, application/xml, text/html, */*;q=0.5"


class HttpFetcher:
    """The real `Fetcher`. `allow_private` holds exact "host:port" pairs free of the address and port rules."""

    def __init__(
        self,
        allow_private: frozenset[str] = frozenset(),
        *,
        connect_seconds: float = 3.0,
        read_seconds: float = 5.0,
        total_seconds: float = 10.0,
        max_bytes: int = MAX_BYTES,
        resolver: Resolver = system_resolver,
        ca_bundle: str = "",
        user_agent: str = "controlplane-monitor/1.0",
    ) -> None:
        self._allowed = frozenset(pair.lower() for pair in allow_private)
        self._timeouts = (connect_seconds, read_seconds)
        self._total = total_seconds
        self._max_bytes = max_bytes
        self._resolver = resolver
        self._verify: bool | str = ca_bundle or True
        self._agent = user_agent

    def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """The content after at most five redirects; with validators that still hold, `not_modified`."""
        headers = {"User-Agent": self._agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        headers |= {"If-None-Match": _line(etag)} if etag else {}
        headers |= {"If-Modified-Since": _line(last_modified)} if last_modified else {}
        ends = time.monotonic() + self._total
        here, seen = url, [url]
        while True:
            with Deadline(ends - time.monotonic()) as deadline:
                answer = self._hop(here, headers, deadline, ends)
            if isinstance(answer, Fetched):
                return answer
            if answer in seen:
                raise Refused(f"{url} was not fetched: it redirects in a circle by way of {answer[:200]}.")
            if len(seen) > MAX_HOPS:
                raise Refused(f"{url} was not fetched: it redirects more than {MAX_HOPS} times.")
            seen.append(answer)
            here = answer

    def _hop(self, url: str, headers: dict[str, str], deadline: Deadline, ends: float) -> Fetched | str:
        """One request: the content, or the address that it redirects to."""
        aim = target(url, self._allowed, self._resolver, ends - time.monotonic())
        # Not by a Session: it would parse redirects by itself and read their bodies without a bound.
        request = requests.Request("GET", url, headers=headers)
        adapter = PinnedAdapter(aim, deadline)
        try:
            with adapter.send(request.prepare(), True, self._timeouts, self._verify) as response:
                return self._read(response, aim, deadline)
        except (requests.RequestException, HTTPError, OSError) as error:
            if deadline.passed:
                raise self._too_slow(url) from error
            if isinstance(error, requests.exceptions.SSLError):
                raise Refused(
                    f"{url} was not fetched: its certificate or encryption failed ({_short(error)})."
                ) from error
            raise Unreachable(f"{url} could not be fetched: {_short(error)}; it is tried again later.") from error
        finally:
            adapter.close()

    def _read(self, response: requests.Response, aim: Target, deadline: Deadline) -> Fetched | str:
        headers = response.headers
        if response.status_code in _REDIRECTS:
            return _location(response, aim.url)
        _check_status(aim.url, response)
        content = b"" if response.status_code == 304 else self._content(response, aim.url)
        if deadline.passed:
            raise self._too_slow(aim.url)
        return Fetched(
            url=aim.url,
            content=content,
            content_type=headers.get("Content-Type", "")[:200],
            etag=headers.get("ETag", "")[:300],
            last_modified=headers.get("Last-Modified", "")[:100],
            not_modified=response.status_code == 304,
        )

    def _content(self, response: requests.Response, url: str) -> bytes:
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding not in _PLAIN | _COMPRESSED:
            raise Refused(f"{url} was not fetched: it is sent in the coding {coding[:40]!r}, which was not asked for.")
        chunks = response.raw.stream(_CHUNK, decode_content=False)
        pieces = _inflated(chunks, self._max_bytes) if coding in _COMPRESSED else chunks
        parts, size = [], 0
        try:
            for piece in pieces:
                size += len(piece)
                if size > self._max_bytes:
                    raise Refused(f"{url} was not fetched: it is larger than {self._max_bytes / 1024 / 1024:g} MB.")
                parts.append(piece)
        except zlib.error as error:
            raise Refused(f"{url} was not fetched: what it sends as {coding} is not ({error}).") from error
        return b"".join(parts)

    def _too_slow(self, url: str) -> Unreachable:
        return Unreachable(f"{url} could not be fetched: it was not all here after {self._total:g} s and was cut off.")


def _inflated(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Decompress with bounded output per step, so that a bomb is noticed before it has gone off."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    for chunk in chunks:
        while chunk and not inflater.eof:
            yield inflater.decompress(chunk, max_length=min(limit + 1, 16 * _CHUNK))
            chunk = inflater.unconsumed_tail  # noqa: PLW2901 - what did not fit into this step
    if not inflater.eof:
        raise zlib.error("it ends too early")


def _location(response: requests.Response, url: str) -> str:
    raw: CaseInsensitiveDict[str] = response.headers
    # HTTP hands headers over as Latin-1; servers that put UTF-8 there mean UTF-8.
    text = raw.get("Location", "").encode("latin-1", "replace").decode("utf-8", "replace").strip()
    if not text:
        raise Refused(f"{url} was not fetched: it answers {response.status_code} but names no other address.")
    try:
        return urljoin(url, text).split("#", 1)[0]
    except ValueError as error:
        raise Refused(f"{url} was not fetched: it redirects to {text[:80]!r}, which is no address.") from error


def _check_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status in _TRY_LATER or status >= 500:
        raise Unreachable(f"{url} could not be fetched: the server answered {status}; it is tried again later.")
    if status not in {200, 304}:
        raise Refused(f"{url} was not fetched: the server answered {status}; check the address of the source.")


def _line(value: str) -> str:
    return "".join(char for char in value if " " <= char <= "~")


def _short(error: BaseException) -> str:
    """The innermost cause in a few words; libraries nest their reports."""
    inner: object = error
    while isinstance(inner, BaseException):
        error = inner
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    text = " ".join(str(error).split()).rsplit(" (_ssl.c", 1)[0]
    return text[:160].rstrip(".") or type(error).__name__
