"""The supervisor of `up`: order, restarts, refusals, no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from controlplane.children import TETHER, Spec, important, plain
from controlplane.supervisor import Stopped, Supervisor
from tests.processes import ROOT, wait_for

pytestmark = pytest.mark.processes

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def supervise(specs: Sequence[Spec], logs: Path, *, after: float) -> list[str]:
    """Run until a SIGTERM that comes `after` seconds; what was shown."""
    shown: list[str] = []
    supervisor = Supervisor(
        specs, logs=logs, show=shown.append, ready_url="http://127.0.0.1:9/", on_ready=lambda: shown.append("ready")
    )
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        supervisor.run()
    finally:
        timer.cancel()
        timer.join()
    return shown


def test_children_stop_in_the_reverse_of_their_starting_order(tmp_path: Path) -> None:
    specs = [Spec(name, python(SLEEPER)) for name in ("sandbox", "web", "worker", "beat")]
    shown = supervise(specs, tmp_path, after=1)
    assert shown == [f"Stopping {name} …" for name in ("beat", "worker", "web", "sandbox")]
    assert (tmp_path / "web.log").read_text() == "up\n"


def test_a_crashed_child_is_named_and_started_again(tmp_path: Path) -> None:
    code = "import sys; print('boom, 100% lost', flush=True); sys.exit(7)"
    shown = supervise([Spec("worker", python(code))], tmp_path, after=2.2)
    assert shown[0] == "worker ended by itself (exit code 7); it starts again in 1 s. Last line: boom, 100% lost"
    assert "starts again in 2 s" in shown[1]


def test_a_child_that_refuses_its_settings_ends_all_with_its_sentence(tmp_path: Path) -> None:
    code = "import sys; print('DEBUG is 5; write on or off.', file=sys.stderr); sys.exit(2)"
    specs = [Spec("web", python(SLEEPER)), Spec("worker", python(code))]
    with pytest.raises(Stopped, match="DEBUG is 5; write on or off"):
        supervise(specs, tmp_path, after=20)


def test_a_stubborn_child_is_killed_after_its_grace(tmp_path: Path) -> None:
    shown = supervise([Spec("worker", python(STUBBORN), grace=0.5)], tmp_path, after=1)
    assert shown[-1] == "worker did not stop within 0 s and was killed; nothing is lost."


def test_what_runs_once_ends_before_the_next_starts(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    first = Spec("prepare", python(f"import time; time.sleep(.5); open({str(mark)!r}, 'w').close()"), once=True)
    second = Spec("web", python(f"import os, time; print(os.path.exists({str(mark)!r}), flush=True); time.sleep(60)"))
    supervise([first, second], tmp_path, after=2)
    assert (tmp_path / "web.log").read_text() == "True\n"


def test_what_runs_once_and_fails_ends_all(tmp_path: Path) -> None:
    failing = Spec("prepare", python("import sys; sys.exit('The demonstration cannot be loaded.')"), once=True)
    with pytest.raises(Stopped, match="The demonstration cannot be loaded"):
        supervise([failing, Spec("web", python(SLEEPER))], tmp_path, after=20)
    assert not (tmp_path / "web.log").read_text()


def test_a_child_dies_with_a_killed_supervisor() -> None:
    parent_code = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, {str(TETHER)!r}, str(os.getpid()), 'sleep', '60'])\n"
        "time.sleep(0.5); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(python(parent_code), stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    wait_for(lambda: not alive(child), seconds=5, what="the child's end")


def test_a_tether_whose_parent_is_gone_runs_nothing() -> None:
    done = subprocess.run([sys.executable, str(TETHER), "1", "false"], check=False, timeout=10)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"event": "lost", "level": "error"}', "error: lost"),
        ('{"event": "fine", "level": "info"}', ""),
        ("{not json", "{not json"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("[2026] listening", ""),
    ],
)
def test_only_important_lines_are_shown(line: str, text: str) -> None:
    assert important(line) == text


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"event": "Task succeeded", "level": "info"}', "Task succeeded"),
        ("boom", "boom"),
        ('{"a": 1}', '{"a": 1}'),
        ("[1]", "[1]"),
    ],
)
def test_last_line_is_told_in_words(line: str, words: str) -> None:
    assert plain(line) == words
