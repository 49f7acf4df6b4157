"""Join of a followed account's fills with the public trades of the same liquidation.

A hit is a fill with `liquidation` of method "market": it proves that the victim's order, of one
side and one transaction, was a liquidation. A trade belongs to the hit if coin and hash are the
same, its taker is the victim, on the same side, and the venue's times are at most ten seconds
apart. Trades and hits arrive over different connections, in any order, within ten seconds. The
proof and its trades are copied byte for byte into messages, each of which the normalizer can judge
without other messages. A fill that the normalizer rejects is no hit.

The zero hash joins nothing: 27.9 % of ordinary trades had it (measured 2026-08).
"""

import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

import orjson

from liq.producers.sensors.frames import parsed, slices
from liq.producers.sensors.makers import MakerTally
from liq.producers.sensors.orders import (
    Order,
    TradeId,
    is_event,
    order_of,
    proven_order,
    trade_id,
)
from liq.schemas.hyperliquid import MAX_JOIN_MS

WINDOW_MS: Final = MAX_JOIN_MS
MAX_TRADES: Final = 200_000
MAX_HITS: Final = 20_000
#: The bytes of waiting trades, without the memory of their names.
MAX_BYTES: Final = 64 * 1_048_576
#: A trade has about 300 bytes, a fill about 600. A longer one is refused.
MAX_ENTRY_BYTES: Final = 4_096
#: A message has about a thousand trades, and a sixteenth of what Kafka takes in a request.
MAX_MESSAGE_BYTES: Final = 256 * 1_024
#: The proofs of one order, of different times: one of a false time joins nothing.
PROOFS_AN_ORDER: Final = 4
_IS_HIT = re.compile(rb'"liquidation"\s*:\s*\{')


@dataclass(frozen=True, slots=True)
class Joined:
    """Trades of one liquidation, and the fill that proves it, as the venue's bytes."""

    coin: str
    owner: str
    proof: bytes
    trades: tuple[bytes, ...]

    def messages(self) -> list[bytes]:
        """Return the frames that the normalizer reads as feed `joinedTrades`.

        None exceeds MAX_MESSAGE_BYTES, because proof and trades have at most MAX_ENTRY_BYTES.
        """
        head = b'{"owner":%b,"proof":%b,"trades":[' % (orjson.dumps(self.owner), self.proof)
        batches: list[list[bytes]] = []
        size_bytes = MAX_MESSAGE_BYTES
        for trade in self.trades:
            size_bytes += len(trade) + len(b",")
            if size_bytes > MAX_MESSAGE_BYTES:
                batches.append([])
                size_bytes = len(head) + len(trade) + len(b"]}")
            batches[-1].append(trade)
        return [head + b",".join(batch) + b"]}" for batch in batches]


@dataclass(frozen=True, slots=True)
class _Hit:
    arrived_ms: int
    time_ms: int
    owner: str
    proof: bytes

    def covers(self, trade: TradeId) -> bool:
        return abs(trade.time_ms - self.time_ms) <= MAX_JOIN_MS


