"""Parking: a frame with an unknown contract as a record for the topic of parked frames.

`liq reference` publishes the frame again, with the same key and headers and a `retry` header, once
the contracts are listed.
"""

from typing import Any

from liq.runtime.believed_time import receipt
from liq.runtime.sending import OutputRecord
from liq.schemas.headers import (
    EXCHANGE,
    RAW_KEY,
    RECEIVED_AT_NS,
    RETRY,
    Retry,
    text_header,
)


def parked_record(topic: str, message: Any, exchange: str, retry: Retry) -> OutputRecord:
    """Return the unchanged frame, keyed by the first contract that it waits for.

    The headers always contain the exchange and the believed time of receipt, because the record of
    the frame that is published again has another append time.
    """
    dropped, added = {RETRY, RAW_KEY}, [retry.encode()]
    if text_header(message.headers, EXCHANGE) != exchange:
        dropped.add(EXCHANGE)
        added.append((EXCHANGE, exchange.encode()))
    received = receipt(message)
    if received.received_at_ns != received.stamped_ns:
        dropped.add(RECEIVED_AT_NS)
        added.append((RECEIVED_AT_NS, b"%d" % received.received_at_ns))
    if message.key is not None:
        added.append((RAW_KEY, message.key))
    headers = [header for header in message.headers or () if header[0] not in dropped]
    key = f"{exchange}:{retry.contracts[0]}".encode()
    return OutputRecord(topic, key, message.value, [*headers, *added])
