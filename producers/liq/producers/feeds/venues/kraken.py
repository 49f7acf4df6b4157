"""Kraken Futures: trades of every contract, of which liquidations carry a type.

Source: docs.kraken.com, *Futures WebSocket: trade* and *instruments*, 2026. First comes a
`trade_snapshot` with past trades, then `trade`; all are forwarded. A ping is due every 60 seconds.
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Limits, Received, SymbolListing, compact


def subscribe(names: tuple[str, ...], _number: int) -> str:
    """Return one request for several contracts, answered with them."""
    return compact({"event": "subscribe", "feed": "trade", "product_ids": list(names)})


def read(message: Any) -> Received:
    """Classify a message: messages with an `event` are control."""
    if type(message) is not dict or "event" not in message:
        return DATA
    event = message["event"]
    if event == "subscribed":
        return Received(acknowledged=tuple(message.get("product_ids", ())))
    if event in {"error", "alert", "subscribed_failed"}:
        refused = tuple(message.get("product_ids", ()))
        return Received(refused=refused, refusal=str(message.get("message")))
    return CONTROL


def symbol_of(message: Any) -> Any:
    """Return the contract."""
    return message["product_id"]


def sent_at_ms(message: Any) -> Any:
    """Return the time of a trade; a snapshot's trades are of the past."""
    return message["time"] if message["feed"] == "trade" else None


def parse_symbols(document: Any) -> tuple[str, ...]:
    """Return the contracts that trade."""
    return tuple(row["symbol"] for row in document["instruments"] if row.get("tradeable"))


FEEDS: Final = (
    FeedSpec(
        exchange="kraken",
        name="trade",
        subscribes_to="`trade` of every contract",
        address_setting="KRAKEN_WS_URL",
        address="wss://futures.kraken.com/ws/v1",
        listing=SymbolListing(
            setting="KRAKEN_SYMBOLS_URL",
            address="https://futures.kraken.com/derivatives/api/v3/instruments",
            parse=parse_symbols,
        ),
        names_setting="KRAKEN_SYMBOLS",
        names_per_request=50,
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        silence_seconds=600,
        limits=Limits(
            source="docs.kraken.com, futures rate limits, as a public client of 2026 states them: "
            "100 requests a second",
            as_of="2026-10-01",
            messages_per_second=100,
        ),
    ),
)
