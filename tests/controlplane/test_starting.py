"""Every way to start refuses settings that cannot be used: one sentence, exit code 2, no traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.processes import ROOT, free_port

Environment = Callable[..., dict[str, str]]
STARTS = {
    "manage.py": ["manage.py", "check"],
    "up": ["manage.py", "up"],
    "celery worker": ["-m", "celery", "-A", "controlplane", "worker"],
    "celery beat": ["-m", "celery", "-A", "controlplane", "beat"],
    "gunicorn": ["-m", "gunicorn", "controlplane.wsgi", "--bind", "127.0.0.1:0"],
}

pytestmark = pytest.mark.processes


def start(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("how", STARTS)
def test_a_bad_word_ends_the_start_with_one_sentence(how: str, process_environment: Environment) -> None:
    done = start(STARTS[how], process_environment(CONTROLPLANE_TICK_SECONDS="soon"))
    assert done.returncode == 2
    assert done.stderr.strip() == "CONTROLPLANE_TICK_SECONDS is 'soon'; write a whole number from 1 to 300."


def test_production_without_keys_does_not_start(process_environment: Environment) -> None:
    done = start(STARTS["manage.py"], process_environment(CONTROLPLANE_ENV="production"))
    assert done.returncode == 2
    assert "production needs its own" in done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "port 9 failed: Connection refused"),
        ({"CELERY_BROKER_URL": "redis://127.0.0.1:9/0"}, "The broker cannot be reached"),
        ({"CELERY_BROKER_URL": "amqp://127.0.0.1:9//"}, "The broker cannot be reached"),
        ({"GITHUB_TOKEN": "t"}, "GITHUB_REPOSITORY is missing"),
        (
            {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r", "GITHUB_API_URL": "http://127.0.0.1:9"},
            "GitHub cannot be reached",
        ),
    ],
    ids=["database", "redis", "rabbitmq", "repository", "github"],
)
def test_up_refuses_what_it_cannot_reach(
    settings: dict[str, str], words: str, process_environment: Environment
) -> None:
    ports = ["--port", str(free_port()), "--sandbox-port", str(free_port())]
    done = start(["manage.py", "up", *ports], process_environment(**settings))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr


def test_up_refuses_a_busy_port(process_environment: Environment) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        done = start(["manage.py", "up", "--port", str(busy.getsockname()[1])], process_environment())
    assert done.returncode == 2
    assert "give another port with --port" in done.stderr
