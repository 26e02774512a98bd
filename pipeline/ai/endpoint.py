"""One call to a language model: messages and a JSON schema in, JSON text out. Two wire formats over `requests`.

"openai" is `POST {base}/chat/completions` with `response_format`, as OpenAI, Azure, Ollama and many others speak it;
"anthropic" is `POST {base}/v1/messages` with one forced tool. Models get no tools of ours, no secrets, no redirects.

EndpointError
├── TryLater   timeout, connection, 408, 409, 425, 429, 5xx; `retry_after` in seconds when the server says so
├── Retired    410, or a refusal that announces deprecation: never again, a person chooses another provider
├── BadKey     401, 402, 403: a person must renew the key or the credit
└── BadAnswer  anything else that is not the answer asked for: too long, cut off, refused, no JSON of this protocol
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import requests
from urllib3.exceptions import HTTPError

Wire = Literal["openai", "anthropic"]
Schema = Mapping[str, Any]

MAX_ANSWER = 1024 * 1024  # bytes
ANTHROPIC_VERSION = "2023-06-01"
_TOOL = "assessment"
_TRY_LATER = frozenset({408, 409, 425, 429})
_BAD_KEY = frozenset({401, 402, 403})


class EndpointError(Exception):
    """`str()` is one sentence with the endpoint's name and the cause, never with the key."""


class TryLater(EndpointError):
    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Retired(EndpointError):
    pass


class BadKey(EndpointError):
    pass


