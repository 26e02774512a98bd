"""Files that leave the database: written whole or not at all, read again, and known by their hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from pipeline.models import Handover, Issue, Repository
from rollout.domain import export

COLUMNS = (
    "number", "title", "state", "labels", "workflow", "specialist", "is_open", "state_reason", "presence",
    "discovered_at", "assigned_at", "handed_over_at", "due_at", "done_at", "transitions", "handover", "handover_try",
    "handover_blocker", "pull_request", "html_url",
)  # fmt: skip


class NotWritten(OSError):
    """The file that was read back is not the one that was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file that stands in the exports folder, verified. `path` is below that folder."""

    path: str
    sha256: str
    size: int

    def evidence(self) -> dict[str, Any]:
        return asdict(self)


def folder() -> Path:
    return Path(settings.CONTROLPLANE.data_dir) / "exports"


def write(name: str, text: str) -> Written:
    """Write a file of that name, replacing an earlier one, and read it back. Raises OSError."""
    path, content = folder() / name, text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    written = Written(name, hashlib.sha256(content).hexdigest(), len(content))
    if not intact(written):
        raise NotWritten(f"The export {name} could not be read back as it was written; check the disk and try again.")
    return written


def intact(written: Written) -> bool:
    """Whether the file is there and has the hash that was noted."""
    try:
        content = (folder() / written.path).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == written.sha256


def issue_states(repository: Repository, *, name: str, at: datetime) -> tuple[Written, Written]:
    """Every issue of a repository with its state and hand-over, as `name`.csv and `name`.json."""
    rows = list(_issues(repository))
    about = {"repository": repository.full_name, "at": at.isoformat()}
    return (
        write(f"{name}.csv", export.to_csv(COLUMNS, rows)),
        write(f"{name}.json", export.to_json(about, COLUMNS, rows)),
    )


def _issues(repository: Repository) -> Iterable[dict[str, Any]]:
    rows = Issue.objects.filter(repository=repository).select_related("workflow", "specialist")
    for issue in rows.prefetch_related("handovers", "transitions").order_by("number"):
        yield _row(issue)


def _row(issue: Issue) -> dict[str, Any]:
    last: Handover | None = max(issue.handovers.all(), key=lambda row: row.generation, default=None)
    values: dict[str, Any] = {name: getattr(issue, name) for name in COLUMNS if hasattr(issue, name)}
    moments = {name: value.isoformat() for name, value in values.items() if isinstance(value, datetime)}
    return {
        **values,
        **moments,
        "workflow": issue.workflow.slug if issue.workflow else None,
        "specialist": issue.specialist.slug if issue.specialist else None,
        "transitions": [f"{step.before or 'new'}>{step.after}" for step in issue.transitions.all()],
        "handover": last.outcome if last else None,
        "handover_try": last.generation if last else None,
        "handover_blocker": last.blocker if last else None,
        "pull_request": last.pull_number if last else None,
    }
