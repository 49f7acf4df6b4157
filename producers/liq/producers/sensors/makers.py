"""The makers of public trades, by dollars: the candidates for sensors. Memory is bounded.

A trade's `users` are its buyer and its seller, and its `side` is the taker's, so the other one is
the maker. An account that makes much of the market meets many liquidations.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from liq.producers.sensors.amounts import ranked_usd_of
from liq.schemas.hyperliquid import account_of

MAX_MAKERS: Final = 10_000
#: Every amount is halved after so many trades, so that the recent ones count most.
TRADES_A_HALVING: Final = 500_000


@dataclass(slots=True)
class MakerTally:
    """Dollars by maker. At the bound, the smaller half of the accounts is dropped."""

    max_makers: int = MAX_MAKERS
    _dollars: dict[str, Decimal] = field(default_factory=dict)
    _trades: int = 0

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self._dollars)

    def note(self, trade: Any) -> bool:
        """Count a public trade; ignore what is none. Return False for implausible numbers."""
        maker = maker_of(trade)
        if maker is None:
            return True
        usd = ranked_usd_of(trade)
        if usd is None:
            return False
        self._dollars[maker] = self._dollars.get(maker, Decimal(0)) + usd
        self._trades += 1
        if self._trades >= TRADES_A_HALVING:
            self._trades = 0
            self._dollars = {name: amount / 2 for name, amount in self._dollars.items()}
        if len(self._dollars) > self.max_makers:
            self._dollars = {name: self._dollars[name] for name in self.top(self.max_makers // 2)}
        return True

    def top(self, count: int) -> list[str]:
        """Return the accounts with the most dollars, the first first; ties are sorted by name."""
        ordered = sorted(self._dollars, key=lambda name: (-self._dollars[name], name))
        return ordered[:count]


def maker_of(trade: Any) -> str | None:
    """Return the maker of a public trade in lower case, or None if there is none."""
    if type(trade) is not dict:
        return None
    users, side = trade.get("users"), trade.get("side")
    if type(users) is not list or len(users) != 2 or side not in ("A", "B"):  # noqa: PLR2004 - buyer and seller
        return None
    return account_of(users[1] if side == "B" else users[0])
