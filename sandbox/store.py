"""The world's state on disk: one file, replaced whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sandbox import codec
from sandbox.model import State

FORMAT = 1


class BadSnapshot(Exception):
    """The file of an earlier start cannot be read."""


def read(path: Path) -> State | None:
    """None when there is no earlier state."""
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != FORMAT:
            raise BadSnapshot(f"{path} has format {data['format']}, this sandbox reads {FORMAT}; move the file away.")
        return codec.load(State, data["state"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadSnapshot(f"{path} is no snapshot of a sandbox ({error}); move it away to begin anew.") from error


def write(path: Path, state: object) -> None:
    """`state` as dumped by the codec. A killed writer leaves the former file whole."""
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump({"format": FORMAT, "state": state}, file, ensure_ascii=False, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
