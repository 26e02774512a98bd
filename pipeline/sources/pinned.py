"""A requests adapter that connects only to checked addresses and is cut off at one moment, whatever the server does.

The name stays in the URL, so the Host header, SNI and the certificate check are those of any client; only the socket
goes where `Target` says. That closes the gap between checking a name and connecting to it (DNS rebinding).
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from pipeline.sources.addresses import Target


class Deadline:
    """Shuts down every watched connection after `seconds`: read timeouts alone never end a server that drips."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(seconds, 0.0), self._cut)
        self._timer.daemon = True

    def watch(self, connection: socket.socket) -> None:
        """A duplicate is kept, because TLS takes the original socket's descriptor away during its handshake."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        self.passed = True
        with self._lock:
            for watched in self._sockets:
                try:
                    watched.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed already

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()


class PinnedAdapter(HTTPAdapter):
    """For one hop to one target."""

    def __init__(self, target: Target, deadline: Deadline) -> None:
        self._target = target
        self._deadline = deadline
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _pools(self._target, self._deadline)


def _pools(target: Target, deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, target, deadline)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, target, deadline)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _connect(connection: HTTPConnection, target: Target, deadline: Deadline) -> socket.socket:
    """The first of the checked addresses that answers."""
    timeout = connection.timeout if isinstance(connection.timeout, (int, float)) else 5.0
    failure: Exception = NewConnectionError(connection, "no address")
    for address in target.addresses:
        if deadline.passed:
            break
        try:
            opened = socket.create_connection((address, target.port), timeout)
        except TimeoutError:
            failure = ConnectTimeoutError(connection, f"no connection to {address} in {timeout:g} s")
        except OSError as error:
            failure = NewConnectionError(connection, f"{error.strerror or error}")
        else:
            deadline.watch(opened)
            return opened
    raise failure
