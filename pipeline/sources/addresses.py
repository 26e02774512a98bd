"""Which addresses may be fetched: a name is resolved once, and every address behind it has to be a public one."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.domain.urls import normalise_url
from pipeline.sources.port import Refused, Unreachable

Resolver = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"http": 80, "https": 443}
# Addresses that a gateway translates to IPv4: what they carry inside counts.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect for one hop. All `addresses` were checked; the socket is opened to one of them."""

    url: str
    host: str
    port: int
    addresses: tuple[str, ...]


def system_resolver(host: str, port: int) -> list[str]:
    """All addresses of a host, in the system's order; OSError when there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def target(url: str, allowed: frozenset[str], resolver: Resolver, seconds: float) -> Target:
    """Check `url` and every address behind its host. `allowed` holds exact "host:port" pairs that may be private."""
    try:
        normalise_url(url)
    except ValueError as error:
        raise Refused(f"Not fetched: {error}") from error
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    port = parts.port or PORTS[parts.scheme]
    trusted = f"{host}:{port}" in allowed
    if not trusted and port != PORTS[parts.scheme]:
        raise Refused(f"{url} was not fetched: port {port} is not allowed; only 80 for http and 443 for https are.")
    addresses = _resolve(url, host, port, resolver, seconds)
    for address in () if trusted else addresses:
        if not is_public(address):
            raise Refused(f"{url} was not fetched: {host} leads to {address}, which is not a public address.")
    return Target(url.strip(), host, port, tuple(addresses))


def is_public(address: str) -> bool:
    """Whether an address, and the IPv4 address that it may wrap, is a global unicast one."""
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(part) for part in (parsed, *_inside(parsed)))


def _is_public(address: Address) -> bool:
    # `is_global` alone says yes to multicast, and to site-local addresses on some Python versions.
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not site_local


def _inside(address: Address) -> list[ipaddress.IPv4Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in wrapped if inner is not None]


def _resolve(url: str, host: str, port: int, resolver: Resolver, seconds: float) -> Sequence[str]:
    """The resolver has no time limit of its own, so it runs aside and may be left behind."""
    answer: queue.SimpleQueue[Sequence[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(resolver(host, port))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        found = answer.get(timeout=max(seconds, 0.001))
    except queue.Empty as error:
        raise Unreachable(f"{url} could not be fetched: the name {host} was not resolved in time.") from error
    if isinstance(found, (OSError, UnicodeError)) or not found:
        raise Unreachable(f"{url} could not be fetched: the name {host} does not resolve ({found or 'no address'}).")
    return found
