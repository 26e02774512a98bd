"""A Celery application with the product's own settings and one task that leaves a line; for broker tests."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from controlplane.celery_settings import celery_settings
from controlplane.connections import broker
from controlplane.environment import Environment

FOLDER = Path(os.environ.get("LINES_FOLDER", "."))
TRANSPORT_ALIASES["local"] = "controlplane.local_broker:Transport"

app = Celery("lines")
app.config_from_object(
    celery_settings(
        broker(Environment(os.environ), base=FOLDER, broker_dir=FOLDER / "broker"),
        tick=timedelta(seconds=30),
        worker_concurrency=2,
    ),
    namespace="CELERY",
)


@app.task(name="lines.leave")
def leave(number: int) -> None:
    time.sleep(0.05)
    with (FOLDER / "lines").open("a") as file:
        file.write(f"{number}\n")
