from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as running:
        yield running