class BadAnswer(EndpointError):
    pass


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` ought to be JSON by the schema; whoever asked checks that."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class Endpoint(Protocol):
    """A model that can be asked. `name` and `model` are for records."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    def ask(self, messages: Sequence[Message], schema: Schema) -> Answer:
        """Raises EndpointError only."""
        ...


@dataclass(frozen=True)
class HttpEndpoint:
    """The real endpoint. `key` is asked anew at each call, so that a renewed key needs no restart; "" sends none."""

    name: str
    base_url: str  # "https://api.openai.com/v1", "http://127.0.0.1:11434/v1", "https://api.anthropic.com"
    model: str
    wire: Wire = "openai"
    key: Callable[[], str] = field(default=lambda: "", repr=False)
    connect_seconds: float = 5.0
    total_seconds: float = 60.0
    max_tokens: int = 1500

    def ask(self, messages: Sequence[Message], schema: Schema) -> Answer:
        key = self.key()
        url, headers, body = (_openai if self.wire == "openai" else _anthropic)(self, key, messages, schema)
        status, answered, raw = self._post(url, headers, body, key)
        if status != 200:
            raise self._refusal(status, answered, _excerpt(raw, key))
        try:
            return (_openai_answer if self.wire == "openai" else _anthropic_answer)(json.loads(raw))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            why = f": {error}" if isinstance(error, _NotWhole) else " in the form of its protocol"
            raise BadAnswer(f"{self.name} gave no answer{why}.") from error

    def _post(
        self, url: str, headers: dict[str, str], body: dict[str, Any], key: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        ends = time.monotonic() + self.total_seconds
        try:
            with requests.Session() as session:
                session.trust_env = False  # a .netrc must not add credentials
                with session.post(
                    url,
                    json=body,
                    headers=headers,
                    timeout=(self.connect_seconds, self.total_seconds),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    return response.status_code, response.headers, self._read(response, ends)
        except (requests.RequestException, HTTPError, OSError) as error:
            text = str(error).replace(key, "***") if key else str(error)
            kind = "did not answer in time" if "timed out" in text.lower() else "could not be reached"
            raise TryLater(f"{self.name} {kind} ({type(error).__name__}); nothing was used of it.") from error

    def _read(self, response: requests.Response, ends: float) -> bytes:
        raw = bytearray()
        for chunk in response.iter_content(16 * 1024):
            raw += chunk
            if len(raw) > MAX_ANSWER:
                raise BadAnswer(f"{self.name} answered with more than {MAX_ANSWER} bytes; nothing was used of it.")
            if time.monotonic() > ends:
                raise TryLater(
                    f"{self.name} did not answer in time ({self.total_seconds:g} s); nothing was used of it."
                )
        return bytes(raw)

    def _refusal(self, status: int, headers: Mapping[str, str], said: str) -> EndpointError:
        announced = {name.lower() for name in headers} & {"deprecation", "sunset"}
        if status == 410 or (status == 403 and (announced or "retire" in said or "deprecat" in said)):
            return Retired(f"{self.name} has been retired ({status}{said}); choose another provider.")
        if status in _BAD_KEY:
            return BadKey(f"{self.name} refused the key ({status}{said}); renew it or its credit.")
        if status in _TRY_LATER or status >= 500:
            return TryLater(f"{self.name} is not available now ({status}{said}).", _seconds(headers.get("Retry-After")))
        return BadAnswer(f"{self.name} did not take the request ({status}{said}); check its address and model.")


class _NotWhole(ValueError):
    """The protocol was kept, but the answer is none; `str()` says why."""


def _openai(
    endpoint: HttpEndpoint, key: str, messages: Sequence[Message], schema: Schema
) -> tuple[str, dict[str, str], dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return (
        f"{endpoint.base_url.rstrip('/')}/chat/completions",
        headers,
        {
            "model": endpoint.model,
            "messages": [{"role": message.role, "content": message.text} for message in messages],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": _TOOL, "strict": True, "schema": _strict(schema)},
            },
            "max_completion_tokens": endpoint.max_tokens,
        },
    )


def _strict(value: Any) -> Any:
    """Strict mode refuses a schema with maxLength; lengths are cut when the answer is read."""
    if isinstance(value, Mapping):
        return {name: _strict(item) for name, item in value.items() if name != "maxLength"}
    return [_strict(item) for item in value] if isinstance(value, (list, tuple)) else value


def _openai_answer(answer: Any) -> Answer:
    choice = answer["choices"][0]
    if choice["message"].get("refusal"):
        raise _NotWhole("the model refused")
    if choice.get("finish_reason") == "length":
        raise _NotWhole("it was cut off at the limit of tokens")
    usage = answer.get("usage") or {}
    return Answer(
        _text(choice["message"]["content"]), _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    )


def _anthropic(
    endpoint: HttpEndpoint, key: str, messages: Sequence[Message], schema: Schema
) -> tuple[str, dict[str, str], dict[str, Any]]:
    headers = {"anthropic-version": ANTHROPIC_VERSION} | ({"x-api-key": key} if key else {})
    tool = {"name": _TOOL, "description": "Hand in the assessment.", "input_schema": schema}
    return (
        f"{endpoint.base_url.rstrip('/').removesuffix('/v1')}/v1/messages",
        headers,
        {
            "model": endpoint.model,
            "max_tokens": endpoint.max_tokens,
            "system": "\n\n".join(message.text for message in messages if message.role == "system"),
            "messages": [
                {"role": message.role, "content": message.text} for message in messages if message.role != "system"
            ],
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": _TOOL},
        },
    )


def _anthropic_answer(answer: Any) -> Answer:
    if answer.get("stop_reason") in {"max_tokens", "refusal"}:
        raise _NotWhole(f"it stopped for {answer['stop_reason']}")
    usage = answer.get("usage") or {}
    for block in answer["content"]:
        if block.get("type") == "tool_use" and block.get("name") == _TOOL:
            text = json.dumps(block["input"])
            return Answer(text, _count(usage, "input_tokens"), _count(usage, "output_tokens"))
    raise _NotWhole("it did not use the form that it was given")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _count(usage: Any, name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:
        return None  # a date: the caller's own backoff is used


def _excerpt(raw: bytes, key: str) -> str:
    """What the provider said about a refusal, short and without the key: ": ...", or nothing."""
    text = raw[:4000].decode("utf-8", "replace")
    try:
        error = json.loads(text)
        error = error.get("error", error)
        text = " ".join(str(error[name]) for name in ("code", "type", "message") if error.get(name))
    except (ValueError, AttributeError, TypeError, RecursionError):
        text = ""  # an HTML page of some proxy says nothing to a person
    text = text.replace(key, "***") if key else text
    line = " ".join("".join(char for char in text if char.isprintable()).split())[:160].rstrip(".")
    return f": {line}" if line else ""
