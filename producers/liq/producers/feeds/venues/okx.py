"""OKX v5: `liquidation-orders` by instrument type, the whole market in one subscription.

Source: okx.com v5 documentation, *WebSocket* and *Liquidation orders channel*, versions to 2026-07.
A text `ping` is due before 30 idle seconds; the server sends one itself at times and cuts
connections that do not answer. Before a service upgrade, a notice with the code 64008 says that the
connection will be closed: 60 seconds ahead by the documentation of 2026, every 15 to 20 minutes
while an upgrade lasts (readers of 2025-09 and 2026-07).
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Heartbeat, Limits, Received, compact

CHANNEL: Final = "liquidation-orders"
UPGRADE_SOON: Final = "64008"
LIMITS: Final = Limits(
    source="okx.com v5 documentation, websocket: 480 subscribe requests an hour and connection; 3 "
    "connections a second, of which one feed opens one",
    as_of="2026-07-01",
    requests_per_hour=480,
    connections_per_minute=180,
)


def subscribe(names: tuple[str, ...], _number: int) -> str:
    """Return one request; each argument is acknowledged by itself."""
    return compact(
        {"op": "subscribe", "args": [{"channel": CHANNEL, "instType": name} for name in names]}
    )


def read(message: Any) -> Received:
    """Classify a message: messages with an `event` are control."""
    if type(message) is not dict or "event" not in message:
        return DATA
    argument = message.get("arg")
    name = argument.get("instType") if isinstance(argument, dict) else None
    names = (name,) if isinstance(name, str) else ()
    if message["event"] == "subscribe":
        return Received(acknowledged=names)
    if message["event"] == "error":
        return Received(refused=names, refusal=f"{message.get('code')}: {message.get('msg')}")
    return CONTROL


def announces_end(message: Any) -> bool:
    """Recognize the notice of a service upgrade: the venue will close this connection."""
    return message.get("event") == "notice" and str(message.get("code")) == UPGRADE_SOON


def symbol_of(message: Any) -> Any:
    """Return the first instrument of the frame."""
    return message["data"][0]["instId"]


FEEDS: Final = (
    FeedSpec(
        exchange="okx",
        name="public",
        subscribes_to="`liquidation-orders` of SWAP and FUTURES",
        address_setting="OKX_WS_URL",
        address="wss://ws.okx.com:8443/ws/v5/public",
        names=("SWAP", "FUTURES"),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        heartbeat=Heartbeat(text="ping"),
        texts={b"pong": CONTROL, b"ping": Received(replies=("pong",))},
        silence_seconds=300,
        limits=LIMITS,
        renew_on=announces_end,
    ),
)
