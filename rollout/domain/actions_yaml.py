"""What a GitHub Actions workflow file says of its schedule, and which of our operations it doubles."""

from __future__ import annotations

import re
from typing import Any

import yaml

MAX_CHARACTERS = 200_000

# The files that the plan names (1.1 to 1.3), then words that tell the job.
LEGACY = {
    "ops-workflow-assignment.yml": "assign",
    "ops-issue-processing.yml": "process",
    "ops-daily-operations.yml": "daily",
}
KEYWORDS = (
    ("daily", ("daily", "full-pipeline", "full pipeline")),
    ("track", ("track", "completion")),
    ("assign", ("assign", "triage", "classif")),
    ("process", ("process", "guidance", "copilot")),
    ("monitor", ("monitor", "watch", "discover")),
)
LEAVE = ("archive/",)  # GitHub runs nothing below it


def crons(text: str) -> tuple[str, ...]:
    """The crons under `on: schedule:`, in order; empty for a file that is no workflow we can read.

    YAML 1.1 reads a bare `on` as true, so both keys are looked up.
    """
    if len(text) > MAX_CHARACTERS:
        return ()
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return ()
    if not isinstance(document, dict):
        return ()
    events = document.get("on", document.get(True))
    schedule: Any = events.get("schedule") if isinstance(events, dict) else None
    rows = schedule if isinstance(schedule, list) else []
    return tuple(str(row["cron"]).strip()[:100] for row in rows if isinstance(row, dict) and row.get("cron"))


def operation_of(path: str, name: str) -> str:
    """The kind of operation that a workflow doubles, by its file, else by words in its file name or title; or ""."""
    file = path.rsplit("/", 1)[-1].lower()
    if file in LEGACY or file.replace(".yaml", ".yml") in LEGACY:
        return LEGACY.get(file) or LEGACY[file.replace(".yaml", ".yml")]
    words = f"{re.sub(r'[-_.]', ' ', file)} {name.lower()} {file}"
    for operation, marks in KEYWORDS:
        if any(mark in words for mark in marks):
            return operation
    return ""
