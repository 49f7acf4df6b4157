"""Binance: `!forceOrder@arr`, the same of USD-M and COIN-M futures."""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def respond(message: Any, refused: frozenset[str]) -> Answer:
    """Answer a subscription of streams by its number."""
    if message["method"] != "SUBSCRIBE":
        return Answer()
    if refused & set(message["params"]):
        error = {"error": {"code": 2, "msg": "Invalid request"}, "id": message["id"]}
        return Answer([error])
    return Answer([{"result": None, "id": message["id"]}], message["params"])


def frame(symbol: str, n: int) -> Any:
    """Return a forced order; every other one sells."""
    time_ms = START_MS + n
    order = {
        "s": symbol, "S": "SELL" if n % 2 else "BUY", "o": "LIMIT", "f": "IOC", "q": "0.014",
        "p": "60000", "ap": "60100", "X": "FILLED", "l": "0.014", "z": "0.014", "T": time_ms,
    }  # fmt: skip
    return {"e": "forceOrder", "E": time_ms + 5, "o": order}


def _dialect(feed: str, symbol: str) -> Dialect:
    return Dialect(
        exchange="binance",
        feed=feed,
        setting=f"BINANCE_{feed.upper()}_WS_URL",
        respond=respond,
        frame=frame,
        symbol=symbol,
        subscribes="!forceOrder@arr",
    )


DIALECTS: Final = (
    _dialect("usdm", "BTCUSDT"),
    _dialect("coinm", "BTCUSD_PERP"),
)
