"""HTX: `public.*.liquidation_orders` on three notification sockets.

Source: huobiapi.github.io and htx.com derivatives documentation, *subscribe liquidation orders
(no authentication)*, 2026. Every frame is gzip; the record is the message in it, because a gzip
stream has no bytes of its own that anything downstream could mean. Notification sockets ping with
`{"op": "ping"}`, unlike the market sockets' `{"ping": ...}`. Repeating a subscription is an error
(2011), as is narrowing it (2014).
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Limits, Received, compact, gunzip

LIMITS: Final = Limits(
    source="huobiapi.github.io and htx.com derivatives documentation: no limit of the notification "
    "sockets' public topics is stated",
    as_of="2026-10-01",
)
TOPIC: Final = "public.*.liquidation_orders"


def subscribe(names: tuple[str, ...], number: int) -> str:
    """Return a request for one topic, which is answered with the topic."""
    [topic] = names
    return compact({"op": "sub", "cid": str(number), "topic": topic})


def subscribe_all(names: tuple[str, ...], number: int) -> str:
    """Return the same for the linear socket, whose default leaves out dated contracts."""
    [topic] = names
    return compact({"op": "sub", "cid": str(number), "topic": topic, "business_type": "all"})


def read(message: Any) -> Received:
    """Classify a message by its `op`; data have `notify`."""
    if type(message) is not dict:
        return DATA
    operation = message.get("op")
    if operation == "ping":
        return Received(replies=(compact({"op": "pong", "ts": message["ts"]}),))
    if operation == "sub":
        topic = (message["topic"],) if "topic" in message else ()
        if message.get("err-code") == 0:
            return Received(acknowledged=topic)
        detail = f"{message.get('err-code')}: {message.get('err-msg')}"
        return Received(refused=topic, refusal=detail)
    if operation in {"close", "error"}:
        return Received(refusal=compact(message))
    return DATA if operation == "notify" else CONTROL


def symbol_of(message: Any) -> Any:
    """Return the contract of the first row."""
    return message["data"][0]["contract_code"]


def sent_at_ms(message: Any) -> Any:
    """Return `ts` of the notification."""
    return message["ts"]


def _feed(name: str, path: str, silence_seconds: float) -> FeedSpec:
    return FeedSpec(
        exchange="htx",
        name=name,
        subscribes_to="`public.*.liquidation_orders`",
        address_setting=f"HTX_{name.upper()}_WS_URL",
        address=f"wss://api.hbdm.com/{path}",
        names=(TOPIC,),
        names_per_request=1,
        subscribe=subscribe_all if name == "linear" else subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        unpack=gunzip,
        silence_seconds=silence_seconds,
        limits=LIMITS,
    )


FEEDS: Final = (
    _feed("linear", "linear-swap-notification", 3_600),
    _feed("inverse", "swap-notification", 43_200),
    _feed("futures", "notification", 43_200),
)
