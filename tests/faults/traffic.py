"""Liquidations for local exchanges to send, with times of now, and cascades that never end."""

import json
import threading
import time
from collections.abc import Sequence
from typing import Final

from liq.devstack.exchange.server import LocalExchange
from liq.schemas.units import SECOND_MS

TICK_SECONDS: Final = 0.02
# Bursts lie unevenly in two seconds each: the detector takes them for cascades then, one by one.
BURST_OFFSET_MS: Final = 250
# Each second another asset falls; with this many, none falls twice in the life of a cascade.
ASSETS: Final = 200
FRAMES_PER_SECOND: Final = 30.0
VALUE_USD: Final = 60_000


def bitget_frame(number: int, asset: str, now_ms: int) -> str:
    """One long of an asset; `number` makes it different from every other frame."""
    row = {
        "symbol": f"{asset}USDT",
        "side": "buy",
        "price": "2.5",
        "amount": f"{VALUE_USD}.{number:07d}",
        "ts": str(now_ms),
    }
    argument = {"instType": "usdt-futures", "topic": "liquidation"}
    return json.dumps({"action": "update", "arg": argument, "data": [row], "ts": now_ms})


def okx_frame(number: int, _asset: str, now_ms: int) -> str:
    """One BTC short; `number` makes it different from every other frame."""
    detail = {
        "side": "buy",
        "posSide": "short",
        "bkPx": f"60000.{number:07d}",
        "sz": "39",
        "bkLoss": "0",
        "ccy": "",
        "ts": str(now_ms),
    }
    data = {
        "instId": "BTC-USDT-SWAP",
        "instFamily": "BTC-USDT",
        "uly": "BTC-USDT",
        "instType": "SWAP",
        "details": [detail],
    }
    return json.dumps(
        {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [data]}
    )


FRAMES: Final = {"bitget": bitget_frame, "okx": okx_frame}


def asset_at(now_ms: int, assets: int = ASSETS) -> str:
    """The asset that falls at a time."""
    return f"C{(now_ms + BURST_OFFSET_MS) // SECOND_MS % assets}X"


def sent_ms(frame: bytes) -> int:
    """When a frame of ours was sent."""
    message = json.loads(frame)
    row = message["data"][0]
    return int(row["ts"] if "ts" in row else row["details"][0]["ts"])


class Traffic:
    """Publishes at each exchange in turn from a thread of its own until it is stopped.

    `count` says how many frames it has made.
    """

    def __init__(
        self,
        exchanges: Sequence[LocalExchange],
        *,
        frames_per_second: float = FRAMES_PER_SECOND,
        assets: int = ASSETS,
    ) -> None:
        self._exchanges = exchanges
        self._rate = frames_per_second
        self._assets = assets
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send no more; everything sent is in the ledgers."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(TICK_SECONDS):
            elapsed = time.monotonic() - started
            now_ms = int(time.time() * SECOND_MS)
            asset = asset_at(now_ms, self._assets)
            sent = []
            while self.count < elapsed * self._rate:
                self.count += 1
                exchange = self._exchanges[self.count % len(self._exchanges)]
                frame = FRAMES[exchange.dialect.exchange]
                sent.append(exchange.publish(frame(self.count, asset, now_ms)))
            for each in sent:
                each.result()
