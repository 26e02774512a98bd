from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.fetch import HttpFetcher
from pipeline.sources.port import Fetched, Refused, Unreachable
from tests.pipeline.sources.loopback import Loopback, send


def fetcher(site: Loopback, **options: Any) -> HttpFetcher:
    return HttpFetcher(frozenset({site.pair}), **options)


def test_a_page_comes_back_with_its_validators(site: Loopback) -> None:
    url = site.says(
        "/feed", b"<rss/>", ETag='"v1"', Last_Modified="Mon, 01 Jun 2026 10:00:00 GMT", Content_Type="text/xml"
    )
    assert fetcher(site).fetch(url) == Fetched(url, b"<rss/>", "text/xml", '"v1"', "Mon, 01 Jun 2026 10:00:00 GMT")


def test_validators_are_sent_and_304_is_not_modified(site: Loopback) -> None:
    url = site.says("/feed", status=304, ETag='"v1"')
    answer = fetcher(site).fetch(url, etag='"v1"', last_modified="Mon, 01 Jun 2026 10:00:00 GMT")
    assert (answer.not_modified, answer.content, answer.etag) == (True, b"", '"v1"')
    assert site.seen[0][1]["If-None-Match"] == '"v1"'
    assert site.seen[0][1]["If-Modified-Since"] == "Mon, 01 Jun 2026 10:00:00 GMT"


def test_stored_validators_cannot_smuggle_headers(site: Loopback) -> None:
    url = site.says("/feed", b"x")
    fetcher(site).fetch(url, etag='"a"\r\nX-Evil: 1')
    assert "X-Evil" not in site.seen[0][1]


def test_loopback_is_refused_unless_allowed(site: Loopback) -> None:
    with pytest.raises(Refused, match="port"):
        HttpFetcher().fetch(site.says("/feed", b"x"))
    assert site.seen == []


