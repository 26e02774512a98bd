"""The server's life: starts, state that is kept, pages, people, and the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.__main__ import main
from sandbox.clock import ManualClock
from sandbox.events import EventLog
from sandbox.server import Sandbox
from sandbox.store import BadSnapshot
from tests.sandbox.conftest import COPILOT, START, Client


def test_second_start_keeps_everything(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with Sandbox(tmp_path, clock=clock) as first, (client := Client(first)).session:
        number = client.issue("Kept", labels=["bug"])["number"]
        client.post(f"issues/{number}/assignees", {"assignees": [COPILOT]})
        client.control("config", {"copilot": {"shares": {"finish": 1}}, "speed": 5})
        seen = client.get("issues", params={"state": "all"}).json()
        commit = client.get("branches/main").json()["commit"]["sha"]
    with Sandbox(tmp_path, clock=clock) as second, (client := Client(second)).session:
        again = client.get("issues", params={"state": "all"}).json()
        assert [issue["title"] for issue in again] == [issue["title"] for issue in seen] == ["Kept"]
        assert client.get("branches/main").json()["commit"]["sha"] == commit
        assert (second.settings.speed, len(second.world.state.sessions)) == (5, 1)
        assert client.issue("Next")["number"] == number + 1
        assert [entry["seq"] for entry in second.log.after()] == list(range(1, len(second.log.after()) + 1))


def test_snapshot_is_written_soon_after_a_change(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox, (client := Client(sandbox)).session:
        client.issue("Soon")
        sandbox.save()
        assert "Soon" in (tmp_path / "world.json").read_text()


def test_broken_snapshot_is_named(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(BadSnapshot, match="move it away to begin anew"):
        Sandbox(tmp_path)
    assert (tmp_path / "world.json").read_text() == "{"


def test_half_a_line_at_the_end_of_the_log_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"seq": 1, "kind": "world"}\n{"seq": 2, "ki')
    log = EventLog(path, ManualClock(START))
    log.write("world", actor="x")
    log.close()
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == [1, 2]


def test_log_tells_before_and_after(client: Client) -> None:
    number = client.issue(body="one")["number"]
    client.send("PATCH", f"issues/{number}", {"body": "two"}, headers={"X-Controlplane-Effect": "effect:9:abc"})
    client.post(f"issues/{number}/labels", {"labels": ["bug"]})
    written = client.control("events?after=0").json()["events"]
    edit, label = [entry for entry in written if entry["kind"] == "mutation"][1:]
    assert (edit["effect"], edit["hash"], edit["number"], edit["applied"]) == ("effect:9", "abc", number, True)
    assert edit["changes"] == [{"what": "body", "before": "one", "after": "two"}]
    assert label["changes"][-1] == {"what": "labels", "before": [], "after": ["bug"]}
    assert client.control(f"events?after={written[-1]['seq']}").json()["events"] == []
    assert "sandbox-user-token" not in json.dumps(written)


@pytest.mark.parametrize(
    ("act", "field", "value"),
    [
        ({"action": "label", "labels": ["bug"]}, "labels", ["bug"]),
        ({"action": "relabel", "labels": ["docs"]}, "labels", ["docs"]),
        ({"action": "edit", "body": "mine"}, "body", "mine"),
        ({"action": "comment", "body": "hm"}, "comments", ["hm"]),
        ({"action": "close", "reason": "not_planned"}, "state_reason", "not_planned"),
        ({"action": "lock"}, "locked", True),
        ({"action": "assign", "assignees": ["rosa-reviewer"]}, "assignees", ["rosa-reviewer"]),
    ],
)
def test_people_act_by_hand(client: Client, act: dict[str, Any], field: str, value: Any) -> None:
    number = client.issue()["number"]
    body = {"repository": "demo/field-notes", "number": number, **act}
    assert client.control("human", body).status_code == 200
    state = client.control("state").json()["repositories"]["demo/field-notes"]
    assert state["issues"][0][field] == value
    logged = client.sandbox.log.after()[-1]
    assert (logged["actor_kind"], logged["number"], logged["field"]) == ("human", number, f"human.{act['action']}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"action": "dance", "repository": "demo/field-notes", "number": 1}, "Unknown action 'dance'"),
        ({"action": "lock"}, "The key 'repository' is missing."),
        ({"action": "lock", "repository": "demo/nowhere", "number": 1}, "Not Found"),
    ],
)
def test_act_that_cannot_be_gets_a_sentence(client: Client, body: dict[str, Any], message: str) -> None:
    answer = client.control("human", body)
    assert answer.status_code >= 400
    assert message in answer.json()["message"]


def test_pages_show_and_escape(client: Client) -> None:
    hostile = "<script>alert(1)</script>"
    number = client.issue(hostile, body=f"{hostile} & more", labels=["<b>"])["number"]
    client.post(f"issues/{number}/comments", {"body": hostile})
    page = requests.get(f"{client.sandbox.url}/demo/field-notes/issues/{number}", timeout=5)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") >= 4
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/", 200, "demo/field-notes"),
        ("/demo/field-notes", 200, "No issues yet"),
        ("/demo/field-notes/tree/main", 200, "README.md"),
        ("/demo/field-notes/blob/main/README.md", 200, "Field notes"),
        ("/demo/field-notes/issues/9", 404, "Not Found"),
        ("/demo/field-notes/blob/main/none", 404, "no file none"),
    ],
)
def test_every_link_leads_somewhere(client: Client, path: str, status: int, word: str) -> None:
    page = requests.get(client.sandbox.url + path, timeout=5)
    assert (page.status_code, word in page.text) == (status, True)


def test_time_is_moved_over_http_on_a_virtual_clock(client: Client) -> None:
    now = client.control("advance", {"by": 60}).json()["now"]
    assert now == (START + timedelta(minutes=1)).isoformat()


def test_time_of_a_wall_clock_cannot_be_moved() -> None:
    with Sandbox() as sandbox, (client := Client(sandbox)).session:
        answer = client.control("advance", {"by": 60})
    assert (answer.status_code, "--virtual-from" in answer.json()["message"]) == (400, True)


def test_latency_is_added_to_every_call(client: Client) -> None:
    client.control("config", {"latency_ms": 60})
    assert client.get("issues").elapsed.total_seconds() >= 0.06


def test_page_of_another_site_cannot_drive_it(client: Client) -> None:
    answer = requests.post(
        f"{client.sandbox.url}/_sandbox/config", data="{}", headers={"Origin": "https://elsewhere.example"}, timeout=5
    )
    assert answer.status_code == 403


def test_unknown_routes_and_methods(client: Client) -> None:
    assert client.get("/nothing/here").status_code == 404
    assert client.send("PUT", "/rate_limit").status_code == 405


def test_command_says_when_it_is_ready_and_stops_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--mail-port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.rsplit(" ", 1)[1].strip()
        assert requests.get(f"{url}/_sandbox/health", timeout=5).json()["ok"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert (tmp_path / "world.json").exists()


def test_address_beyond_loopback_needs_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "0.0.0.0"]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_taken_port_is_a_clear_sentence(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(sandbox.port)]) == 2
    assert f"Cannot listen on 127.0.0.1:{sandbox.port}" in capsys.readouterr().err
