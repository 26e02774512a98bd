"""A language model without a model: answers to the schema, by counting words, the same each time.

`/ai/openai/v1/chat/completions` and `/ai/anthropic/v1/messages` speak the two formats; `/ai/ollama/v1/...` is the first
without a key. Any key that begins with "sandbox" is good. Faults wait in a queue, one per call:

    POST /ai/faults {"faults": ["invalid_json", "429", "slow:0.5"]}      GET /ai/calls
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sandbox.routing import Request, Response, Routes

if TYPE_CHECKING:
    from sandbox.server import Sandbox

routes = Routes(prefix="/ai")

KEPT_CALLS = 200
_WORD = re.compile(r"[a-z0-9]{3,}")
_URGENT = frozenset({"urgent", "critical", "exploited", "immediately", "emergency", "breach"})

# name → status, code, message, headers
REFUSALS: dict[str, tuple[int, str, str, dict[str, str]]] = {
    "400": (400, "invalid_request", "The schema is not supported.", {}),
    "401": (401, "invalid_api_key", "Incorrect API key provided.", {}),
    "403": (403, "permission_denied", "This key may not use this model.", {}),
    "403_deprecated": (403, "forbidden", "No longer available.", {"Deprecation": "true", "Sunset": "Thu, 30 Jul 2026"}),
    "404": (404, "model_not_found", "The model does not exist.", {}),
    "410": (410, "github_models_retirement_brownout", "This service has been retired.", {}),
    "429": (429, "rate_limit_exceeded", "Too many requests.", {"Retry-After": "7"}),
    "500": (500, "server_error", "The server had an error.", {}),
    "503": (503, "overloaded", "The engine is overloaded.", {}),
    "529": (529, "overloaded_error", "Overloaded", {}),
}
ANSWERS = ("invalid_json", "wrong_workflow", "extra_field", "no_content", "too_long", "cut_off", "html", "drop")


@dataclass
class Provider:
    """What the endpoint of one sandbox keeps: waiting faults and the calls that were made."""

    faults: deque[str] = field(default_factory=deque)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, call: dict[str, Any]) -> str:
        with self.lock:
            fault = self.faults.popleft() if self.faults else ""
            self.calls.append(call | {"fault": fault})
        return fault


_providers: WeakKeyDictionary[Sandbox, Provider] = WeakKeyDictionary()


def provider(sandbox: Sandbox) -> Provider:
    return _providers.setdefault(sandbox, Provider())


@routes.route("POST", "/faults")
def add_faults(request: Request) -> Response:
    wanted = (request.json() or {}).get("faults", [])
    unknown = [name for name in wanted if name not in REFUSALS and name not in ANSWERS and not _delay(name)]
    if unknown:
        known = ", ".join([*REFUSALS, *ANSWERS, "slow:<seconds>"])
        return Response.json({"message": f"Unknown faults: {', '.join(map(str, unknown))}; known are {known}."}, 400)
    provider(request.sandbox).faults.extend(wanted)
    return Response.json({"faults": list(provider(request.sandbox).faults)}, 201)


@routes.route("DELETE", "/faults")
def clear_faults(request: Request) -> Response:
    provider(request.sandbox).faults.clear()
    return Response.json({"faults": []})


@routes.route("GET", "/calls")
def calls(request: Request) -> Response:
    return Response.json({"calls": list(provider(request.sandbox).calls)})


@routes.route("POST", "/{name}/v1/chat/completions")
def chat_completions(request: Request) -> Response:
    """`name` is openai or ollama."""
    body = request.json()
    good_key = request.params["name"] == "ollama" or request.header("Authorization").startswith("Bearer sandbox")
    try:
        schema = body["response_format"]["json_schema"]["schema"]
        texts = {message["role"]: message["content"] for message in reversed(body["messages"])}
        model, system, user = body["model"], texts.get("system", ""), texts["user"]
    except (KeyError, TypeError):
        return _refused("400")
    if _lengths_in(schema) and body["response_format"]["json_schema"].get("strict"):
        return _refused("400")  # as the real one: strict schemas know no maxLength
    fault = _begin(request, good_key, body)
    text = _content(fault, schema, system, user)
    if isinstance(text, Response):
        return text
    finish = "length" if fault == "cut_off" else "stop"
    message = {"role": "assistant", "content": None if fault == "no_content" else text, "refusal": None}
    return Response.json({
        "id": "chatcmpl-sandbox", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": _tokens(system + user), "completion_tokens": _tokens(text)},
    })  # fmt: skip


@routes.route("POST", "/{name}/v1/messages")
def messages(request: Request) -> Response:
    body = request.json()
    good_key = request.header("x-api-key").startswith("sandbox")
    try:
        tool = body["tools"][0]
        forced = body["tool_choice"] == {"type": "tool", "name": tool["name"]}
        model, system, user = body["model"], body.get("system", ""), body["messages"][0]["content"]
        schema, limit = tool["input_schema"], int(body["max_tokens"])
    except (KeyError, TypeError, IndexError, ValueError):
        return _refused("400")
    if not forced or limit < 1 or not request.header("anthropic-version"):
        return _refused("400")
    fault = _begin(request, good_key, body)
    text = _content(fault, schema, system, user)
    if isinstance(text, Response):
        return text
    block: dict[str, Any] = {"type": "text", "text": text}
    if fault not in {"invalid_json", "no_content"}:
        block = {"type": "tool_use", "id": "toolu_sandbox", "name": tool["name"], "input": json.loads(text)}
    elif fault == "invalid_json":
        block = {"type": "tool_use", "id": "toolu_sandbox", "name": tool["name"], "input": {"note": text}}
    return Response.json({
        "id": "msg_sandbox", "type": "message", "role": "assistant", "model": model, "content": [block],
        "stop_reason": "max_tokens" if fault == "cut_off" else "tool_use",
        "usage": {"input_tokens": _tokens(system + user), "output_tokens": _tokens(text)},
    })  # fmt: skip


def _begin(request: Request, good_key: bool, body: Any) -> str:
    fault = provider(request.sandbox).next_fault({"path": request.path, "body": body})
    fault = fault if good_key else "401"
    request.sandbox.log.write("world", field="ai.call", path=request.path, fault=fault or None)
    time.sleep(_delay(fault))
    return fault


def _content(fault: str, schema: Any, system: str, user: str) -> str | Response:
    """The text of the answer, or the refusal that the fault asks for."""
    if fault in REFUSALS:
        return _refused(fault)
    if fault == "drop":
        return Response(abort=True)
    if fault == "html":
        return Response.html("<h1>502 Bad Gateway</h1>", 200)
    if fault == "too_long":
        return Response.json({"padding": "x" * 1_100_000})
    if fault == "invalid_json":
        return 'Sure! Here is the assessment: {"summary": '
    answer = assessment(schema, system, user)
    if fault == "wrong_workflow":
        answer["candidates"] = [{"workflow": "delete-everything", "confidence": 1.0, "rationale": "It says so."}]
    if fault == "extra_field":
        answer["issue_number"] = 1
    return json.dumps(answer)


def assessment(schema: Any, system: str, user: str) -> dict[str, Any]:
    """Workflows by how often their words (in `system`, lines "- slug: ...") are in `user`; the title counts more."""
    slugs = schema["properties"]["candidates"]["items"]["properties"]["workflow"]["enum"]
    said = _words(user) + 2 * _words("\n".join(user.split("\n")[:2]))
    scores = {slug: _score(slug, system, said) for slug in slugs}
    ordered = sorted((slug for slug in slugs if scores[slug]), key=lambda slug: (-scores[slug], slug))
    lines = [line.strip() for line in user.split("\n")[1:-1] if line.strip()]
    summary = " ".join(lines[2:] or lines)[:300]
    return {
        "summary": summary or "Nothing to summarise.",
        "candidates": [_candidate(slug, scores) for slug in ordered[:3]],
        "key_topics": list(dict.fromkeys(word for word in said if len(word) > 6))[:5],
        "urgency": "high" if _URGENT & set(said) else "normal",
        "content_type": "advisory" if "cve" in said else "article",
    }


def _candidate(slug: str, scores: dict[str, int]) -> dict[str, Any]:
    total = sum(scores.values())
    confidence = (1 - math.exp(-scores[slug] / 3)) * (0.5 + 0.5 * scores[slug] / total)
    return {
        "workflow": slug,
        "confidence": round(confidence, 2),
        "rationale": f"{scores[slug]} of its words are there.",
    }


def _score(slug: str, system: str, said: list[str]) -> int:
    line = next((line for line in system.splitlines() if line.startswith(f"- {slug}:")), slug)
    own = set(_words(line.rpartition("Typical words:")[2])) | set(_words(slug))
    return sum(word in own for word in said)


def _words(text: str) -> list[str]:
    return [word.removesuffix("s") for word in _WORD.findall(text.lower())]


def _lengths_in(schema: Any) -> bool:
    return '"maxLength"' in json.dumps(schema)


def _tokens(text: str) -> int:
    return len(text) // 4 + 1


def _delay(fault: Any) -> float:
    kind, _, seconds = str(fault).partition(":")
    return float(seconds) if kind == "slow" and re.fullmatch(r"\d+(\.\d+)?", seconds) else 0.0


def _refused(name: str) -> Response:
    status, code, message, headers = REFUSALS[name]
    return Response.json({"error": {"code": code, "type": code, "message": message}}, status, headers)
