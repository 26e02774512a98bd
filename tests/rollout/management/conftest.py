"""A started rollout, and `rollout` as a script calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from rollout.models import Rollout
from tests.rollout.admin.world import start

Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def rollout(db: None) -> Rollout:
    return start()


@pytest.fixture
def call(db: None) -> Call:
    """`call("hold", "--reason", "x")` → (exit code, what --json said)."""

    def made(way: str, *arguments: str) -> tuple[int, Any]:
        out = StringIO()
        code = 0
        try:
            call_command("rollout", way, "--json", *arguments, stdout=out, stderr=StringIO())
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, json.loads(out.getvalue())

    return made


@pytest.fixture
def said(db: None) -> Callable[..., str]:
    """What the same says to a person."""

    def made(*arguments: str) -> str:
        out = StringIO()
        call_command("rollout", *arguments, stdout=out)
        return out.getvalue()

    return made
