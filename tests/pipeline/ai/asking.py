"""Endpoints at the sandbox, a budget that counts, and one issue: what the tests of this folder share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from pipeline.ai.endpoint import HttpEndpoint, Wire
from pipeline.domain.classification import IssueText, Usage
from pipeline.domain.workflows import WorkflowSpec
from sandbox.server import Sandbox

ISSUE = IssueText(7, "Exploit for a vulnerability in a gateway", "The patch for the vulnerability is out.", ("osint",))


def spec(slug: str, *keywords: str) -> WorkflowSpec:
    return WorkflowSpec(slug, slug.title(), "", "1.0", (), keywords, "analyst", ())


SPECS = (spec("osint-research", "forum"), spec("security-assessment", "vulnerability", "exploit", "patch"))
SLUGS = tuple(item.slug for item in SPECS)


def endpoint(provider: Sandbox, wire: Wire = "openai", key: str = "sandbox-secret", **options: Any) -> HttpEndpoint:
    base = f"{provider.url}/ai/openai/v1" if wire == "openai" else f"{provider.url}/ai/anthropic"
    return HttpEndpoint("stand-in", base, "model-1", wire, lambda: key, **options)


def faults(provider: Sandbox, *names: str) -> None:
    requests.delete(f"{provider.url}/ai/faults", timeout=5)
    requests.post(f"{provider.url}/ai/faults", json={"faults": names}, timeout=5).raise_for_status()


def last_call(provider: Sandbox) -> dict[str, Any]:
    call: dict[str, Any] = requests.get(f"{provider.url}/ai/calls", timeout=5).json()["calls"][-1]
    return call


@dataclass
class Purse:
    left: int = 100
    recorded: list[Usage] = field(default_factory=list)

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def record(self, usage: Usage) -> None:
        self.recorded.append(usage)
