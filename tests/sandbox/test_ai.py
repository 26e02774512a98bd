from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from pipeline.ai.schema import schema
from sandbox.server import Sandbox

SLUGS = ("osint-research", "security-assessment")
SYSTEM = "- osint-research: x. Typical words: forum.\n- security-assessment: y. Typical words: exploit, patch."
OPENAI = {
    "model": "m",
    "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "<<<A\nTitle: An exploit\n\nA patch.\nA>>>"},
    ],
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema(SLUGS)}},
}


@pytest.fixture
def world() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as running:
        yield running


def ask(world: Sandbox, key: str = "sandbox-key", **changes: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(
        f"{world.url}/ai/openai/v1/chat/completions", json=OPENAI | changes, headers=headers, timeout=5
    )


def test_an_answer_keeps_the_schema_and_is_the_same_each_time(world: Sandbox) -> None:
    one, two = ask(world).json(), ask(world).json()
    assert one == two
    assert '"workflow": "security-assessment"' in one["choices"][0]["message"]["content"]
    assert one["usage"]["prompt_tokens"] > 10


def test_a_key_that_is_not_ours_is_refused(world: Sandbox) -> None:
    assert ask(world, key="other").status_code == 401


def test_a_request_without_schema_is_refused(world: Sandbox) -> None:
    assert ask(world, response_format=None).status_code == 400
    assert requests.post(f"{world.url}/ai/anthropic/v1/messages", json={}, timeout=5).status_code == 400


def test_a_strict_schema_with_lengths_is_refused_as_the_real_one_does(world: Sandbox) -> None:
    strict = {"type": "json_schema", "json_schema": {"strict": True, "schema": schema(SLUGS)}}
    assert ask(world, response_format=strict).status_code == 400


def test_faults_come_one_per_call_in_their_order(world: Sandbox) -> None:
    requests.post(f"{world.url}/ai/faults", json={"faults": ["429", "500"]}, timeout=5)
    answers = [ask(world) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 500, 200]
    assert answers[0].headers["Retry-After"] == "7"
    calls = requests.get(f"{world.url}/ai/calls", timeout=5).json()["calls"]
    assert [call["fault"] for call in calls] == ["429", "500", ""]


def test_an_unknown_fault_is_refused(world: Sandbox) -> None:
    answer = requests.post(f"{world.url}/ai/faults", json={"faults": ["tired"]}, timeout=5)
    assert (answer.status_code, "Unknown faults: tired" in answer.text) == (400, True)
