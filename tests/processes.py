"""Real child processes for tests: a clean environment, a wait with an end, a free port."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


def process_environment(data: Path, **changes: str) -> dict[str, str]:
    """The environment of a newcomer's machine, with its data in a folder of the test."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    ours = {
        "DJANGO_SETTINGS_MODULE": "controlplane.settings",
        "CONTROLPLANE_ENV_FILE": os.devnull,
        "CONTROLPLANE_DATA_DIR": str(data),
        "PYTHONPATH": str(ROOT),
    }
    return {**kept, **ours, **changes}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(condition: Callable[[], object], *, seconds: float = 30, what: str = "the condition") -> None:
    """Poll until it holds; fail with `what` when it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about within {seconds:.0f} s")
