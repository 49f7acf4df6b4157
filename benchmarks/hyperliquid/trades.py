"""A day of Hyperliquid's trades: from a node's files, or synthetic with published figures.

Published (a public study of 355 days of node fills): 5.1 million liquidation fills by market order,
which is 14,400 a day; 1.2 % of all are the backstop's. Assumed: the inequality of makers, the
number of trades per order, and the sizes of orders.
"""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import lz4.frame
import orjson

from liq.producers.node.lines import holds_liquidation
from liq.producers.sensors import MakerFill

START_MS: Final = 1_780_000_000_000
DAY_MS: Final = 86_400_000
VAULT: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
LIQUIDATION_TRADES_A_DAY: Final = 14_400
BACKSTOP_SHARE: Final = 0.012
MARKET, BACKSTOP = "market", "backstop"


@dataclass(frozen=True, slots=True)
class DayTrade:
    """One trade. `side` is the taker's; `method` is empty if the trade is no liquidation."""

    time_ms: int
    coin: str
    tid: int
    hash: str
    taker: str
    maker: str
    side: str
    price: str
    size: str
    method: str

    @property
    def usd(self) -> Decimal:
        """Return the trade's value in dollars."""
        return Decimal(self.price) * Decimal(self.size)

    def maker_fill(self) -> MakerFill:
        """Return the maker's fill, for the selection of sensors."""
        return MakerFill(self.maker, (self.coin, self.hash, self.taker), self.usd)

    def public(self) -> dict[str, Any]:
        """Return the trade in the form of `trades`."""
        users = [self.taker, self.maker] if self.side == "B" else [self.maker, self.taker]
        return {"coin": self.coin, "side": self.side, "px": self.price, "sz": self.size,
                "time": self.time_ms, "hash": self.hash, "tid": self.tid,
                "users": users}  # fmt: skip

    def fill(self, owner: str) -> dict[str, Any]:
        """Return one party's fill in the form of `userFills`."""
        is_taker = owner == self.taker
        side = self.side if is_taker else {"A": "B", "B": "A"}[self.side]
        closes_long = self.side == "A"
        if self.method == BACKSTOP:
            direction = "Liquidated Cross " + ("Long" if closes_long else "Short")
        elif is_taker:
            direction = "Close " + ("Long" if closes_long else "Short")
        else:
            direction = "Open " + ("Long" if closes_long else "Short")
        found = {"coin": self.coin, "px": self.price, "sz": self.size, "side": side,
                 "time": self.time_ms, "startPosition": "0.0", "dir": direction, "closedPnl": "0.0",
                 "hash": self.hash, "oid": self.tid, "crossed": is_taker or self.method == BACKSTOP,
                 "fee": "0.0", "tid": self.tid, "feeToken": "USDC"}  # fmt: skip
        if self.method:
            found["liquidation"] = {"liquidatedUser": self.taker, "markPx": self.price,
                                    "method": self.method}  # fmt: skip
        return found


def account(number: int) -> str:
    return f"0x{number:040x}"


def made_up(  # noqa: PLR0913 - what is assumed
    seed: int,
    *,
    exponent: float,
    trades_an_order: float = 6.0,
    count: int = LIQUIDATION_TRADES_A_DAY,
    makers: int = 500,
    ordinary_share: float = 1.0,
) -> list[DayTrade]:
    """Return a day with `count` liquidation trades; makers' shares fall as rank ** -exponent.

    A liquidation's trades share block, hash and taker. `ordinary_share` is the number of ordinary
    trades per liquidation trade; they have the same makers and some of the same accounts.
    """
    source = random.Random(seed)  # noqa: S311 - a simulation
    weights = [rank**-exponent for rank in range(1, makers + 1)]
    names = [account(10_000 + rank) for rank in range(makers)]
    trades: list[DayTrade] = []
    while len(trades) < count * (1 + ordinary_share):
        is_liquidation = source.random() < 1 / (1 + ordinary_share)
        time_ms = START_MS + int(source.random() * DAY_MS)
        coin, taker = source.choice(("BTC", "ETH", "SOL", "HYPE")), source.randrange(1, 5_000)
        side, name = source.choice("AB"), source.getrandbits(255) + 1
        is_backstop = is_liquidation and source.random() < BACKSTOP_SHARE * trades_an_order
        size = 0 if is_backstop else int(source.expovariate(1 / (trades_an_order - 1)))
        order_usd = source.lognormvariate(7.5, 1.8)
        for maker in [VAULT] if is_backstop else source.choices(names, weights, k=size + 1):
            share = source.random() * order_usd / (size + 1)
            method = (BACKSTOP if is_backstop else MARKET) if is_liquidation else ""
            trades.append(
                DayTrade(time_ms, coin, len(trades), f"0x{name:064x}", account(taker), maker, side,
                         "100.0", f"{max(0.01, share / 100):.4f}", method)
            )  # fmt: skip
    return sorted(trades, key=lambda trade: (trade.time_ms, trade.tid))


def of_files(paths: Iterable[Path]) -> list[DayTrade]:
    """Return the trades of a node's files: all trades of each block with a liquidation.

    Files are plain or lz4, by block or by fill. A trade without both parties' fills is left out,
    and so are blocks without a liquidation: makers' shares are those in blocks with one.
    """
    halves: dict[tuple[Any, ...], dict[str, tuple[str, dict[str, Any]]]] = {}
    for path in paths:
        for line in _lines(path):
            if not holds_liquidation(line):
                continue
            message = orjson.loads(line)
            for owner, fill in [message] if isinstance(message, list) else message["events"]:
                name = (fill["time"], fill["coin"], fill["tid"])
                halves.setdefault(name, {})[fill["side"]] = (owner.lower(), fill)
    both = [_trade(sides) for sides in halves.values() if len(sides) == 2]
    return sorted(both, key=lambda trade: (trade.time_ms, trade.tid))


def _trade(sides: dict[str, tuple[str, dict[str, Any]]]) -> DayTrade:
    liquidation = sides["A"][1].get("liquidation") or sides["B"][1].get("liquidation") or {}
    victim = str(liquidation.get("liquidatedUser", "")).lower()
    side = "B" if victim == sides["B"][0] or (not victim and sides["B"][1]["crossed"]) else "A"
    taker, fill = sides[side]
    maker = sides["A" if side == "B" else "B"][0]
    # An auto-deleveraging is no liquidation of the accounts in it.
    is_wound_up = "Auto-Deleveraging" in (sides["A"][1]["dir"], sides["B"][1]["dir"])
    return DayTrade(
        fill["time"], fill["coin"], fill["tid"], fill["hash"], taker, maker, side, fill["px"],
        fill["sz"], "" if is_wound_up else liquidation.get("method", ""),
    )  # fmt: skip


def _lines(path: Path) -> Iterator[bytes]:
    opened = lz4.frame.open(path) if path.suffix == ".lz4" else path.open("rb")
    with opened as file:
        yield from file


def frame_of_fills(owner: str, fills: list[dict[str, Any]]) -> bytes:
    return json.dumps({"channel": "userFills", "data": {"user": owner, "fills": fills}}).encode()


def frame_of_trades(trades: list[dict[str, Any]]) -> bytes:
    return json.dumps({"channel": "trades", "data": trades}).encode()
