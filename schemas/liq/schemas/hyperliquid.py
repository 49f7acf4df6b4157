"""Rules of Hyperliquid's fills that the producer and the normalizer share.

The producer joins public trades with a fill that proves a liquidation, and the normalizer checks
each join. One set of rules keeps the producer from using a proof that the normalizer rejects.

Sources: hyperliquid.gitbook.io, "Liquidations" and the websocket types (read 2026-11). A public
audit of a node's fills of 2025 (12 hourly files and four whole days, published 2026-09-24) found
98,133 trades with the method "market": in each, both parties' fills were marked, the liquidated
account was the taker, and its `dir` was a close.
"""

import re
from typing import Any, Final

SELL: Final = "A"
BUY: Final = "B"
#: The values of a maker's `dir`, and the side of the maker's order.
MAKERS_ORDER: Final = {
    "Open Long": BUY,
    "Close Short": BUY,
    "Short > Long": BUY,
    "Open Short": SELL,
    "Close Long": SELL,
    "Long > Short": SELL,
}
LIQUIDATED: Final = "Liquidated "
#: The account of nobody.
NOBODY: Final = "0x" + "0" * 40
#: A trade and the fill that proves its liquidation are at most so far apart.
MAX_JOIN_MS: Final = 10_000
#: Trade ids are not negative, and at most this.
MAX_TRADE_ID: Final = 2**63 - 1
#: Names of collateral in messages, and the usual names.
COLLATERALS: Final = {"USDT0": "USDT"}
#: The collateral of builder-deployed exchanges, as of 2026; a fill's own token takes precedence.
COLLATERAL_OF: Final = {"xyz": "USDC", "flx": "USDH"}
#: The collateral of Hyperliquid's own markets.
OWN_COLLATERAL: Final = "USDC"

_CLOSING: Final = {"Close Long": SELL, "Close Short": BUY}
_ACCOUNT = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_TRANSACTION = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)
_NO_TRANSACTION: Final = "0x" + "0" * 64


def victims_order(direction: str) -> str | None:
    """Return the side of the order that a liquidated account's own `dir` describes.

    The order closes a position: Close Long, or Liquidated Cross Long. Return None for any other
    `dir`. "Long > Short" is among these: an order that also opens a position is the account's own,
    because the venue closes positions and opens none.
    """
    if direction.startswith(LIQUIDATED):
        direction = "Close " + direction.rpartition(" ")[2]
    return _CLOSING.get(direction)


def account_of(value: Any) -> str | None:
    """Return an account's address in lower case; None for another value or nobody's address."""
    if type(value) is not str or _ACCOUNT.fullmatch(value) is None:
        return None
    address = value.lower()
    return address if address != NOBODY else None


def transaction_of(value: Any) -> str | None:
    """Return a transaction's hash in lower case; None for another value or the zero hash."""
    if type(value) is not str or _TRANSACTION.fullmatch(value) is None:
        return None
    name = value.lower()
    return name if name != _NO_TRANSACTION else None


def collateral_of(coin: str, fee_token: str) -> str:
    """Return the currency in which a market's value is an amount, or "" if it is not known.

    `coin` is a market such as BTC or `xyz:CRWV`, and `fee_token` the token of a fill's fee, or "".
    """
    exchange = coin.rpartition(":")[0]
    if not exchange:
        return OWN_COLLATERAL
    return COLLATERALS.get(fee_token, fee_token) or COLLATERAL_OF.get(exchange, "")
