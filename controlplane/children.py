"""One child of `up`: its command, its process, its log file, its restarts."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
LOG_BYTES, LOG_FILES = 5_000_000, 3
STEADY_SECONDS = 60.0
LONGEST_WAIT = 30.0
LEVELS = {"warning", "error", "critical"}


@dataclass(frozen=True)
class Spec:
    """What to run; `grace` is how long it may take to stop."""

    name: str
    command: Sequence[str]
    grace: float = 10.0
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False  # runs to its end before the next one starts
    ready_url: str = ""  # must answer before the next one starts


class Child:
    """Started, read, restarted and stopped by the supervisor's single thread."""

    def __init__(self, spec: Spec, logs: Path, show: Callable[[str], None]) -> None:
        self.spec = spec
        self.last_line = ""
        self._show = show
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._started = 0.0
        self._failures = 0
        self._next_start = 0.0
        self._log = RotatingFileHandler(logs / f"{spec.name}.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES)

    def start(self) -> None:
        environment = {**os.environ, **self.spec.environment, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, str(TETHER), str(os.getpid()), *self.spec.command]
        # Its own session: a Ctrl-C of the terminal reaches only us, and we stop the children in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        os.set_blocking(self.output, False)
        self._started = time.monotonic()

    @property
    def output(self) -> int:
        assert self._process is not None  # noqa: S101 - asked only of a started child
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return self._process.stdout.fileno()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def read(self) -> bool:
        """Take what it wrote; False when nothing more will come."""
        try:
            chunk = os.read(self.output, 65_536)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines if chunk else [*lines, self._rest]:
            self._keep(line.decode(errors="replace").rstrip())
        return bool(chunk)

    def note_crash(self) -> float:
        """Seconds to wait before the next start: 1, 2, 4 … 30; short again after a steady minute."""
        if time.monotonic() - self._started > STEADY_SECONDS:
            self._failures = 0
        wait = min(LONGEST_WAIT, 2.0**self._failures)
        self._failures += 1
        self._next_start = time.monotonic() + wait
        self._close()
        return wait

    @property
    def due(self) -> bool:
        return self._process is None and time.monotonic() >= self._next_start

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """The whole group: whatever it started goes with it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        self._close()
        self._log.close()

    def _close(self) -> None:
        if self._process is not None:
            self.kill()  # children of a crashed child must not outlive it
            assert self._process.stdout is not None  # noqa: S101 - it is a pipe
            self._process.stdout.close()
            self._process = None

    def _keep(self, line: str) -> None:
        if not line:
            return
        self.last_line = line
        self._log.emit(logging.LogRecord(self.spec.name, logging.INFO, "", 0, line.replace("%", "%%"), (), None))
        if text := important(line):
            self._show(f"[{self.spec.name}] {text}")


def plain(line: str) -> str:
    """A line for people: of a JSON object what happened."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    return str(record.get("event", line)) if isinstance(record, dict) else line


def important(line: str) -> str:
    """The text worth a person's eye, or nothing. Lines are JSON objects, or a library's own words."""
    if not line.startswith("{"):
        return line if line.startswith(("Traceback", "ERROR", "CRITICAL")) else ""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or record.get("level") not in LEVELS:
        return ""
    return f"{record['level']}: {record.get('event', '')}"
