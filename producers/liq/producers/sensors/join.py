"""Join of a followed account's fills with the public trades of the same liquidation.

A hit is a fill with `liquidation` of method "market": it proves that the victim's order, of one
side and one transaction, was a liquidation. A trade belongs to the hit if coin and hash are the
same and its taker is the victim, on the same side. Trades and hits arrive over different
connections, in any order, within ten seconds. The proof and its trades are copied byte for byte
into one message, which the normalizer can judge without other messages.

The zero hash joins nothing: 27.9 % of ordinary trades had it (measured 2026-08).
"""

import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from liq.producers.sensors.makers import MakerTally

WINDOW_MS: Final = 10_000
MAX_TRADES: Final = 200_000
MAX_HITS: Final = 20_000
#: The bytes of waiting trades, without the memory of their names.
MAX_BYTES: Final = 64 * 1_048_576
#: A trade has about 300 bytes, so a message stays far below the limit of a frame.
TRADES_A_MESSAGE: Final = 1_000
#: Not a set: a message may have anything in its place, also what has no hash.
SIDES: Final = ("A", "B")
#: The values of `dir` of a maker's fill against a liquidation, and the side of the maker's order.
MAKERS_SIDE: Final = {
    "Open Long": "B",
    "Close Short": "B",
    "Short > Long": "B",
    "Open Short": "A",
    "Close Long": "A",
    "Long > Short": "A",
}
#: The same of the fill of an account that is liquidated. Others prove nothing: a deleveraging.
VICTIMS_SIDE: Final = {"Close Long": "A", "Close Short": "B"}
NO_HASH: Final = re.compile(r"(0x)?0*").fullmatch
_HASH: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII).fullmatch
_FILL = re.compile(rb"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_IS_HIT = re.compile(rb'"liquidation"\s*:\s*\{')


class Order(NamedTuple):
    """A taker's order: its coin, transaction, account and side (A: sell, B: buy)."""

    coin: str
    hash: str
    taker: str
    side: str


class TradeId(NamedTuple):
    """The identity of a trade on the venue."""

    time_ms: int
    coin: str
    tid: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Trades of one liquidation, and the fill that proves it, as the venue's bytes."""

    coin: str
    owner: str
    proof: bytes
    trades: tuple[bytes, ...]

    def messages(self) -> list[bytes]:
        """Return the frames that the normalizer reads as feed `joinedTrades`."""
        owner = orjson.dumps(self.owner)
        return [
            b'{"owner":%b,"proof":%b,"trades":[%b]}'
            % (owner, self.proof, b",".join(self.trades[start : start + TRADES_A_MESSAGE]))
            for start in range(0, len(self.trades), TRADES_A_MESSAGE)
        ]


@dataclass(slots=True)
class _Hit:
    owner: str
    proof: bytes


@dataclass(slots=True)
class TradeJoin:
    """The hits and trades of the last ten seconds. Times are ms of one monotonic clock.

    At the bound, the oldest hit or trade is dropped early; `forgotten` counts these. `makers`
    counts the dollars of every trade's maker.
    """

    max_trades: int = MAX_TRADES
    max_hits: int = MAX_HITS
    max_bytes: int = MAX_BYTES
    forgotten: int = 0
    makers: MakerTally | None = None
    _trades: dict[Order, list[tuple[TradeId, bytes]]] = field(default_factory=dict)
    _arrivals: deque[tuple[int, Order, TradeId, int]] = field(default_factory=deque)
    _bytes: int = 0
    _hits: OrderedDict[Order, tuple[int, _Hit]] = field(default_factory=OrderedDict)
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
        data = _parsed(frame).get("data")
        fills = data.get("fills") if type(data) is dict else None
        owner = data.get("user") if type(data) is dict else None
        if type(fills) is not list or type(owner) is not str:
            return []
        found: dict[Order, _Hit] = {}
        for fill, content in zip(fills, _slices(frame, b'"fills"', fills), strict=True):
            order = proven_order(owner, fill)
            trade = _trade_id(fill)
            if order is not None and trade is not None:
                self._note_done(trade, now_ms)
                found.setdefault(order, _Hit(owner, content))
        return [
            joined for order, hit in found.items() for joined in self._prove(order, hit, now_ms)
        ]

    def add_trades(self, frame: bytes, now_ms: int) -> list[Joined]:
        """Add a `trades` message; return its trades that belong to a hit."""
        self._expire(now_ms)
        trades = _parsed(frame).get("data")
        if type(trades) is not list:
            return []
        matching: dict[Order, list[bytes]] = {}
        for trade, content in zip(trades, _slices(frame, b'"data"', trades), strict=True):
            if self.makers is not None:
                self.makers.note(trade)
            order, name = order_of(trade), _trade_id(trade)
            if order is None or name is None or name in self._done:
                continue
            if order in self._hits:
                self._note_done(name, now_ms)
                matching.setdefault(order, []).append(content)
            else:
                self._keep(order, name, content, now_ms)
        return [
            Joined(
                order.coin, self._hits[order][1].owner, self._hits[order][1].proof, tuple(contents)
            )
            for order, contents in matching.items()
        ]

    def _prove(self, order: Order, hit: _Hit, now_ms: int) -> list[Joined]:
        self._hits[order] = (now_ms, hit)
        self._hits.move_to_end(order)
        if len(self._hits) > self.max_hits:
            self._hits.popitem(last=False)
            self.forgotten += 1
        rest = []
        for name, content in self._trades.pop(order, ()):
            if name not in self._done:
                self._note_done(name, now_ms)
                rest.append(content)
        return [Joined(order.coin, hit.owner, hit.proof, tuple(rest))] if rest else []

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
        while self._hits and next(iter(self._hits.values()))[0] < until_ms:
            self._hits.popitem(last=False)
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


def order_of(trade: Any) -> Order | None:
    """Return the taker's order of a trade; None if it is not a trade or has no transaction."""
    if type(trade) is not dict:
        return None
    coin, name, side, users = (trade.get(key) for key in ("coin", "hash", "side", "users"))
    if type(users) is not list or len(users) != 2 or side not in SIDES:  # noqa: PLR2004 - buyer and seller
        return None
    taker = users[0] if side == "B" else users[1]
    return _order(coin, name, taker, side)


def proven_order(owner: str, fill: Any) -> Order | None:
    """Return the victim's order that a followed account's fill proves, or None.

    The fill must not contradict itself, as the normalizer requires it of the event.
    """
    liquidation = fill.get("liquidation") if type(fill) is dict else None
    if type(liquidation) is not dict or liquidation.get("method") != "market":
        return None
    victim, side = liquidation.get("liquidatedUser"), fill.get("side")
    if type(victim) is not str or side not in SIDES:
        return None
    is_own, direction = victim.lower() == owner.lower(), fill.get("dir")
    if type(direction) is not str:
        return None
    if (VICTIMS_SIDE if is_own else MAKERS_SIDE).get(direction) != side:
        return None
    if not is_own:
        if fill.get("crossed") is not False:
            return None
        side = "A" if side == "B" else "B"
    return _order(fill.get("coin"), fill.get("hash"), victim, side)


def _order(coin: Any, name: Any, taker: Any, side: str) -> Order | None:
    if type(coin) is not str or type(name) is not str or type(taker) is not str:
        return None
    name = name.lower()
    if _HASH(name) is None or NO_HASH(name) is not None:
        return None
    return Order(coin, name, taker.lower(), side)


def _trade_id(entry: Any) -> TradeId | None:
    if type(entry) is not dict:
        return None
    time_ms, coin, tid = entry.get("time"), entry.get("coin"), entry.get("tid")
    if type(time_ms) is not int or type(coin) is not str or type(tid) is not int:
        return None
    return TradeId(time_ms, coin, tid)


def _parsed(frame: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return {}
    return message if type(message) is dict else {}


def _slices(frame: bytes, key: bytes, entries: list[Any]) -> list[bytes]:
    """Return the bytes of each entry of an array in a message.

    If the braces do not separate the entries, encode the parsed entries instead.
    """
    start = frame.find(key)
    found = _FILL.findall(frame, max(0, start)) if start >= 0 else []
    if len(found) == len(entries) and all(
        _same(content, entry) for content, entry in zip(found, entries, strict=True)
    ):
        return found
    return [orjson.dumps(entry) for entry in entries]


def _same(content: bytes, entry: Any) -> bool:
    try:
        return bool(orjson.loads(content) == entry)
    except orjson.JSONDecodeError:
        return False
