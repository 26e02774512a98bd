"""Real workers on each broker: every task finishes, also when the worker is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes import ROOT, wait_for

pytestmark = pytest.mark.processes

TASKS = 60
APP = [sys.executable, "-m", "celery", "-A", "tests.controlplane.line_app"]
SEND = "from tests.controlplane.line_app import leave\nfor number in range({}): leave.apply_async((number,))"
EMPTY = """
from tests.controlplane.line_app import app
with app.connection_for_write() as connection:
    connection.default_channel.queue_purge("default")
"""
Environment = Callable[..., dict[str, str]]


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [*APP, "worker", "-Q", "default", "--without-gossip", "--without-mingle", "-l", "ERROR"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_python(code: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, timeout=60, check=True)


def finished(environment: dict[str, str]) -> list[int]:
    path = Path(environment["LINES_FOLDER"]) / "lines"
    return sorted(int(line) for line in path.read_text().split()) if path.exists() else []


@pytest.fixture
def lines(tmp_path: Path, process_environment: Environment) -> Environment:
    return lambda **changes: process_environment(LINES_FOLDER=str(tmp_path), **changes)


def test_local_a_worker_killed_in_the_middle_loses_nothing(lines: Environment) -> None:
    environment = lines(CELERY_BROKER_URL="local://")
    run_python(SEND.format(TASKS), environment)
    with worker(environment) as first:
        wait_for(lambda: len(finished(environment)) >= 10, what="the tenth task")
        os.killpg(first.pid, signal.SIGKILL)
    with worker(environment):
        wait_for(lambda: set(finished(environment)) == set(range(TASKS)), what="every task")
    assert len(finished(environment)) <= TASKS + 4  # at most what was in flight runs again


def test_local_a_garbage_file_does_not_end_the_worker(lines: Environment) -> None:
    environment = lines(CELERY_BROKER_URL="local://")
    run_python(SEND.format(1), environment)
    ready = Path(environment["LINES_FOLDER"]) / "broker" / "default" / "ready"
    (ready / "00000000000000000001-1-1.0").touch()
    (ready / "not-a-message").write_bytes(b"\xff")
    with worker(environment) as process:
        wait_for(lambda: finished(environment) == [0], what="the task behind the garbage")
        assert process.poll() is None


@pytest.mark.redis
def test_redis_every_task_runs_once(lines: Environment) -> None:
    environment = lines(CELERY_BROKER_URL=os.environ["TEST_REDIS_URL"])
    run_python(EMPTY, environment)
    run_python(SEND.format(TASKS), environment)
    with worker(environment):
        wait_for(lambda: len(finished(environment)) >= TASKS, what="every task")
        time.sleep(0.3)
    assert finished(environment) == list(range(TASKS))


@pytest.mark.rabbitmq
def test_rabbitmq_a_worker_killed_in_the_middle_loses_nothing(lines: Environment) -> None:
    environment = lines(CELERY_BROKER_URL=os.environ["TEST_RABBITMQ_URL"])
    with suppress(subprocess.CalledProcessError):  # the queue is not there the first time
        run_python(EMPTY, environment)
    run_python(SEND.format(TASKS), environment)
    with worker(environment) as first:
        wait_for(lambda: len(finished(environment)) >= 10, what="the tenth task")
        os.killpg(first.pid, signal.SIGKILL)
    with worker(environment):
        wait_for(lambda: set(finished(environment)) == set(range(TASKS)), what="every task")
