"""Amplification: one fill of a followed account proves the other trades of its liquidation.

The amplifier wraps the publisher and reads each frame that it sends. `liq.producers.sensors` does
the join; its memory is bounded, and ends with the process. A joined liquidation goes to the raw
topic as a frame of feed `joinedTrades` with proof and trades, so a replay gives the same events.
"""

from collections.abc import Iterable
from typing import Final

from liq.producers.feeds.record_key import MAX_KEY_BYTES
from liq.producers.feeds.settings import Target
from liq.producers.live.clock import Clock
from liq.producers.live.interfaces import FramePublisher
from liq.producers.sensors import Joined, MakerTally, TradeJoin
from liq.runtime.metrics import JOIN_FORGOTTEN, JOIN_REFUSED, JOIN_WAITING, JOINED_TRADES
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus
from liq.schemas.topics import TAPE

EXCHANGE: Final = "hyperliquid"
FILLS: Final = "userFills"
JOINED: Final = "joinedTrades"


class Amplifier:
    """Publisher that also sends what its join finds. Frames of one feed keep their order."""

    def __init__(
        self,
        publisher: FramePublisher,
        clock: Clock,
        slot: str,
        makers: MakerTally | None = None,
    ) -> None:
        self.failed = publisher.failed
        self._publisher = publisher
        self._clock = clock
        self._connection = f"{slot}:{EXCHANGE}.{JOINED}"
        self._join = TradeJoin(makers=makers)
        self._forgotten = 0
        self._refused = 0
        self._sequence = 0

    async def frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Send a frame, and the joined frames that it completes."""
        await self._publisher.frame(key, value, headers)
        if headers.exchange != EXCHANGE or headers.feed not in {FILLS, TAPE}:
            return
        now_ms = int(self._clock.monotonic() * 1_000)
        if headers.feed == FILLS:
            found = self._join.add_fills(value, now_ms)
        else:
            found = self._join.add_trades(value, now_ms)
        await self._send(found, headers)
        self._show()

    async def heartbeat(self, exchange: str, blind: tuple[str, ...] = (), cursor: str = "") -> None:
        """Send a heartbeat."""
        await self._publisher.heartbeat(exchange, blind, cursor)

    async def status(self, record: FeedStatus) -> None:
        """Send a feed record."""
        await self._publisher.status(record)

    async def drain(self) -> None:
        """Wait until every sent record is acknowledged or has failed."""
        await self._publisher.drain()

    async def _send(self, found: Iterable[Joined], cause: FrameHeaders) -> None:
        for joined in found:
            JOINED_TRADES.inc(len(joined.trades))
            for message in joined.messages():
                headers = FrameHeaders(
                    EXCHANGE,
                    JOINED,
                    self._clock.now_ns(),
                    self._connection,
                    self._sequence,
                    cause.rates,
                )
                self._sequence += 1
                key = joined.coin.encode()[:MAX_KEY_BYTES] or EXCHANGE.encode()
                await self._publisher.frame(key, message, headers)

    def _show(self) -> None:
        JOIN_WAITING.set(len(self._join))
        JOIN_FORGOTTEN.inc(self._join.forgotten - self._forgotten)
        self._forgotten = self._join.forgotten
        JOIN_REFUSED.inc(self._join.refused - self._refused)
        self._refused = self._join.refused


def amplified(
    publisher: FramePublisher,
    chosen: Iterable[Target],
    clock: Clock,
    slot: str,
    makers: MakerTally | None = None,
) -> FramePublisher:
    """Return a publisher that joins if the run has fills and the tape; else the publisher.

    `makers` counts the makers of the tape.
    """
    feeds = {(target.feed.exchange, target.feed.name) for target in chosen}
    joins = (EXCHANGE, FILLS) in feeds and (EXCHANGE, TAPE) in feeds
    return Amplifier(publisher, clock, slot, makers) if joins else publisher
