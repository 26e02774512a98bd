"""Where messages of ours end in the sandbox: a chat like Slack's incoming webhook, and a mail server.

Everything that arrives is an entry of the sandbox's append-only event log (`field` "sink.chat" or "sink.mail") and is
read back from there: `GET /sink/chat`, `GET /sink/mail`.
"""

from __future__ import annotations

import logging
import socketserver
import threading
from email import message_from_bytes, policy
from types import TracebackType
from typing import Any, Self

from sandbox.events import EventLog
from sandbox.routing import Request, Response, Routes

logger = logging.getLogger("sandbox.sinks")
routes = Routes(prefix="/sink")

MAX_TEXT = 40_000  # characters in one chat message, as Slack's
MAX_MAIL = 10 * 1024 * 1024
MAX_LINE = 4096
MAX_RECIPIENTS = 100
IDLE_SECONDS = 30


@routes.route("POST", "/chat")
def chat(request: Request) -> Response:
    """Slack answers in plain text: "ok", or what is wrong."""
    try:
        message = request.json()
    except ValueError:
        return Response.text("invalid_payload", 400)
    if not isinstance(message, dict):
        return Response.text("invalid_payload", 400)
    if not (message.get("text") or message.get("blocks") or message.get("attachments")):
        return Response.text("no_text", 400)
    if len(str(message.get("text") or "")) > MAX_TEXT:
        return Response.text("msg_too_long", 400)
    request.sandbox.log.write("world", field="sink.chat", changes=[{"what": "message", "after": message}])
    return Response.text("ok")


@routes.route("GET", "/chat")
def chat_messages(request: Request) -> Response:
    return Response.json({"messages": received(request.sandbox.log, "sink.chat")})


@routes.route("GET", "/mail")
def mail_messages(request: Request) -> Response:
    return Response.json({"messages": received(request.sandbox.log, "sink.mail")})


def received(log: EventLog, sink: str) -> list[dict[str, Any]]:
    """All messages of one sink, oldest first, each with `seq` and `time`."""
    return [
        {"seq": entry["seq"], "time": entry["time"], **entry["changes"][0]["after"]}
        for entry in log.after()
        if entry.get("field") == sink
    ]


class MailSink:
    """A tiny SMTP server on loopback: `with MailSink(sandbox.log) as mail: mail.port`. It delivers nothing."""

    def __init__(self, log: EventLog, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server((host, port), _Session)
        self._server.log = log
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._serve, name="sandbox-mail", daemon=True)

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    log: EventLog

    def handle_error(self, *_connection: Any) -> None:
        logger.debug("mail connection ended early", exc_info=True)


class _Session(socketserver.StreamRequestHandler):
    """One connection: the commands of RFC 5321 that a client needs, in their order."""

    timeout = IDLE_SECONDS
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.sender: str | None = None
        self.recipients: list[str] = []

    def handle(self) -> None:
        self._say("220 sandbox ready")
        while line := self.rfile.readline(MAX_LINE):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 Bye")
                return
            self._say(self._answer(verb.upper(), rest))

    def _answer(self, verb: str, rest: str) -> str:
        if verb == "EHLO":
            return f"250-sandbox\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAX_MAIL}"
        if verb in {"HELO", "NOOP", "RSET"}:
            self._reset()
            return "250 OK"
        if verb == "MAIL" and rest.upper().startswith("FROM:"):
            self._reset()
            self.sender = _address(rest)
            return "250 OK"
        if verb == "RCPT" and rest.upper().startswith("TO:"):
            return self._recipient(rest)
        if verb == "DATA":
            return self._data()
        return "502 Command not implemented"

    def _recipient(self, rest: str) -> str:
        if self.sender is None:
            return "503 Bad sequence of commands: MAIL first"
        if len(self.recipients) >= MAX_RECIPIENTS:
            return "452 Too many recipients"
        self.recipients.append(_address(rest))
        return "250 OK"

    def _data(self) -> str:
        if not self.recipients:
            return "503 Bad sequence of commands: RCPT first"
        self._say("354 End data with <CR><LF>.<CR><LF>")
        raw = bytearray()
        while (line := self.rfile.readline()) not in (b".\r\n", b".\n"):
            if not line:
                return "451 The connection ended inside the message"
            if len(raw) <= MAX_MAIL:
                raw += line[1:] if line.startswith(b"..") else line
        if len(raw) > MAX_MAIL:
            return "552 The message is too large"
        self.server.log.write(
            "world", field="sink.mail", changes=[{"what": "message", "after": self._kept(bytes(raw))}]
        )
        self._reset()
        return "250 OK"

    def _kept(self, raw: bytes) -> dict[str, Any]:
        message = message_from_bytes(raw, policy=policy.default)
        plain = message.get_body(("plain", "html"))
        return {
            "sender": self.sender,
            "recipients": list(self.recipients),
            "subject": str(message.get("Subject", "")),
            "text": plain.get_content().replace("\r\n", "\n") if plain else "",
            "raw": raw.decode("utf-8", "replace"),
        }

    def _reset(self) -> None:
        self.sender, self.recipients = None, []

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def _address(rest: str) -> str:
    """What stands in angle brackets after FROM: or TO:."""
    return rest.partition("<")[2].partition(">")[0] if "<" in rest else rest.partition(":")[2].split(" ")[0]
