"""Refused records as members of the sorted set `refused`. Pure."""

from base64 import b64encode
from typing import Final

import orjson

from liq.sinks.refusals import Refusal

KEPT: Final = 100
MAX_VALUE_BYTES: Final = 4_096


def refused_entry(refusal: Refusal) -> bytes:
    """Return a member of the set; the bytes are the same however often the record is refused."""
    record = refusal.record
    value = record.value or b""
    return orjson.dumps(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "reason": refusal.reason,
            "detail": refusal.detail[:500],
            "value_bytes": len(value),
            "value_base64": b64encode(value[:MAX_VALUE_BYTES]).decode(),
        }
    )
