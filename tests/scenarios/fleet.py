"""Real processes for scenarios: sandbox, workers and beats, each in its own session, all ended with the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from controlplane.children import TETHER
from controlplane.processes import celery, worker
from tests.processes import ROOT, free_port, process_environment, wait_for

CANARY = "sandbox-user-token"
QUICK = {
    "copilot": {
        "start": [0.3, 0.6],
        "work": [1, 2],
        "commits": [1, 1],
        "review": [1, 2],
        "shares": {"lost": 0, "error": 0, "fail": 0, "wait": 0, "reject": 0, "finish": 1},
    }
}


class Fleet:
    """`start(name, command)` and `kill(name)`; logs are in `folder`."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.sandbox = f"http://127.0.0.1:{self.port}"
        quick = {
            "CONTROLPLANE_TICK_SECONDS": "1",
            "CONTROLPLANE_ITEM_LEASE_SECONDS": "5",
            "CONTROLPLANE_SANDBOX_URL": self.sandbox,
            "CONTROLPLANE_LOG_LEVEL": "WARNING",
        }
        self.environment: Mapping[str, str] = process_environment(folder / "data", **{**quick, **changes})
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def lay(self, schema: Path) -> None:
        """A migrated database, so that nobody migrates it again."""
        place = self.folder / "data" / "controlplane.sqlite3"
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(schema, place)

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            tied = [sys.executable, str(TETHER), str(os.getpid()), *command]  # a killed test leaves nothing behind
            self._children[name] = subprocess.Popen(
                tied, cwd=ROOT, env=dict(self.environment), stdout=log, stderr=log, start_new_session=True
            )

    def start_sandbox(self) -> None:
        data = str(self.folder / "sandbox")
        self.start("sandbox", [sys.executable, "-m", "sandbox", "--port", str(self.port), "--data", data])
        wait_for(self._answers, what="the sandbox")
        self.tell("POST", "/_sandbox/config", QUICK)

    def start_worker(self, name: str = "worker") -> None:
        self.start(name, list(worker(name, "github,default", 2).command))

    def start_ticker(self) -> None:
        self.start("ticker", list(worker("ticker", "tick", 1).command))

    def start_beat(self, name: str = "beat") -> None:
        self.start(name, celery("beat", "--pidfile", ""))

    def kill(self, name: str) -> None:
        """kill -9 to the process and all that it forked."""
        with suppress(ProcessLookupError):
            os.killpg(self._children[name].pid, signal.SIGKILL)
        self._children[name].wait()

    def end(self) -> None:
        for name in list(self._children):
            self.kill(name)

    def call(self, *command: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def driver(self, *arguments: str, seconds: float = 90) -> str:
        done = self.call("-m", "tests.scenarios.driver", *arguments, seconds=seconds)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}\n{self.logs()}"
        return done.stdout

    def end_well(self, wanted: int) -> None:
        """So many issues are done, then all comes to rest, and the invariants hold; the token is the canary."""
        self.driver("end", str(wanted), f"{self.sandbox}/_sandbox/events", CANARY, seconds=350)

    def tell(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.sandbox}{path}", json=body, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def events(self, field: str) -> int:
        """How often something happened in the outside world."""
        found = self.tell("GET", "/_sandbox/events")["events"]
        return sum(1 for event in found if event.get("field") == field and event.get("applied"))

    def reach(self, field: str, count: int, seconds: float = 150) -> None:
        """Wait until something has happened `count` times in the outside world."""
        try:
            wait_for(lambda: self.events(field) >= count, seconds=seconds, what=f"{field} number {count}")
        except AssertionError as late:
            raise AssertionError(f"{late}; {self.driver('told')}\n{self.logs()}") from late

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.log")))

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return bool(requests.get(f"{self.sandbox}/_sandbox/health", timeout=1).ok)
        return False


@contextmanager
def fleet(folder: Path, **changes: str) -> Iterator[Fleet]:
    made = Fleet(folder, **changes)
    try:
        yield made
    finally:
        made.end()


class Relay:
    """A door in front of a broker that can be slammed: `cut` ends every connection and refuses new ones."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._pairs: list[socket.socket] = []
        self._open = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._open = False
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs.clear()

    def mend(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            far = socket.create_connection(self._target, timeout=5)
            far.settimeout(None)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                sink.sendall(chunk)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