def test_the_proxies_and_logins_of_the_environment_are_not_used(
    site: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert fetcher(site).fetch(site.says("/feed", b"x")).content == b"x"
    assert "Authorization" not in site.seen[0][1]


def test_redirects_are_followed_to_the_final_address(site: Loopback) -> None:
    site.says("/c", b"here")
    site.redirects("/b", site.url("/c#part"), 301)
    answer = fetcher(site).fetch(site.redirects("/a", "/b"))
    assert (answer.content, answer.url) == (b"here", site.url("/c"))


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://10.0.0.1/"])
def test_a_redirect_to_a_private_address_is_refused(site: Loopback, to: str) -> None:
    with pytest.raises(Refused, match="not a public address"):
        fetcher(site).fetch(site.redirects("/a", to))


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://example.com/", "http://example.com:22/", "http://[", ""])
def test_a_redirect_to_what_may_not_be_fetched_is_refused(site: Loopback, to: str) -> None:
    with pytest.raises(Refused, match=r"\.$"):
        fetcher(site).fetch(site.redirects("/a", to))


def test_the_body_of_a_redirect_is_not_read(site: Loopback) -> None:
    site.says("/b", b"here")
    bomb = gzip.compress(b"\0" * 9_000_000)
    url = site.says("/a", bomb, 302, Location="/b", Content_Encoding="gzip")
    assert fetcher(site).fetch(url).content == b"here"


def test_a_circle_of_redirects_is_refused(site: Loopback) -> None:
    site.redirects("/b", "/a")
    with pytest.raises(Refused, match="redirects in a circle"):
        fetcher(site).fetch(site.redirects("/a", "/b"))


def test_a_chain_of_six_redirects_is_refused(site: Loopback) -> None:
    for number in range(7):
        site.redirects(f"/{number}", f"/{number + 1}")
    with pytest.raises(Refused, match="more than 5 times"):
        fetcher(site).fetch(site.url("/0"))
    assert len(site.seen) == 6


def test_a_name_that_changes_its_address_is_connected_where_it_was_checked(site: Loopback) -> None:
    """DNS rebinding: the name is asked once per hop, and the socket goes to that answer."""
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    site.says("/a", b"ok")
    allowed = frozenset({f"rebind.example:{site.port}"})
    answer = HttpFetcher(allowed, resolver=rebinding).fetch(f"http://rebind.example:{site.port}/a")
    assert (answer.content, asked) == (b"ok", ["rebind.example"])
    assert site.seen[0][1]["Host"] == f"rebind.example:{site.port}"


def test_a_name_that_turns_private_for_the_second_hop_is_refused(site: Loopback) -> None:
    answers = iter([["127.0.0.1"], ["192.168.0.1"]])
    site.redirects("/a", "http://rebind.example/b")
    reader = HttpFetcher(frozenset({site.pair}), resolver=lambda host, port: next(answers))
    with pytest.raises(Refused, match=r"rebind\.example leads to 192\.168\.0\.1"):
        reader.fetch(site.url("/a"))


def test_the_second_address_is_tried_when_the_first_is_dead(site: Loopback) -> None:
    site.says("/a", b"ok")
    reader = HttpFetcher(
        frozenset({f"two.example:{site.port}"}), resolver=lambda host, port: ["127.0.0.9", "127.0.0.1"]
    )
    assert reader.fetch(f"http://two.example:{site.port}/a").content == b"ok"


def drip(handler: BaseHTTPRequestHandler, head: bytes, piece: bytes) -> None:
    handler.wfile.write(head)
    for _ in range(60):
        handler.wfile.write(piece)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("head", "piece"),
    [(b"HTTP/1.0 200 OK\r\n\r\n", b"x"), (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"), (b"", b"H"),
     (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
     (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")],
    ids=["open end", "known length", "status line", "headers", "chunks"],
)  # fmt: skip
def test_a_server_that_drips_is_cut_off_at_the_deadline(site: Loopback, head: bytes, piece: bytes) -> None:
    site.paths["/slow"] = lambda handler: drip(handler, head, piece)
    with pytest.raises(Unreachable, match=r"not all here after 0\.3 s and was cut off\.$"):
        fetcher(site, total_seconds=0.3).fetch(site.url("/slow"))


def test_the_deadline_is_one_for_all_hops(site: Loopback) -> None:
    def slow_hop(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        send(handler, b"", 302, {"Location": f"/{int(handler.path[1:]) + 1}"})

    site.paths |= {f"/{number}": slow_hop for number in range(6)}
    with pytest.raises(Unreachable):
        fetcher(site, total_seconds=0.3).fetch(site.url("/0"))


def test_a_server_that_says_nothing_runs_into_the_read_timeout(site: Loopback) -> None:
    site.paths["/mute"] = lambda handler: time.sleep(0.5)
    with pytest.raises(Unreachable, match="timed out"):
        fetcher(site, read_seconds=0.1).fetch(site.url("/mute"))


def test_a_body_over_the_limit_is_refused(site: Loopback) -> None:
    with pytest.raises(Refused, match=r"larger than 0\.5 MB"):
        fetcher(site, max_bytes=512 * 1024).fetch(site.says("/big", b"x" * 600_000))


def test_a_gzip_bomb_is_refused_before_it_has_gone_off(site: Loopback) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=1)
    with pytest.raises(Refused, match="larger than 5 MB"):
        fetcher(site).fetch(site.says("/bomb", bomb, Content_Encoding="gzip"))


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_content_is_unpacked(site: Loopback, coding: str, pack: Callable[[bytes], bytes]) -> None:
    url = site.says("/feed", pack(b"<rss/>" * 50_000), Content_Encoding=coding)
    assert fetcher(site).fetch(url).content == b"<rss/>" * 50_000


@pytest.mark.parametrize(
    "body", [b"no gzip at all", gzip.compress(b"whole" * 99, mtime=0)[:-12], b""], ids=["no gzip", "cut short", "empty"]
)
def test_broken_compression_is_refused(site: Loopback, body: bytes) -> None:
    with pytest.raises(Refused, match="what it sends as gzip is not"):
        fetcher(site).fetch(site.says("/feed", body, Content_Encoding="gzip"))


def test_a_coding_that_was_not_asked_for_is_refused(site: Loopback) -> None:
    with pytest.raises(Refused, match="'gzip, gzip'"):
        fetcher(site).fetch(site.says("/feed", b"x", Content_Encoding="gzip, gzip"))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_passing_trouble_is_tried_later(site: Loopback, status: int) -> None:
    with pytest.raises(Unreachable, match=f"answered {status}; it is tried again later"):
        fetcher(site).fetch(site.says("/feed", b"", status))


@pytest.mark.parametrize("status", [204, 300, 401, 403, 404, 410, 451])
def test_other_answers_need_a_person(site: Loopback, status: int) -> None:
    with pytest.raises(Refused, match=f"answered {status}; check the address"):
        fetcher(site).fetch(site.says("/feed", b"", status))


def test_a_body_that_breaks_off_is_tried_later(site: Loopback) -> None:
    site.paths["/cut"] = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nonly this")
    with pytest.raises(Unreachable, match="tried again later"):
        fetcher(site).fetch(site.url("/cut"))


def test_a_closed_port_is_tried_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        pair = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unreachable, match="refused"):
        HttpFetcher(frozenset({pair})).fetch(f"http://{pair}/")


def test_what_is_no_http_is_tried_later(site: Loopback) -> None:
    site.paths["/x"] = lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n")
    with pytest.raises(Unreachable):
        fetcher(site).fetch(site.url("/x"))


def test_no_thread_or_socket_is_left_behind(site: Loopback) -> None:
    url = site.says("/feed", b"x")
    before = threading.active_count()
    for _ in range(5):
        fetcher(site).fetch(url)
    time.sleep(0.05)
    assert sum(thread.name == "resolve" for thread in threading.enumerate()) == 0
    assert threading.active_count() <= before + 1
