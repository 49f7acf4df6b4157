"""Hyperliquid: `userFills` of vaults and sensors; the `trades` of all coins; paid streams.

Source: hyperliquid.gitbook.io, *WebSocket subscriptions*, *rate limits* and *liquidations*, and
the vault's own details, 2026-08. There is no feed of liquidations. The venue closes connections
that are silent for 60 seconds. It allows ten users per address: the five vaults, and five sensors
that the producer selects (`liq.producers.sensors`). `perpDexs` and `meta` of each exchange, of
which builders deploy some, list the coins (*info endpoint: perpetuals*).

Providers stream every account's liquidation fills, for a key in the address:
- `goldrush` (goldrush.dev, *liquidationFills* and *WebSocket API overview*, read 2026-09): the
  venue's own envelope and pings. A block is one message: the largest block known, 11,279
  liquidations, has 10 MiB. Such a message is divided into records of at most 1 MiB.
- `hydromancer` (docs.hydromancer.xyz, *Websocket*, *liquidationFills*, *live message chunking*,
  2026-09): `type` instead of `method`; the server pings once a minute. `aggregateByTime` is off, as
  merged fills have other ids; chunks keep messages small. The pages do not document how a
  subscription is acknowledged.
"""

from dataclasses import replace
from typing import Any, Final

from liq.producers.feeds import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Limits,
    LimitScope,
    Received,
    SymbolListing,
    compact,
    per_name,
)
from liq.producers.feeds.pieces import pieces
from liq.producers.feeds.spec import Body

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
LIQUIDATION_FILLS: Final = "liquidationFills"
PROVIDERS_SILENCE_SECONDS: Final = 3_600.0
NO_LIMIT_STATED: Final = "no limit of one subscription a connection is stated"
GOLDRUSH_LIMITS: Final = Limits(source=f"goldrush.dev: {NO_LIMIT_STATED}", as_of="2026-09-01")
HYDROMANCER_LIMITS: Final = Limits(
    source=f"docs.hydromancer.xyz: {NO_LIMIT_STATED}; limits depend on the plan", as_of="2026-09-01"
)
ADDRESS: Final = "wss://api.hyperliquid.xyz/ws"
INFO_ADDRESS: Final = "https://api.hyperliquid.xyz/info"
SENSORS: Final = 5
#: The largest block known, with the fills of both parties, has 10 MiB.
BLOCK_BYTES: Final = 16 * 1_048_576
#: A snapshot of 2,000 fills has 1 MiB, or a little more.
SNAPSHOT_BYTES: Final = 4 * 1_048_576


def read(message: Any) -> Received:
    """Return a message's meaning: answers echo the subscription, an error is a sentence."""
    if type(message) is not dict:
        return DATA
    channel = message.get("channel")
    if channel == "subscriptionResponse":
        names, is_end = _subscribed(message.get("data"))
        return Received(ended=names) if is_end else Received(acknowledged=names)
    if channel == "error":
        return Received(refusal=str(message.get("data")))
    return CONTROL if channel == "pong" else DATA


def _subscribed(data: Any) -> tuple[tuple[str, ...], bool]:
    """Return the name in an answer, and whether its subscription has ended."""
    subscription = data.get("subscription") if isinstance(data, dict) else None
    if not isinstance(subscription, dict):
        return (), False
    name = subscription.get("user") or subscription.get("coin") or subscription.get("type")
    return (name,) if isinstance(name, str) else (), data.get("method") == "unsubscribe"


def read_hydromancer(message: Any) -> Received:
    """Return a message's meaning: every message has a `type`, an error is a sentence."""
    kind = message["type"]
    if kind == "ping":
        return Received(replies=(compact({"type": "pong"}),))
    if kind == "error":
        return Received(refusal=str(message.get("message") or message.get("error")))
    if kind in {"subscriptionUpdate", "subscriptionResponse", "subscribed"}:
        return Received(acknowledged=(LIQUIDATION_FILLS,))
    return CONTROL if kind in {"connected", "reconnected", "pong", "unsubscribed"} else DATA


def symbol_of(message: Any) -> Any:
    """Return the coin of the first trade (a list) or fill (an object with a list).

    A node's lines and a provider's messages have pairs of an owner and a fill.
    """
    if isinstance(message, list):
        return message[1]["coin"]
    if "data" not in message:
        pairs = message["fills"] if "fills" in message else message["events"]
        return pairs[0][1]["coin"]
    data = message["data"]
    entries = data["fills"] if isinstance(data, dict) else data
    return entries[0]["coin"]


