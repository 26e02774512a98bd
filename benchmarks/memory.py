"""Memory of web, workers and beat: RSS, and PSS, which counts pages shared by several processes once.

    python benchmarks/memory.py [--settle 20]

Starts them with the commands of `up`, on the embedded database and broker in a folder of their own, sends the web
process a few requests, waits, and adds up each process with its children.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PORT = 18_431
DATA = tempfile.mkdtemp(prefix="controlplane-memory-")
os.environ |= {
    "CONTROLPLANE_ENV_FILE": os.devnull,
    "CONTROLPLANE_DATA_DIR": DATA,
    "DJANGO_SETTINGS_MODULE": "controlplane.settings",
    "CONTROLPLANE_TICK_SECONDS": "5",
}

import django  # noqa: E402 - the environment comes first

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from controlplane import processes  # noqa: E402

FIELDS = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def memory(pid: int) -> tuple[int, int]:
    """(RSS, PSS) of a family in kB."""
    rss = pss = 0
    for member in family(pid):
        with suppress(OSError):
            values = dict(FIELDS.findall(Path(f"/proc/{member}/smaps_rollup").read_text()))
            rss, pss = rss + int(values["Rss"]), pss + int(values["Pss"])
    return rss, pss


def visit() -> None:
    """Until the web process answers, then a few pages."""
    for _ in range(100):
        with suppress(URLError, ConnectionError):
            urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=2).read()
            break
        time.sleep(0.2)
    for _ in range(20):
        with suppress(URLError):
            urlopen(f"http://127.0.0.1:{PORT}/admin/login/", timeout=10).read()


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of web, workers and beat.")
    parser.add_argument("--settle", type=float, default=20, help="seconds to wait before measuring")
    options = parser.parse_args()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    specs = processes.specs(settings.CONTROLPLANE, host="127.0.0.1", port=PORT, sandbox_port=None)
    children = {
        spec.name: subprocess.Popen(  # noqa: S603 - our own commands
            list(spec.command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=ROOT
        )
        for spec in specs
    }
    try:
        visit()
        time.sleep(options.settle)
        total = 0
        for name, child in children.items():
            rss, pss = memory(child.pid)
            total += pss
            print(f"{name:<8} {len(family(child.pid))} processes  RSS {rss / 1024:6.0f} MB  PSS {pss / 1024:6.0f} MB")  # noqa: T201
        print(f"together PSS {total / 1024:.0f} MB")  # noqa: T201 - its output
    finally:
        for child in children.values():
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
