"""Orders of takers on Hyperliquid: of public trades, and those that a fill proves liquidations.

The rules are those of `liq.schemas.hyperliquid`, which the normalizer has as well.
"""

from typing import Any, Final, NamedTuple

from liq.producers.sensors.amounts import usd_of
from liq.schemas.dollars import USD_LIKE
from liq.schemas.hyperliquid import (
    BUY,
    MAKERS_ORDER,
    MAX_TRADE_ID,
    SELL,
    account_of,
    collateral_of,
    transaction_of,
    victims_order,
)

#: Not a set: a message may have anything in its place, also what has no hash.
SIDES: Final = (SELL, BUY)


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


def order_of(trade: Any) -> Order | None:
    """Return the taker's order of a trade; None if it is not a trade or has no transaction."""
    if type(trade) is not dict:
        return None
    users, side = trade.get("users"), trade.get("side")
    if type(users) is not list or len(users) != 2 or side not in SIDES:  # noqa: PLR2004 - buyer and seller
        return None
    return _order(trade, users[0] if side == BUY else users[1], side)


def proven_order(owner: str, fill: Any) -> Order | None:
    """Return the victim's order that a followed account's fill proves, or None.

    The fill must not contradict itself, as the normalizer requires it of the event.
    """
    liquidation = fill.get("liquidation") if type(fill) is dict else None
    if type(liquidation) is not dict or liquidation.get("method") != "market":
        return None
    account, victim = account_of(owner), account_of(liquidation.get("liquidatedUser"))
    side, direction = fill.get("side"), fill.get("dir")
    if account is None or victim is None or side not in SIDES or type(direction) is not str:
        return None
    is_own = victim == account
    order_side = victims_order(direction) if is_own else MAKERS_ORDER.get(direction)
    if order_side != side or fill.get("crossed") is not is_own:
        return None
    if not is_own:
        side = SELL if side == BUY else BUY
    return _order(fill, victim, side)


def is_event(fill: Any) -> bool:
    """Return whether the normalizer reads a fill that proves an order as an event.

    A fill that is rejected must not become the proof of an order, whose trades would be rejected
    with it, nor count as the event of its trade.
    """
    token = fill.get("feeToken")
    return (
        trade_id(fill) is not None
        and usd_of(fill) is not None
        and collateral_of(fill["coin"], token if type(token) is str else "") in USD_LIKE
    )


def trade_id(entry: Any) -> TradeId | None:
    """Return the identity of a trade or fill, or None if it has none."""
    if type(entry) is not dict:
        return None
    time_ms, coin, tid = entry.get("time"), entry.get("coin"), entry.get("tid")
    if type(time_ms) is not int or type(coin) is not str or type(tid) is not int:
        return None
    return TradeId(time_ms, coin, tid) if 0 <= tid <= MAX_TRADE_ID else None


def _order(entry: Any, taker: Any, side: str) -> Order | None:
    coin, name = entry.get("coin"), transaction_of(entry.get("hash"))
    account = account_of(taker)
    if type(coin) is not str or name is None or account is None:
        return None
    return Order(coin, name, account, side)