def parse_coins(document: Any) -> tuple[str, ...]:
    """Return the coins of a `meta` answer that trade; the answer to `perpDexs` is an array."""
    if isinstance(document, list):
        return ()
    return tuple(row["name"] for row in document["universe"] if row.get("isDelisted") is not True)


def next_bodies(document: Any) -> tuple[Body, ...]:
    """Return the requests for each exchange that `perpDexs` lists; null is the venue's own."""
    if not isinstance(document, list):
        return ()
    builders = [row["name"] for row in document if row is not None]
    return ({"type": "meta"}, *({"type": "meta", "dex": name} for name in builders))


def _user_request(method: str, user: str) -> object:
    return {"method": method, "subscription": {"type": "userFills", "user": user}}


TRADES: Final = FeedSpec(
    exchange="hyperliquid",
    name="trades",
    subscribes_to="nothing; `trades` of the coins that are named",
    address_setting="HYPERLIQUID_WS_URL",
    address=ADDRESS,
    names_setting="HYPERLIQUID_TRADES_COINS",
    names_per_request=1,
    # Together with the users' and the tape's connections, and one under replacement, this
    # stays within an address's 10 connections and 1,000 subscriptions.
    names_per_connection=160,
    most_connections=2,
    subscribe=per_name(
        lambda coin: {"method": "subscribe", "subscription": {"type": "trades", "coin": coin}}
    ),
    read=read,
    symbol_of=symbol_of,
    heartbeat=PING,
    silence_seconds=600,
    limits=LIMITS,
)
FEEDS: Final = (
    FeedSpec(
        exchange="hyperliquid",
        name="userFills",
        subscribes_to="`userFills` of the five liquidator vaults, and of five sensors",
        address_setting="HYPERLIQUID_WS_URL",
        address=ADDRESS,
        names=LIQUIDATOR_VAULTS,
        names_setting="HYPERLIQUID_USERS",
        names_per_request=1,
        # The venue's limit: ten users per address.
        names_per_connection=10,
        most_connections=1,
        subscribe=per_name(lambda user: _user_request("subscribe", user)),
        unsubscribe=per_name(lambda user: _user_request("unsubscribe", user)),
        spare_names=SENSORS,
        spare_setting="HYPERLIQUID_SENSORS",
        is_joined=True,
        max_frame_bytes=SNAPSHOT_BYTES,
        split=pieces,
        read=read,
        symbol_of=symbol_of,
        heartbeat=PING,
        silence_seconds=21_600,
        limits=LIMITS,
    ),
    TRADES,
    replace(
        TRADES,
        name="tape",
        subscribes_to="`trades` of every coin, to be joined",
        names_setting="HYPERLIQUID_TAPE_COINS",
        most_connections=3,
        is_joined=True,
        listing=SymbolListing(
            setting="HYPERLIQUID_INFO_URL",
            address=INFO_ADDRESS,
            body={"type": "perpDexs"},
            parse=parse_coins,
            next_bodies=next_bodies,
        ),
    ),
    FeedSpec(
        exchange="hyperliquid",
        name="goldrush",
        subscribes_to="`liquidationFills` of GoldRush, if it has a key",
        address_setting="HYPERLIQUID_GOLDRUSH_WS_URL",
        address="wss://hypercore.goldrushdata.com/ws",
        key_setting="HYPERLIQUID_GOLDRUSH_KEY",
        key_parameter="key",
        server="goldrush",
        max_frame_bytes=BLOCK_BYTES,
        split=pieces,
        names=(LIQUIDATION_FILLS,),
        subscribe=per_name(lambda name: {"method": "subscribe", "subscription": {"type": name}}),
        read=read,
        symbol_of=symbol_of,
        heartbeat=PING,
        silence_seconds=PROVIDERS_SILENCE_SECONDS,
        limits=GOLDRUSH_LIMITS,
    ),
    FeedSpec(
        exchange="hyperliquid",
        name="hydromancer",
        subscribes_to="`liquidationFills` of Hydromancer, if it has a key",
        address_setting="HYPERLIQUID_HYDROMANCER_WS_URL",
        address="wss://api.hydromancer.xyz/ws?liveFormat=chunked-v1",
        key_setting="HYPERLIQUID_HYDROMANCER_KEY",
        key_parameter="token",
        server="hydromancer",
        max_frame_bytes=BLOCK_BYTES,
        split=pieces,
        acknowledges=False,
        names=(LIQUIDATION_FILLS,),
        subscribe=per_name(
            lambda name: {
                "type": "subscribe",
                "subscription": {"type": name, "aggregateByTime": False},
            }
        ),
        read=read_hydromancer,
        symbol_of=symbol_of,
        silence_seconds=PROVIDERS_SILENCE_SECONDS,
        limits=HYDROMANCER_LIMITS,
    ),
)
