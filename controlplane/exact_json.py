"""JSON of `dumpdata` that keeps microseconds, which Django's own cuts off.

The hashes of the audit log and of frozen evidence are made over whole times: without them a log that moved to another
database looks altered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.serializers import json
from django.core.serializers.json import Deserializer, DjangoJSONEncoder

__all__ = ["Deserializer", "Serializer"]


class Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class Serializer(json.Serializer):
    def _init_options(self) -> None:
        super()._init_options()  # type: ignore[misc]  # the stubs do not know it
        self.json_kwargs["cls"] = Encoder
