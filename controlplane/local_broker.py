"""The embedded broker: a kombu transport over files, for one machine.

Kombu's own `filesystem` transport loses messages: it deletes the file before the task runs and reads files that are
still being written. Here a message is written aside and renamed into `ready`; a consumer takes it by holding its lock
and renaming it into `claimed`; acknowledging unlinks it. The kernel frees the lock of a process however it dies, so a
claimed file with a free lock has a dead owner and goes back.
"""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import re
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
STALE_WRITE_SECONDS = 3600.0
DELIVERY_LIMIT = 20  # a message whose every reader dies is set aside, as quorum queues do
NAME = re.compile(r"(?P<order>\d{20}-\d+-\d+)\.(?P<deliveries>\d+)")


@dataclass
class Claim:
    """A message in the hands of this process, for as long as `descriptor` is open."""

    spool: Spool
    name: str
    descriptor: int
    body: bytes

    def done(self) -> None:
        (self.spool.claimed / self.name).unlink(missing_ok=True)
        self._let_go()

    def give_back(self) -> None:
        self.spool.move(self.name, self.spool.claimed, self.spool.ready, self.name)
        self._let_go()

    def set_aside(self) -> None:
        self.spool.move(self.name, self.spool.claimed, self.spool.broken, self.name)
        self._let_go()

    def _let_go(self) -> None:
        # Unlocked by name: a forked child holds a copy of the descriptor, and closing ours would free nothing.
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        os.close(self.descriptor)


class Spool:
    """The files of one queue."""

    _numbers = itertools.count()

    def __init__(self, folder: Path) -> None:
        self.ready, self.claimed, self.writing, self.broken = (
            folder / part for part in ("ready", "claimed", "writing", "broken")
        )
        for part in (self.ready, self.claimed, self.writing, self.broken):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._seen: deque[str] = deque()
        self._swept = 0.0

    def put(self, body: bytes) -> None:
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}.0"
        (self.writing / name).write_bytes(body)
        (self.writing / name).rename(self.ready / name)

    def claim(self) -> Claim | None:
        """The oldest message that nobody holds."""
        for name in self._names():
            descriptor = _lock(self.ready / name)
            if descriptor is None:
                continue
            self.move(name, self.ready, self.claimed, name)
            with os.fdopen(os.dup(descriptor), "rb") as file:
                return Claim(self, name, descriptor, file.read())
        return None

    def sweep(self) -> int:
        """Return what dead consumers held; drop what dead writers left half-written. Returns how many came back."""
        returned = 0
        for name in os.listdir(self.claimed):
            descriptor = _lock(self.claimed / name)
            if descriptor is not None:
                returned += self._return(name)
                os.close(descriptor)
        for path in self.writing.iterdir():
            if time.time() - _modified(path) > STALE_WRITE_SECONDS:
                path.unlink(missing_ok=True)
        return returned

    def sweep_now_and_then(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS or not self._swept:
            self._swept = time.monotonic()
            if returned := self.sweep():
                logger.warning("messages of dead consumers returned", extra={"count": returned})

    def size(self) -> int:
        return len(os.listdir(self.ready))

    def purge(self) -> int:
        count = 0
        while claim := self.claim():
            claim.done()
            count += 1
        return count

    def move(self, name: str, source: Path, target: Path, new_name: str) -> None:
        (source / name).rename(target / new_name)

    def _return(self, name: str) -> int:
        match = NAME.fullmatch(name)
        deliveries = int(match["deliveries"]) + 1 if match else DELIVERY_LIMIT
        if match is None or deliveries >= DELIVERY_LIMIT:
            logger.error("message set aside: every consumer that took it died", extra={"message_file": name})
            self.move(name, self.claimed, self.broken, name)
            return 0
        self.move(name, self.claimed, self.ready, f"{match['order']}.{deliveries}")
        return 1

    def _names(self) -> Iterator[str]:
        # Listing once per batch keeps 3,000 waiting messages from being listed 3,000 times.
        if not self._seen:
            self._seen.extend(sorted(os.listdir(self.ready)))
        while self._seen:
            yield self._seen.popleft()


def _lock(path: Path) -> int | None:
    """A descriptor that holds the file's lock, or None when another holds it or the file went elsewhere."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking another may have taken it, finished it and let it go.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


class Channel(virtual.Channel):  # type: ignore[misc] # kombu is untyped
    """Maps AMQP's verbs to spools; each queue is a folder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = Path(self.connection.client.transport_options["folder"])
        self._spools: dict[str, Spool] = {}
        self._claims: dict[str, Claim] = {}
        self._unacknowledged: set[str] = set()

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        if no_ack:
            self._unacknowledged.add(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        super().basic_ack(delivery_tag, multiple)
        self._finish(delivery_tag)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().basic_reject(delivery_tag, requeue=requeue)  # with `requeue` it calls _restore
        self._finish(delivery_tag)

    def _finish(self, delivery_tag: str) -> None:
        if claim := self._claims.pop(delivery_tag, None):
            claim.done()

    def _restore(self, message: Any) -> None:
        if claim := self._claims.pop(message.delivery_tag, None):
            claim.give_back()

    def _spool(self, queue: str) -> Spool:
        if queue not in self._spools:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", queue):
                raise ValueError(f"Queue name {queue!r} cannot name a folder; use letters, digits, dots and dashes.")
            self._spools[queue] = Spool(self._folder / queue)
        return self._spools[queue]

    def _new_queue(self, queue: str, **_: Any) -> None:
        self._spool(queue)

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        self._spool(queue).put(dumps(message).encode())

    def _get(self, queue: str, **_: Any) -> dict[str, Any]:
        spool = self._spool(queue)
        spool.sweep_now_and_then()
        while claim := spool.claim():
            message = _parsed(claim)
            if message is None:
                continue
            if queue in self._unacknowledged:
                claim.done()
            else:
                self._claims[message["properties"]["delivery_tag"]] = claim
            return message
        raise Empty

    def _size(self, queue: str) -> int:
        return self._spool(queue).size()

    def _purge(self, queue: str) -> int:
        return self._spool(queue).purge()


def _parsed(claim: Claim) -> dict[str, Any] | None:
    try:
        message: dict[str, Any] = loads(claim.body.decode())
        message["properties"]["delivery_tag"] + message["properties"]["body_encoding"] + message["body"]
    except (ValueError, KeyError, TypeError):
        logger.error("message set aside: not a message", extra={"message_file": claim.name, "bytes": len(claim.body)})
        claim.set_aside()
        return None
    return message


class Transport(virtual.Transport):  # type: ignore[misc] # kombu is untyped
    """`local://`; the folder comes from the transport options."""

    Channel = Channel
    polling_interval = 0.05
    default_port = 0
    driver_type = "local"
    driver_name = "controlplane"
    connection_errors = (*virtual.Transport.connection_errors, socket.timeout)

    def driver_version(self) -> str:
        return "1"
