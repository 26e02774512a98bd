"""Keeps the processes of `up` running, shows what matters, and stops them in order."""

from __future__ import annotations

import selectors
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from controlplane.children import Child, Spec, plain

REFUSED_SETTINGS = 2  # what our own start-up exits with: trying again would say the same
POLL_SECONDS = 0.2
READY_PATIENCE = 120.0


class Stopped(Exception):
    """A child cannot run at all; the sentence says why."""


class Supervisor:
    """`specs` in the order in which they start; they stop in the order of `stop_order`."""

    def __init__(
        self,
        specs: Sequence[Spec],
        *,
        logs: Path,
        show: Callable[[str], None],
        ready_url: str,
        on_ready: Callable[[], None],
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._show = show
        self._children = [Child(spec, logs, show) for spec in specs]
        self._ready_url = ready_url
        self._on_ready = on_ready
        self._ready = False
        self._signals = 0
        self._selector = selectors.DefaultSelector()
        self._next_probe = 0.0

    def run(self) -> None:
        """Until a signal asks to stop; raises Stopped when a child refuses its settings."""
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        began = time.monotonic()
        try:
            for child in list(self._children):
                self._bring_up(child)
            while not self._signals:
                self._turn()
                if not self._ready and time.monotonic() - began > READY_PATIENCE:
                    began = time.monotonic()
                    self._show(f"Still not ready; {self._ready_url} and the log files say why.")
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _turn(self) -> None:
        self._read(POLL_SECONDS)
        for child in self._children:
            if child.due:
                self._start(child)
            elif not child.running and child.exit_code is not None:
                self._crashed(child)
        if not self._ready and time.monotonic() >= self._next_probe:
            self._next_probe = time.monotonic() + 0.5
            self._ready = answers(self._ready_url)
            if self._ready:
                self._on_ready()

    def _bring_up(self, child: Child) -> None:
        if self._signals:
            return
        self._start(child)
        while child.spec.once and child.running and not self._signals:
            self._read(POLL_SECONDS)
        while child.spec.ready_url and child.running and not self._signals and not answers(child.spec.ready_url):
            self._read(POLL_SECONDS)
        if child.exit_code not in {None, 0}:
            self._drain(child)
            raise Stopped(child.last_line or f"{child.spec.name} cannot run ({ending(child.exit_code)}).")
        if child.spec.once:
            self._drain(child)
            child.close()
            self._children.remove(child)

    def _start(self, child: Child) -> None:
        child.start()
        self._selector.register(child.output, selectors.EVENT_READ, child)

    def _crashed(self, child: Child) -> None:
        self._drain(child)
        code, line = child.exit_code, plain(child.last_line)
        if code == REFUSED_SETTINGS:
            raise Stopped(line or f"{child.spec.name} refused its settings.")
        wait = child.note_crash()
        self._show(
            f"{child.spec.name} ended by itself ({ending(code)}); it starts again in {wait:.0f} s. Last line: {line}"
        )

    def _read(self, timeout: float) -> None:
        for key, _events in self._selector.select(timeout):
            child: Child = key.data
            if not child.read():
                self._forget(child)

    def _drain(self, child: Child) -> None:
        while self._is_registered(child) and not child.running and child.read():
            pass
        self._forget(child)

    def _is_registered(self, child: Child) -> bool:
        return any(key.data is child for key in self._selector.get_map().values())

    def _forget(self, child: Child) -> None:
        for key in [key for key in self._selector.get_map().values() if key.data is child]:
            self._selector.unregister(key.fd)

    def _stop(self) -> None:
        """Last started, first stopped: beat, workers, web, sandbox. A second Ctrl-C kills what is left."""
        self._signals = min(self._signals, 1)
        for child in reversed(self._children):
            if child.running:
                self._show(f"Stopping {child.spec.name} …")
                self._stop_one(child)
            self._forget(child)
            child.close()
        self._selector.close()

    def _stop_one(self, child: Child) -> None:
        child.ask_to_stop()
        end = time.monotonic() + child.spec.grace
        while child.running and time.monotonic() < end and self._signals < 2:
            self._read(POLL_SECONDS)
        if child.running:
            self._show(
                f"{child.spec.name} did not stop within {child.spec.grace:.0f} s and was killed; nothing is lost."
            )
        self._drain(child)


def answers(url: str) -> bool:
    """Does the page answer 200?"""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own http address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
