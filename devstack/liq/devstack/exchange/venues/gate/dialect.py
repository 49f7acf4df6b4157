"""Gate: `futures.public_liquidates` of `!all`, one address a settlement currency.

On the wire `result` is one object, whose `time` is in milliseconds (recorded on three hosts,
2026-08-11); the documentation shows an array with `time_ms`. The sign of `size` is the order's:
negative closes a long. Sizes differ: the venue publishes one order a contract and second.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["channel"] == "futures.ping":
        pong = {"channel": "futures.pong", "event": "", "result": None}
        return Answer([{**_times(message["time"] * 1_000), **pong}])
    reply = {key: message[key] for key in ("id", "channel", "event")}
    reply = {**_times(message["time"] * 1_000), **reply}
    if refused & set(message["payload"]):
        return Answer([{**reply, "error": {"code": 2, "message": "unknown contract"}}])
    return Answer([{**reply, "result": {"status": "success"}}], message["payload"])


def _frame(symbol: str, n: int) -> Any:
    time_ms = START_MS + n
    size = n % 10_000 + 1
    row = {
        "contract": symbol,
        "price": "64480.5",
        "time": time_ms,
        "size": size if n % 2 else -size,
    }
    return {**_times(time_ms), "channel": "futures.public_liquidates", "event": "update",
            "result": row}  # fmt: skip


def _times(time_ms: int) -> dict[str, int]:
    return {"time": time_ms // 1_000, "time_ms": time_ms}


def _dialect(feed: str, symbol: str) -> Dialect:
    return Dialect(
        exchange="gate",
        feed=feed,
        setting=f"GATE_{feed.upper()}_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol=symbol,
        subscribes="!all",
    )


DIALECTS: Final = (
    _dialect("usdt", "BTC_USDT"),
    _dialect("btc", "BTC_USD"),
)
