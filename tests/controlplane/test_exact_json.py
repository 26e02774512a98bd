"""What is dumped and loaded again is what it was, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime

from django.core import serializers

from pipeline.models import AuditEntry


def test_time_survives_a_move_to_another_database_whole() -> None:
    at = datetime(2026, 11, 2, 8, 0, 0, 123456, tzinfo=UTC)
    dumped = serializers.serialize("json", [AuditEntry(sequence=1, at=at)])
    (loaded,) = serializers.deserialize("json", dumped)
    assert vars(loaded.object)["at"] == at
