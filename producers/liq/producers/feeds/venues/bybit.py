"""Bybit v5: `allLiquidation.{symbol}`, one topic a symbol.

Source: bybit-exchange/docs, v5 *connect*, `all-liquidation.mdx` and *instruments info*, 2026. A
ping is due every 20 seconds; the topics of one connection may have 21,000 characters in all. One
bad symbol fails its whole request.
"""

from collections.abc import Mapping
from typing import Any, Final

from liq.producers.feeds import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Limits,
    Received,
    SymbolListing,
    compact,
    request,
)

PING: Final = Heartbeat(text='{"op":"ping"}', every_seconds=20)
LIMITS: Final = Limits(
    source="bybit-exchange/docs, v5 connect: 21,000 characters of topics a connection; 500 "
    "connections in 5 minutes, here as 100 a minute",
    as_of="2026-07-24",
    characters_per_connection=21_000,
    connections_per_minute=100,
)
REST: Final = "https://api.bybit.com/v5/market/instruments-info?limit=1000&category="


def subscribe(names: tuple[str, ...], number: int) -> str:
    """Return one request for several symbols, answered by its number."""
    topics = [f"allLiquidation.{name}" for name in names]
    return compact({"op": "subscribe", "req_id": str(number), "args": topics})


def read(message: Any) -> Received:
    """Classify a message: answers have `success` and the `req_id`; data have a `topic`."""
    if type(message) is not dict or "topic" in message:
        return DATA
    if message.get("op") == "subscribe":
        token = (request(message["req_id"]),) if message.get("req_id") else ()
        if message.get("success") is True:
            return Received(acknowledged=token)
        return Received(refused=token, refusal=str(message.get("ret_msg")))
    if message.get("op") in {"ping", "pong"} or message.get("ret_msg") == "pong":
        return CONTROL
    return DATA


def symbol_of(message: Any) -> Any:
    """Return the last part of the topic."""
    return message["topic"].rpartition(".")[2]


def sent_at_ms(message: Any) -> Any:
    """Return `ts`, the time at which the system made the push."""
    return message["ts"]


def parse_symbols(document: Any) -> tuple[str, ...]:
    """Return the markets that trade."""
    return tuple(
        row["symbol"] for row in document["result"]["list"] if row.get("status") == "Trading"
    )


def next_page(document: Any) -> Mapping[str, str] | None:
    """Return the query of the next page; listings have pages with a cursor."""
    cursor = document["result"].get("nextPageCursor")
    return {"cursor": cursor} if cursor else None


def _feed(category: str, silence_seconds: float) -> FeedSpec:
    name = category.upper()
    return FeedSpec(
        exchange="bybit",
        name=category,
        subscribes_to="`allLiquidation.{symbol}` of every market",
        address_setting=f"BYBIT_{name}_WS_URL",
        address=f"wss://stream.bybit.com/v5/public/{category}",
        listing=SymbolListing(
            setting=f"BYBIT_{name}_SYMBOLS_URL",
            address=REST + category,
            parse=parse_symbols,
            next_page=next_page,
        ),
        names_setting=f"BYBIT_{name}_SYMBOLS",
        names_per_request=100,
        # 500 topics of at most 42 characters stay within 21,000.
        names_per_connection=500,
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        heartbeat=PING,
        silence_seconds=silence_seconds,
        limits=LIMITS,
    )


FEEDS: Final = (_feed("linear", 600), _feed("inverse", 7_200))
