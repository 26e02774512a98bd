from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.sources.loopback import Loopback, loopback


@pytest.fixture
def site() -> Iterator[Loopback]:
    with loopback() as running:
        yield running
