"""Gate: `futures.public_liquidates` of `!all`, one address a settlement currency."""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["channel"] == "futures.ping":
        return Answer([{"time": message["time"], "channel": "futures.pong", "event": ""}])
    reply = {key: message[key] for key in ("time", "channel", "event", "id")}
    if refused & set(message["payload"]):
        return Answer([{**reply, "error": {"code": 2, "message": "invalid argument"}}])
    return Answer([{**reply, "error": None, "result": {"status": "success"}}], message["payload"])


def _frame(symbol: str, n: int) -> Any:
    row = {"price": 215.1, "size": "-124", "time_ms": START_MS + n, "contract": symbol}
    return {"channel": "futures.public_liquidates", "event": "update", "result": [row]}


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
