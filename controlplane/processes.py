"""The commands of the processes that `up` starts, in starting order."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management import get_commands

from controlplane.children import Spec
from controlplane.configuration import Configuration

ROOT = Path(__file__).resolve().parent.parent
SANDBOX_SPEED = "40"  # Copilot and reviewers take seconds, so that a newcomer sees issues reach their end


def specs(configuration: Configuration, *, host: str, port: int, sandbox_port: int | None) -> list[Spec]:
    """Sandbox (unless GitHub is real), web, workers, beat."""
    found = [] if sandbox_port is None else [sandbox(configuration, sandbox_port)]
    if found and "demonstration" in get_commands():
        found.append(demonstration())
    concurrency = configuration.worker_concurrency
    return [
        *found,
        web(configuration, host, port),
        worker("worker", "github,default", concurrency),
        worker("tick", "tick", 1),
        Spec("beat", celery("beat", "--pidfile", ""), grace=10),
    ]


def sandbox(configuration: Configuration, port: int) -> Spec:
    data = str(configuration.data_dir / "sandbox")
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", data, "--speed", SANDBOX_SPEED]
    return Spec("sandbox", command, ready_url=f"http://127.0.0.1:{port}/")


def demonstration() -> Spec:
    """Fills the database from the running sandbox; safe to repeat."""
    return Spec("demonstration", [sys.executable, str(ROOT / "manage.py"), "demonstration"], once=True)


def web(configuration: Configuration, host: str, port: int) -> Spec:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = ["--bind", address, "--workers", str(configuration.web_workers)]
    return Spec("web", [sys.executable, "-m", "gunicorn", "controlplane.wsgi", *options], grace=15)


def worker(name: str, queues: str, concurrency: int) -> Spec:
    # Gossip and mingle need fan-out queues and give us nothing: the database knows who works.
    options = ["-n", f"{name}@%h", "-Q", queues, "-c", str(concurrency), "--without-gossip", "--without-mingle"]
    return Spec(name, celery("worker", *options), grace=30)


def celery(*arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "controlplane",
        *arguments,
    ]