@dataclass(slots=True)
class TradeJoin:
    """The hits and trades of the last ten seconds. Times are ms of one monotonic clock.

    At the bound, the oldest hit or trade is dropped early; `forgotten` counts these. `refused`
    counts entries that are too long, and trades whose numbers are not plausible. `makers` counts
    the dollars of every trade's maker.
    """

    max_trades: int = MAX_TRADES
    max_hits: int = MAX_HITS
    max_bytes: int = MAX_BYTES
    forgotten: int = 0
    refused: int = 0
    makers: MakerTally | None = None
    _trades: dict[Order, list[tuple[TradeId, bytes]]] = field(default_factory=dict)
    _arrivals: deque[tuple[int, Order, TradeId, int]] = field(default_factory=deque)
    _bytes: int = 0
    _hits: OrderedDict[Order, list[_Hit]] = field(default_factory=OrderedDict)
    _hit_count: int = 0
    _done: OrderedDict[TradeId, int] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        """Return the number of trades that wait for a hit."""
        return len(self._arrivals)

    @property
    def held_bytes(self) -> int:
        """The bytes of the trades that wait for a hit."""
        return self._bytes

    def add_fills(self, frame: bytes, now_ms: int) -> list[Joined]:
        """Add a `userFills` message; return the waiting trades that its hits prove."""
        self._expire(now_ms)
        if _IS_HIT.search(frame) is None:
            return []
        data = parsed(frame).get("data")
        fills = data.get("fills") if type(data) is dict else None
        owner = data.get("user") if type(data) is dict else None
        if type(fills) is not list or type(owner) is not str:
            return []
        found: dict[tuple[Order, int], _Hit] = {}
        for fill, content in zip(fills, slices(frame, b'"fills"', fills), strict=True):
            order, trade = proven_order(owner, fill), trade_id(fill)
            if order is None or trade is None or not is_event(fill):
                continue
            self._note_done(trade, now_ms)
            if len(content) > MAX_ENTRY_BYTES:
                self.refused += 1
                continue
            hit = _Hit(now_ms, trade.time_ms, owner, content)
            found.setdefault((order, trade.time_ms), hit)
        return [
            joined
            for (order, _), hit in found.items()
            for joined in self._prove(order, hit, now_ms)
        ]

    def add_trades(self, frame: bytes, now_ms: int) -> list[Joined]:
        """Add a `trades` message; return its trades that belong to a hit."""
        self._expire(now_ms)
        trades = parsed(frame).get("data")
        if type(trades) is not list:
            return []
        matching: dict[tuple[Order, int], tuple[_Hit, list[bytes]]] = {}
        for trade, content in zip(trades, slices(frame, b'"data"', trades), strict=True):
            if self.makers is not None and not self.makers.note(trade):
                self.refused += 1
            order, name = order_of(trade), trade_id(trade)
            if order is None or name is None or name in self._done:
                continue
            if len(content) > MAX_ENTRY_BYTES:
                self.refused += 1
                continue
            hit = next((each for each in self._hits.get(order, ()) if each.covers(name)), None)
            if hit is None:
                self._keep(order, name, content, now_ms)
                continue
            self._note_done(name, now_ms)
            matching.setdefault((order, hit.time_ms), (hit, []))[1].append(content)
        return [
            Joined(order.coin, hit.owner, hit.proof, tuple(contents))
            for (order, _), (hit, contents) in matching.items()
        ]

    def _prove(self, order: Order, hit: _Hit, now_ms: int) -> list[Joined]:
        self._keep_hit(order, hit)
        rest: list[bytes] = []
        others: list[tuple[TradeId, bytes]] = []
        for name, content in self._trades.pop(order, ()):
            if name in self._done:
                continue
            if hit.covers(name):
                self._note_done(name, now_ms)
                rest.append(content)
            else:
                others.append((name, content))
        if others:
            self._trades[order] = others
        return [Joined(order.coin, hit.owner, hit.proof, tuple(rest))] if rest else []

    def _keep_hit(self, order: Order, hit: _Hit) -> None:
        """Keep a hit as its order's newest; it replaces one of the same time."""
        known = self._hits.get(order, [])
        others = [each for each in known if each.time_ms != hit.time_ms]
        kept = [*others, hit][-PROOFS_AN_ORDER:]
        self._hits[order] = kept
        self._hits.move_to_end(order)
        self._hit_count += len(kept) - len(known)
        while self._hit_count > self.max_hits:
            self.forgotten += self._drop_oldest_hits()

    def _keep(self, order: Order, name: TradeId, content: bytes, now_ms: int) -> None:
        self._trades.setdefault(order, []).append((name, content))
        self._arrivals.append((now_ms, order, name, len(content)))
        self._bytes += len(content)
        while len(self._arrivals) > self.max_trades or self._bytes > self.max_bytes:
            self._drop_oldest()
            self.forgotten += 1

    def _note_done(self, name: TradeId, now_ms: int) -> None:
        """Record a trade that is an event already; beyond the bound, forget the oldest."""
        self._done[name] = now_ms
        self._done.move_to_end(name)
        if len(self._done) > self.max_trades:
            self._done.popitem(last=False)

    def _expire(self, now_ms: int) -> None:
        until_ms = now_ms - WINDOW_MS
        while self._arrivals and self._arrivals[0][0] < until_ms:
            self._drop_oldest()
        while self._hits and next(iter(self._hits.values()))[-1].arrived_ms < until_ms:
            self._drop_oldest_hits()
        while self._done and next(iter(self._done.values())) < until_ms:
            self._done.popitem(last=False)

    def _drop_oldest(self) -> None:
        """Drop the trade that arrived first; a join may have removed it already."""
        _, order, name, size_bytes = self._arrivals.popleft()
        self._bytes -= size_bytes
        waiting = self._trades.get(order)
        if waiting and waiting[0][0] == name:
            waiting.pop(0)
            if not waiting:
                del self._trades[order]

    def _drop_oldest_hits(self) -> int:
        """Drop the hits of the order whose last hit arrived first, and return their number."""
        _, hits = self._hits.popitem(last=False)
        self._hit_count -= len(hits)
        return len(hits)
