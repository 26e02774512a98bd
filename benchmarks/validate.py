"""How long one validation of many issues takes, and what it asks of GitHub.

    python -m benchmarks.validate [--issues 10000] [--faulty 0.2]
    BENCHMARK_POSTGRES_URL=postgresql://me@localhost/postgres python -m benchmarks.validate

On SQLite in a folder of its own, or in a database made on that server and dropped afterwards. The issues are made by
our own planners, a quarter each in discovery, assigned, handed over and done; in a share of them a fault is planted.
GitHub is in memory, and the time that it takes is left out.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from contextlib import ExitStack

import django

from benchmarks.triggers import throw_away


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validate", description=__doc__)
    parser.add_argument("--issues", type=int, default=10_000)
    parser.add_argument("--faulty", type=float, default=0.2)
    asked = parser.parse_args(arguments)
    server = os.environ.get("BENCHMARK_POSTGRES_URL", "")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="controlplane-benchmark-"))
        url = stack.enter_context(throw_away(server)) if server else f"sqlite:///{folder}/benchmark.sqlite3"
        os.environ |= {"CONTROLPLANE_ENV": "test", "CONTROLPLANE_DATA_DIR": folder, "CELERY_BROKER_URL": "memory://"}
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "controlplane.settings"}
        django.setup()
        importlib.import_module("benchmarks.validate_sweeps").measure(asked.issues, asked.faulty)
        django.db.connections.close_all()
    sys.stdout.write(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
