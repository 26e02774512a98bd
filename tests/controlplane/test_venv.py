"""deploy/venv.sh: one sentence for each machine it cannot serve, and no work twice."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.processes


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "venv.sh", tmp_path / "deploy")
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def python(clone: Path, body: str) -> str:
    """A stand-in for python that answers what the test needs."""
    path = clone / "python"
    path.write_text(f'#!/bin/bash\n[ "$1" = --version ] && {{ echo Python 3.9.2; exit 0; }}\n{body}\n')
    path.chmod(0o755)
    return str(path)


def make_venv(clone: Path, interpreter: str) -> subprocess.CompletedProcess[str]:
    command = [str(clone / "deploy" / "venv.sh"), "requirements.txt"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": interpreter}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_no_python_is_one_sentence(clone: Path) -> None:
    done = make_venv(clone, "no-such-python")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "install Python 3.11 to 3.13" in done.stderr


def test_a_python_too_old_or_too_new_is_one_sentence(clone: Path) -> None:
    done = make_venv(clone, python(clone, "exit 1"))
    assert done.returncode == 2
    assert done.stderr.startswith("Python 3.9.2 is not supported; it needs Python 3.11 to 3.13")


def test_a_missing_venv_module_is_one_sentence(clone: Path) -> None:
    done = make_venv(clone, python(clone, '[[ "$2" == *version_info* ]]'))
    assert done.returncode == 2
    assert done.stderr == "Python's venv module is missing; install it with: apt-get install python3-venv\n"


def test_an_environment_made_from_these_locks_is_left_alone(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(python(clone, '[[ "$2" == *version_info* || "$2" == *venv* ]]'))
    (clone / ".venv" / ".locks").write_text(hashlib.sha256(b"").hexdigest() + "\n")
    done = make_venv(clone, str(clone / "python"))
    assert (done.returncode, done.stderr) == (0, "")
