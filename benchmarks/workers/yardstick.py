"""A fixed piece of work, as a measure of this machine's present speed."""

import time
from decimal import Decimal
from hashlib import blake2b
from typing import Final

import orjson

REPEATS, ROUNDS = 10_000, 5
ROW: Final = b"binance|BTCUSDT|SELL|97345.12|0.125|1783591834503|0"
FRAME: Final = (
    b'{"e":"forceOrder","E":1783685460260,"o":{"s":"ETHUSDT","S":"BUY","o":"LIMIT","f":"IOC",'
    b'"q":"1.7","p":"1801.88","ap":"1801.88","X":"FILLED","l":"1.7","z":"1.7","T":1783685460260}}'
)


def yardstick_microseconds() -> float:
    """Return the processor time of parsing a frame, a product of two decimals and a hash."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REPEATS):
            order = orjson.loads(FRAME)["o"]
            Decimal(order["p"]) * Decimal(order["q"])
            blake2b(ROW, digest_size=16).hexdigest()
        best = min(best, time.process_time() - started)
    return best / REPEATS * 1e6
