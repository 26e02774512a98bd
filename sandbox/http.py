"""Bytes on the wire to `Request`, `Response` to bytes: keep-alive HTTP/1.1, one thread per connection."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.routing import Request, Response

if TYPE_CHECKING:
    from sandbox.server import Sandbox

logger = logging.getLogger("sandbox.http")
MAX_BODY = 50 * 1024 * 1024
IDLE_SECONDS = 75


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[Handler], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep alive, and with them their threads."""
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: Any) -> None:
        logger.debug("connection ended early", exc_info=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "GitHub.com"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(Response.json({"message": "Payload too large or of unknown length"}, 413))
            return
        body = self.rfile.read(length) if length else b""
        split = urlsplit(self.path)
        request = Request(
            sandbox=self.server.sandbox,
            method="GET" if self.command == "HEAD" else self.command,
            path=split.path,
            query=dict(parse_qsl(split.query, keep_blank_values=True)),
            headers=self.headers,
            body=body,
            base_url=f"http://{self.headers.get('Host') or f'{self.server.sandbox.host}:{self.server.sandbox.port}'}",
        )
        self._send(self._answer(request))

    def _answer(self, request: Request) -> Response:
        try:
            return self.server.sandbox.answer(request)
        except Exception:
            logger.exception("the sandbox itself failed at %s %s", request.method, request.path)
            return Response.json({"message": "The sandbox itself failed; see its log."}, 500)

    def _send(self, response: Response) -> None:
        if response.abort:
            self._hang_up()
            return
        self.send_response(response.status, response.phrase)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status not in (204, 304):
            length = len(response.body) if response.declared_length is None else response.declared_length
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)
        self.wfile.flush()
        if response.declared_length is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header tells the time of this world, which may be a virtual one."""
        return super().date_time_string(self.server.sandbox.clock().timestamp() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)
