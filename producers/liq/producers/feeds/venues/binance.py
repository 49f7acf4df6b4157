"""Binance: `!forceOrder@arr` of both futures markets; Aster speaks the same dialect.

Source: developers.binance.com, USD-M and COIN-M *websocket market streams* and changelog, 2026.
Market streams of USD-M live under `/market` since 2026-04-23: the older path accepts connections
and stays silent. The server pings every 3 minutes, cuts connections after 24 hours and takes 10
messages a second. Five readers of 2026-10 connect COIN-M under `/market` too, and one of them
says that its older path is retired as USD-M's was; the older path is the alternative here. A
`serverShutdown` event announces the end of a connection (spot changelog, 2026-06-09; a reader of
2026-07-09 handles it; not seen on futures).
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Limits, Received, compact, request

STREAM: Final = "!forceOrder@arr"
LIMITS: Final = Limits(
    source="developers.binance.com, USD-M and COIN-M websocket market streams: 1,024 streams and "
    "10 messages a second; 300 connections in 5 minutes, here as 60 a minute",
    as_of="2026-10-01",
    subscriptions_per_connection=1_024,
    messages_per_second=10,
    connections_per_minute=60,
)
# The server announces that it closes the socket (changelog of 2026-06-09).
ANNOUNCEMENTS: Final = ("serverShutdown", "eventStreamTerminated")


def subscribe(names: tuple[str, ...], number: int) -> str:
    """Return one request for any number of streams, answered by its number."""
    return compact({"method": "SUBSCRIBE", "params": list(names), "id": number})


def read(message: Any) -> Received:
    """`{"result": null, "id": 1}` acknowledges, `{"error": ..., "id": 1}` refuses."""
    if type(message) is not dict:
        return DATA
    if "error" in message:
        refused = (request(message["id"]),) if "id" in message else ()
        return Received(refused=refused, refusal=str(message["error"]))
    if "result" in message and "id" in message:
        return Received(acknowledged=(request(message["id"]),))
    if "e" not in message:
        return CONTROL if "code" in message else DATA
    return CONTROL if message["e"] in ANNOUNCEMENTS else DATA


def announces_end(message: Any) -> bool:
    """Recognize `{"e": "serverShutdown"}` and the like: the venue will close this connection."""
    return type(message) is dict and message.get("e") in ANNOUNCEMENTS


def symbol_of(message: Any) -> Any:
    """Return the symbol; the combined stream wraps the event in `{"stream", "data"}`."""
    event = message["data"] if "stream" in message else message
    return event["o"]["s"]


def sent_at_ms(message: Any) -> Any:
    """Return the event time `E`."""
    event = message["data"] if "stream" in message else message
    return event["E"]


FEEDS: Final = (
    FeedSpec(
        exchange="binance",
        name="usdm",
        subscribes_to="`!forceOrder@arr` (under `/market`)",
        address_setting="BINANCE_USDM_WS_URL",
        address="wss://fstream.binance.com/market/ws",
        names=(STREAM,),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        silence_seconds=300,
        needs_rates=("BTC", "ETH", "EUR"),
        limits=LIMITS,
        renew_on=announces_end,
    ),
    FeedSpec(
        exchange="binance",
        name="coinm",
        subscribes_to="`!forceOrder@arr` (under `/market`)",
        address_setting="BINANCE_COINM_WS_URL",
        address="wss://dstream.binance.com/market/ws",
        alternatives=("wss://dstream.binance.com/ws",),
        names=(STREAM,),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        silence_seconds=3_600,
        limits=LIMITS,
        renew_on=announces_end,
    ),
)
