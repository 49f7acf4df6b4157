"""Deribit: trades of all futures and options, of which liquidations carry a flag.

Source: docs.deribit.com, *public/subscribe*, *trades.(kind).(currency).(interval)* and
*public/set_heartbeat*, 2026. Unauthenticated clients take the 100 ms channels. With a heartbeat
set, the server sends `test_request` and cuts clients that do not answer `public/test`. Every trade
is forwarded, not only liquidations: the raw topic is what the exchange said.
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Limits, Received, compact, request

SET_HEARTBEAT: Final = compact(
    {"jsonrpc": "2.0", "id": 0, "method": "public/set_heartbeat", "params": {"interval": 15}}
)
TEST: Final = compact({"jsonrpc": "2.0", "id": 0, "method": "public/test", "params": {}})


def subscribe(names: tuple[str, ...], number: int) -> str:
    """Return one request for several channels; the answer lists those that were accepted."""
    return compact(
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "public/subscribe",
            "params": {"channels": list(names)},
        }
    )


def read(message: Any) -> Received:
    """JSON-RPC: answers have an `id` (0 is our heartbeat's), notifications a `method`."""
    if type(message) is not dict:
        return DATA
    method = message.get("method")
    if method == "heartbeat":
        is_test = message["params"].get("type") == "test_request"
        return Received(replies=(TEST,)) if is_test else CONTROL
    if method is not None or "id" not in message:
        return DATA
    if message["id"] == 0:
        return CONTROL
    token = request(message["id"])
    if "error" in message:
        return Received(refused=(token,), refusal=str(message["error"]))
    # A channel that does not exist is left out of the result without an error.
    accepted = tuple(message["result"])
    return Received(acknowledged=accepted, refused=(token,), refusal="not among those accepted")


def symbol_of(message: Any) -> Any:
    """Return the instrument of the first trade."""
    return message["params"]["data"][0]["instrument_name"]


def sent_at_ms(message: Any) -> Any:
    """Return the time of the newest trade; the channel collects for 100 ms at most."""
    return max(trade["timestamp"] for trade in message["params"]["data"])


FEEDS: Final = (
    FeedSpec(
        exchange="deribit",
        name="trades",
        subscribes_to="`trades` of all futures and options",
        address_setting="DERIBIT_WS_URL",
        address="wss://streams.deribit.com/ws/api/v2",
        names=tuple(f"trades.{kind}.any.100ms" for kind in ("future", "option")),
        names_setting="DERIBIT_CHANNELS",
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        on_open=(SET_HEARTBEAT,),
        silence_seconds=600,
        needs_rates=("EUR",),
        limits=Limits(
            source="docs.deribit.com, rate limits and connection management: a subscription costs "
            "3,000 credits of 30,000, refilled by 10,000 a second, so 3 a second; 32 connections "
            "an address",
            as_of="2026-10-01",
            requests_per_second=3,
            connections_per_address=32,
        ),
    ),
)
