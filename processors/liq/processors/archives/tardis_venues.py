"""The venues of tardis.dev: conversion of each venue's rows to entries of its live messages.

Each function converts tardis' side of the forced order to the venue's own word. The venue's
normalizer interprets that word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple


class TardisRow(NamedTuple):
    """A row: unchanged texts, times in milliseconds, and the receipt also in microseconds."""

    exchange: str
    symbol: str
    own_id: str
    side: str
    price: str
    amount: str
    time_ms: int
    local_ms: int
    local_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TardisVenue:
    """The conversion of the rows of one of tardis' exchanges to messages.

    `entry` returns the entry of a row, or a sentence with the reason for its absence. `message`
    wraps equal entries. `feed` returns the feed of a symbol.
    """

    exchange: str
    feed: Callable[[str], str]
    entry: Callable[[TardisRow], dict[str, Any] | str]
    message: Callable[[TardisRow, list[Any]], Any]


# The words for the position, by the side of the order that closes it.
_POSITION: Final = {"sell": "Buy", "buy": "Sell"}
_BITGET_PRODUCTS: Final = {"usdt-futures": ("USDT",), "usdc-futures": ("PERP", "USDC")}


def _binance_order(row: TardisRow) -> dict[str, Any]:
    # The average price is not among the columns: with zero, the normalizer uses the limit price.
    return {
        "s": row.symbol,
        "S": row.side.upper(),
        "p": row.price,
        "ap": "0",
        "z": row.amount,
        "T": row.time_ms,
    }


def _binance_message(row: TardisRow, entries: list[Any]) -> Any:
    return {"e": "forceOrder", "E": row.time_ms, "o": entries[0]}


def _bybit_row(row: TardisRow) -> dict[str, Any] | str:
    side = _POSITION.get(row.side)
    if side is None:
        return _no_side(row)
    return {"T": row.time_ms, "s": row.symbol, "S": side, "v": row.amount, "p": row.price}


def _bybit_message(row: TardisRow, entries: list[Any]) -> Any:
    topic = f"allLiquidation.{row.symbol}"
    return {"topic": topic, "type": "snapshot", "ts": row.local_ms, "data": entries}


def _bybit_feed(symbol: str) -> str:
    is_linear = "USDT" in symbol or "USDC" in symbol or symbol.endswith("PERP") or "-" in symbol
    return "linear" if is_linear else "inverse"


def _okx_detail(row: TardisRow) -> dict[str, Any] | str:
    # In the live feed the position's side always follows from the order's, also in net mode.
    position = {"sell": "long", "buy": "short"}.get(row.side)
    if position is None:
        return _no_side(row)
    return {
        "side": row.side,
        "posSide": position,
        "bkPx": row.price,
        "sz": row.amount,
        "ts": str(row.time_ms),
    }


def _okx_message(row: TardisRow, entries: list[Any]) -> Any:
    kind = "SWAP" if row.symbol.endswith("-SWAP") else "FUTURES"
    instrument = {"instId": row.symbol, "instType": kind, "details": entries}
    return {"arg": {"channel": "liquidation-orders", "instType": kind}, "data": [instrument]}


def _deribit_trade(row: TardisRow) -> dict[str, Any]:
    # The columns lack whether taker or maker was liquidated; the side is right for both.
    return {
        "trade_id": row.own_id,
        "timestamp": row.time_ms,
        "price": row.price,
        "liquidation": "T",
        "instrument_name": row.symbol,
        "direction": row.side,
        "amount": row.amount,
    }


def _deribit_message(row: TardisRow, entries: list[Any]) -> Any:
    parameters = {"channel": f"trades.{row.symbol}.100ms", "data": entries[:1]}
    return {"jsonrpc": "2.0", "method": "subscription", "params": parameters}


def _bitmex_order(row: TardisRow) -> dict[str, Any]:
    return {
        "orderID": row.own_id,
        "symbol": row.symbol,
        "side": row.side.capitalize(),
        "price": row.price,
        "leavesQty": row.amount,
    }


def _bitmex_message(_: TardisRow, entries: list[Any]) -> Any:
    return {"table": "liquidation", "action": "insert", "data": entries[:1]}


def _kraken_trade(row: TardisRow) -> dict[str, Any]:
    return {
        "feed": "trade",
        "product_id": row.symbol.upper(),
        "uid": row.own_id,
        "side": row.side,
        "type": "liquidation",
        "time": row.time_ms,
        "qty": row.amount,
        "price": row.price,
    }


def _dydx_trade(row: TardisRow) -> dict[str, Any]:
    at = datetime.fromtimestamp(row.time_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": row.own_id,
        "side": row.side.upper(),
        "size": row.amount,
        "price": row.price,
        "type": "LIQUIDATED",
        "createdAt": f"{at}.{row.time_ms % 1_000:03}Z",
    }


def _dydx_message(row: TardisRow, entries: list[Any]) -> Any:
    contents = {"trades": entries[:1]}
    return {"type": "channel_data", "channel": "v4_trades", "id": row.symbol, "contents": contents}


def _htx_order(row: TardisRow) -> dict[str, Any]:
    return {
        "contract_code": row.symbol,
        "direction": row.side,
        "offset": "close",
        "volume": row.amount,
        "price": row.price,
        "created_at": row.time_ms,
    }


def _htx_message(row: TardisRow, entries: list[Any]) -> Any:
    topic = f"public.{row.symbol}.liquidation_orders"
    return {"op": "notify", "topic": topic, "ts": row.local_ms, "data": entries}


def _bitget_row(row: TardisRow) -> dict[str, Any] | str:
    side = _POSITION.get(row.side)
    if side is None:
        return _no_side(row)
    return {
        "symbol": row.symbol,
        "side": side.lower(),
        "price": row.price,
        "amount": row.amount,
        "ts": str(row.time_ms),
    }


def _bitget_message(row: TardisRow, entries: list[Any]) -> Any:
    product = next(
        (name for name, quotes in _BITGET_PRODUCTS.items() if row.symbol.endswith(quotes)),
        "coin-futures",
    )
    return {
        "action": "update",
        "arg": {"instType": product, "topic": "liquidation"},
        "data": entries,
        "ts": row.local_ms,
    }


def _no_side(row: TardisRow) -> str:
    return f"side is {row.side[:16]!r}, neither buy nor sell."


def _always(feed: str) -> Callable[[str], str]:
    return lambda _: feed


def _one(exchange: str, feed: str, entry: Any, message: Any) -> TardisVenue:
    return TardisVenue(exchange=exchange, feed=_always(feed), entry=entry, message=message)


VENUES: Final[Mapping[str, TardisVenue]] = {
    "binance-futures": _one("binance", "usdm", _binance_order, _binance_message),
    "binance-delivery": _one("binance", "coinm", _binance_order, _binance_message),
    "bybit": TardisVenue(
        exchange="bybit", feed=_bybit_feed, entry=_bybit_row, message=_bybit_message
    ),
    "okex-swap": _one("okx", "public", _okx_detail, _okx_message),
    "okex-futures": _one("okx", "public", _okx_detail, _okx_message),
    "deribit": _one("deribit", "trades", _deribit_trade, _deribit_message),
    "bitmex": _one("bitmex", "liquidation", _bitmex_order, _bitmex_message),
    "cryptofacilities": _one("kraken", "trade", _kraken_trade, lambda _, entries: entries[0]),
    "dydx-v4": _one("dydx", "trades", _dydx_trade, _dydx_message),
    "huobi-dm-linear-swap": _one("htx", "linear", _htx_order, _htx_message),
    "huobi-dm-swap": _one("htx", "inverse", _htx_order, _htx_message),
    "bitget-futures": _one("bitget", "liquidation", _bitget_row, _bitget_message),
}
NOT_IMPORTED: Final[Mapping[str, str]] = {
    "bitfinex-derivatives": "the rows are triggers at the price of entry, not executions",
    "huobi-dm": "the symbols name a term (BTC_CQ) and not the contract, whose size is needed",
    "ftx": "there is no normalizer: the venue closed in 2022",
    "dydx": "the third version of the venue has no normalizer; dydx-v4 has one",
}
