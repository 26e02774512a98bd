"""Telemetry: one JSON object per line and event, and never a reason to stop the work."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from pipeline import clock
from pipeline.services import telemetry

Told = Callable[[], list[dict[str, Any]]]
pytestmark = pytest.mark.usefixtures("time")


def test_event_is_one_line_with_schema_version_and_time(told: Told) -> None:
    telemetry.emit("item", run=3, state="done")
    (line,) = told()
    assert line == {
        "schema": "controlplane.telemetry",
        "version": 1,
        "at": clock.now().isoformat(),
        "event": "item",
        "run": 3,
        "state": "done",
    }


@pytest.mark.parametrize("text", ["two\nlines\r\n", "ü😀", "\u2028", '"quoted"', "\x00", "\ud800 half a pair"])
def test_any_text_stays_on_its_line(told: Told, text: str) -> None:
    telemetry.emit("item", reason=text)
    telemetry.emit("item", reason="next")
    assert [line["event"] for line in told()] == ["item", "item"]
    assert told()[1]["reason"] == "next"


def test_values_that_json_does_not_know_are_written_as_text(told: Told) -> None:
    telemetry.emit("slot.ran", nominal_at=clock.now(), path=Path("/x"))
    assert told()[0]["path"] == "/x"


def test_each_day_has_its_file(time: clock.VirtualClock) -> None:
    telemetry.emit("item")
    time.advance(timedelta(days=1))
    telemetry.emit("item")
    names = sorted(path.name for path in settings.CONTROLPLANE.telemetry_dir.iterdir())
    assert names == ["pipeline-2026-11-02.jsonl", "pipeline-2026-11-03.jsonl"]


def test_folder_that_cannot_be_written_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    settings.CONTROLPLANE.telemetry_dir.write_text("a file where the folder should be")
    telemetry.emit("item")
    assert "telemetry could not be written" in caplog.text


def test_lines_of_many_threads_never_mix(told: Told) -> None:
    at = clock.now()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: telemetry.emit("item", number=n, padding="x" * 3000), range(80)))
    lines = telemetry.file_for(at).read_text().splitlines()
    assert sorted(json.loads(line)["number"] for line in lines) == list(range(80))


def test_first_event_of_a_day_removes_the_oldest_files(
    time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "KEEP_FILES", 2)
    for _ in range(4):
        telemetry.emit("item")
        telemetry.emit("item")
        time.advance(timedelta(days=1))
    names = sorted(path.name for path in settings.CONTROLPLANE.telemetry_dir.iterdir())
    assert names == ["pipeline-2026-11-04.jsonl", "pipeline-2026-11-05.jsonl"]
