from __future__ import annotations

import json
import socket

import pytest

from pipeline.ai.endpoint import BadAnswer, BadKey, EndpointError, HttpEndpoint, Message, Retired, TryLater, Wire
from pipeline.ai.schema import parse, schema
from sandbox.server import Sandbox
from tests.pipeline.ai.asking import SLUGS, endpoint, faults, last_call

MESSAGES = [Message("system", "Rules."), Message("user", "<<<A\nTitle: An exploit\n\nA security note.\nA>>>")]
WIRES = pytest.mark.parametrize("wire", ["openai", "anthropic"])


@WIRES
def test_an_answer_comes_back_with_its_tokens(provider: Sandbox, wire: Wire) -> None:
    faults(provider)
    answer = endpoint(provider, wire).ask(MESSAGES, schema(SLUGS))
    assert parse(answer.text, SLUGS).candidates[0].workflow == "security-assessment"
    assert answer.tokens_in > 5
    assert answer.tokens_out > 5


def test_an_endpoint_without_key_sends_none(provider: Sandbox) -> None:
    faults(provider)
    local = HttpEndpoint("local", f"{provider.url}/ai/ollama/v1/", "llama")
    assert parse(local.ask(MESSAGES, schema(SLUGS)).text, SLUGS)


@WIRES
def test_the_key_is_asked_at_each_call_and_shown_nowhere(provider: Sandbox, wire: Wire) -> None:
    faults(provider)
    keys = iter(["other-key-1", "sandbox-renewed"])
    asked = HttpEndpoint("x", endpoint(provider, wire).base_url, "m", wire, lambda: next(keys))
    with pytest.raises(BadKey, match=r"refused the key \(401.*\); renew it or its credit\.$") as caught:
        asked.ask(MESSAGES, schema(SLUGS))
    assert asked.ask(MESSAGES, schema(SLUGS)).text
    assert "other-key-1" not in str(caught.value) + repr(asked)


@WIRES
@pytest.mark.parametrize(
    ("fault", "error"),
    [("400", BadAnswer), ("401", BadKey), ("403", BadKey), ("403_deprecated", Retired), ("404", BadAnswer),
     ("410", Retired), ("429", TryLater), ("500", TryLater), ("503", TryLater), ("529", TryLater), ("drop", TryLater),
     ("html", BadAnswer), ("too_long", BadAnswer), ("cut_off", BadAnswer), ("no_content", BadAnswer)],
)  # fmt: skip
def test_each_trouble_has_its_type_and_one_sentence(
    provider: Sandbox, wire: Wire, fault: str, error: type[EndpointError]
) -> None:
    faults(provider, fault)
    with pytest.raises(error, match=r"^stand-in [^\n]*\.$"):
        endpoint(provider, wire).ask(MESSAGES, schema(SLUGS))


def test_the_servers_wish_to_wait_is_kept(provider: Sandbox) -> None:
    faults(provider, "429")
    with pytest.raises(TryLater) as caught:
        endpoint(provider).ask(MESSAGES, schema(SLUGS))
    assert caught.value.retry_after == 7.0


def test_a_slow_answer_is_given_up(provider: Sandbox) -> None:
    faults(provider, "slow:0.6")
    with pytest.raises(TryLater, match="did not answer in time"):
        endpoint(provider, total_seconds=0.1).ask(MESSAGES, schema(SLUGS))


def test_nobody_there_is_tried_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TryLater, match="could not be reached"):
        HttpEndpoint("gone", f"http://127.0.0.1:{port}/v1", "m").ask(MESSAGES, schema(SLUGS))


@WIRES
def test_no_tools_but_the_form_and_no_key_are_in_the_request(provider: Sandbox, wire: Wire) -> None:
    faults(provider)
    endpoint(provider, wire).ask(MESSAGES, schema(SLUGS))
    body = last_call(provider)["body"]
    assert "sandbox-secret" not in json.dumps(body)
    assert len(body.get("tools", [])) == (wire == "anthropic")
