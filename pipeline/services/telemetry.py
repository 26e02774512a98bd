"""Telemetry: one JSON object per line and event, in one file a day under the configured folder.

The same facts stand in the database; the files are for collectors (plan 4.3). `docs/telemetry.md` has the schema.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from pipeline import clock

SCHEMA, VERSION = "controlplane.telemetry", 1
KEEP_FILES = 90  # days

log = logging.getLogger(__name__)


def emit(event: str, **fields: Any) -> bool:
    """Append one event; whether it was. A full or missing disk is logged and never stops the work that is told of."""
    at = clock.now()
    record = {"schema": SCHEMA, "version": VERSION, "at": at.isoformat(), "event": event, **fields}
    line = json.dumps(record, default=str) + "\n"  # in ASCII: no text can break a line or the encoding
    try:
        path = file_for(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = not path.exists()
        # One write of one line to a file opened for appending: lines of several processes never mix.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        if begun:
            discard_old()
    except OSError as error:
        log.error("telemetry could not be written", extra={"event_name": event, "cause": str(error)})
        return False
    return True


def told(event: str) -> Iterator[dict[str, Any]]:
    """What the files hold of an event, the newest first; lines that somebody damaged are passed over."""
    folder: Path = settings.CONTROLPLANE.telemetry_dir
    name = f'"event": {json.dumps(event)}'
    for path in sorted(folder.glob("pipeline-*.jsonl"), reverse=True):
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if name in line]
        for line in reversed(lines):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and found.get("event") == event:
                yield found


def file_for(at: datetime) -> Path:
    folder: Path = settings.CONTROLPLANE.telemetry_dir
    return folder / f"pipeline-{at:%Y-%m-%d}.jsonl"


def discard_old() -> int:
    """Remove the files of more than KEEP_FILES days; the database keeps the facts."""
    folder: Path = settings.CONTROLPLANE.telemetry_dir
    old = sorted(folder.glob("pipeline-*.jsonl"))[:-KEEP_FILES]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
