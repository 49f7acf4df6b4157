"""Public trades of Hyperliquid, and the parties' fills of them."""

import json
from dataclasses import dataclass
from typing import Any, Final

START_MS: Final = 1_780_000_000_000


def account(number: int) -> str:
    return f"0x{number:040x}"


@dataclass(frozen=True)
class Trade:
    """A trade of a taker with a maker; the taker may be under liquidation."""

    tid: int
    coin: str
    taker: int
    maker: int
    side: str
    transaction: int
    is_liquidation: bool = True

    @property
    def price(self) -> str:
        """The price, which differs for each trade."""
        return f"{100 + self.tid}.5"

    def public(self) -> dict[str, Any]:
        users = [self.taker, self.maker] if self.side == "B" else [self.maker, self.taker]
        return {
            "coin": self.coin, "side": self.side, "px": self.price, "sz": "2",
            "time": START_MS, "hash": f"0x{self.transaction:064x}", "tid": self.tid,
            "users": [account(user) for user in users],
        }  # fmt: skip

    def fill(self, *, of_taker: bool) -> dict[str, Any]:
        side = self.side if of_taker else ("A" if self.side == "B" else "B")
        direction = ("Close " if of_taker else "Open ") + (
            ("Short" if side == "B" else "Long")
            if of_taker
            else ("Long" if side == "B" else "Short")
        )
        found = {
            "coin": self.coin, "px": self.price, "sz": "2", "side": side, "time": START_MS,
            "startPosition": "0.0", "dir": direction, "closedPnl": "0.0",
            "hash": f"0x{self.transaction:064x}", "oid": 1, "crossed": of_taker, "fee": "0",
            "tid": self.tid, "feeToken": "USDC",
        }  # fmt: skip
        if self.is_liquidation:
            found["liquidation"] = {
                "liquidatedUser": account(self.taker), "markPx": "100", "method": "market",
            }  # fmt: skip
        return found


def user_fills(owner: int, fills: list[dict[str, Any]]) -> bytes:
    data = {"user": account(owner), "fills": fills, "isSnapshot": False}
    return json.dumps({"channel": "userFills", "data": data}).encode()


def public_trades(trades: list[Trade]) -> bytes:
    return json.dumps({"channel": "trades", "data": [one.public() for one in trades]}).encode()
