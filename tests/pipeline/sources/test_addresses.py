from __future__ import annotations

import time

import pytest

from pipeline.sources.addresses import Resolver, is_public, system_resolver, target
from pipeline.sources.port import Refused, Unreachable

PUBLIC = "93.184.215.14"


def resolves_to(*addresses: str) -> Resolver:
    return lambda host, port: list(addresses)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "nonsense"],
)  # fmt: skip
def test_addresses_inside_some_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_every_address_of_a_name_is_checked() -> None:
    with pytest.raises(Refused, match=r"site\.example leads to 10\.0\.0\.9, which is not a public address\.$"):
        target("https://site.example/feed", frozenset(), resolves_to(PUBLIC, "10.0.0.9"), 1)


def test_the_addresses_that_were_checked_are_the_ones_to_connect_to() -> None:
    found = target("https://Site.example/feed", frozenset(), resolves_to(PUBLIC, "8.8.8.8"), 1)
    assert (found.host, found.port, found.addresses) == ("site.example", 443, (PUBLIC, "8.8.8.8"))


@pytest.mark.parametrize("url", ["https://site.example:8443/", "http://site.example:443/", "http://site.example:22/"])
def test_other_ports_are_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"port .* is not allowed"):
        target(url, frozenset(), resolves_to(PUBLIC), 1)


def test_the_allowlist_frees_one_host_and_port_exactly() -> None:
    allowed = frozenset({"127.0.0.1:8400"})
    assert target("http://127.0.0.1:8400/a", allowed, resolves_to("127.0.0.1"), 1).port == 8400
    for url in ("http://127.0.0.1/a", "http://127.0.0.1:8401/a", "http://127.0.0.2:8400/a"):
        with pytest.raises(Refused):
            target(url, allowed, resolves_to("127.0.0.1"), 1)


@pytest.mark.parametrize(
    "url", ["ftp://site.example/", "file:///etc/passwd", "gopher://site.example/", "http://", "http://a@b.example/", ""]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"^Not fetched: .*\.$"):
        target(url, frozenset(), resolves_to(PUBLIC), 1)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost"])
def test_other_spellings_of_loopback_are_refused_after_resolving(host: str) -> None:
    with pytest.raises(Refused, match="not a public address"):
        target(f"http://{host}/", frozenset(), system_resolver, 5)


def test_a_name_that_does_not_resolve_is_tried_later() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Unreachable, match=r"site\.example does not resolve \(no such name\)"):
        target("https://site.example/", frozenset(), fails, 1)


def test_a_resolver_that_hangs_is_left_behind() -> None:
    def hangs(host: str, port: int) -> list[str]:
        time.sleep(1)
        return [PUBLIC]

    with pytest.raises(Unreachable, match="not resolved in time"):
        target("https://site.example/", frozenset(), hangs, 0.05)
