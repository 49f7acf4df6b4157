"""Hyperliquid: `userFills` of the liquidator vaults; `trades` where coins are named.

Source: hyperliquid.gitbook.io, *WebSocket subscriptions*, *rate limits* and *liquidations*, and
the vault's own details, 2026-08. There is no feed of liquidations. The venue closes connections
that are silent for 60 seconds, and serves ten users an address: two producers behind one address
just fit.
"""

from typing import Any, Final

from liq.producers.feeds import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Limits,
    LimitScope,
    Received,
    per_name,
)

LIQUIDATOR_VAULTS: Final = (
    "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
    "0xb0a55f13d22f66e6d495ac98113841b2326e9540",
    "0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70",
    "0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308",
    "0x63c621a33714ec48660e32f2374895c8026a3a00",
)
PING: Final = Heartbeat(text='{"method":"ping"}', every_seconds=15)
LIMITS: Final = Limits(
    source="hyperliquid.gitbook.io, rate limits: 10 connections, 30 new ones a minute, 1,000 "
    "subscriptions, 2,000 messages a minute and 10 users an address",
    as_of="2026-08-18",
    scope=LimitScope.ADDRESS,
    subscriptions_per_address=1_000,
    messages_per_minute=2_000,
    connections_per_address=10,
    connections_per_minute=30,
)
ADDRESS: Final = "wss://api.hyperliquid.xyz/ws"


def read(message: Any) -> Received:
    """Answers echo the subscription; errors are a sentence that ends in what was asked."""
    if type(message) is not dict:
        return DATA
    channel = message.get("channel")
    if channel == "subscriptionResponse":
        return Received(acknowledged=_subscribed(message.get("data")))
    if channel == "error":
        return Received(refusal=str(message.get("data")))
    return CONTROL if channel == "pong" else DATA


def _subscribed(data: Any) -> tuple[str, ...]:
    subscription = data.get("subscription") if isinstance(data, dict) else None
    if not isinstance(subscription, dict):
        return ()
    name = subscription.get("user") or subscription.get("coin")
    return (name,) if isinstance(name, str) else ()


def symbol_of(message: Any) -> Any:
    """The coin of the first trade (a list) or fill (an object with a list).

    A node's lines and a provider's messages hold pairs of an owner and a fill.
    """
    if isinstance(message, list):
        return message[1]["coin"]
    if "data" not in message:
        pairs = message["fills"] if "fills" in message else message["events"]
        return pairs[0][1]["coin"]
    data = message["data"]
    entries = data["fills"] if isinstance(data, dict) else data
    return entries[0]["coin"]


FEEDS: Final = (
    FeedSpec(
        exchange="hyperliquid",
        name="userFills",
        subscribes_to="`userFills` of the five liquidator vaults",
        address_setting="HYPERLIQUID_WS_URL",
        address=ADDRESS,
        names=LIQUIDATOR_VAULTS,
        names_setting="HYPERLIQUID_USERS",
        names_per_request=1,
        # The ten users that the venue serves an address.
        names_per_connection=10,
        most_connections=1,
        subscribe=per_name(
            lambda user: {
                "method": "subscribe",
                "subscription": {"type": "userFills", "user": user},
            }
        ),
        read=read,
        symbol_of=symbol_of,
        heartbeat=PING,
        silence_seconds=21_600,
        limits=LIMITS,
    ),
    FeedSpec(
        exchange="hyperliquid",
        name="trades",
        subscribes_to="nothing; `trades` of the coins that are named",
        address_setting="HYPERLIQUID_WS_URL",
        address=ADDRESS,
        names_setting="HYPERLIQUID_TRADES_COINS",
        names_per_request=1,
        # With the users' connection and one that is being replaced, within the address's 10
        # connections and 1,000 subscriptions.
        names_per_connection=160,
        most_connections=5,
        subscribe=per_name(
            lambda coin: {"method": "subscribe", "subscription": {"type": "trades", "coin": coin}}
        ),
        read=read,
        symbol_of=symbol_of,
        heartbeat=PING,
        silence_seconds=600,
        limits=LIMITS,
    ),
)
