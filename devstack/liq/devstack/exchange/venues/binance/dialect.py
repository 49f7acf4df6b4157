"""Binance: `!forceOrder@arr`, the same of USD-M and COIN-M futures.

Frames of 2026-09 and 2026-10 add the pair (`ps`) and the market (`st`: 1 is USD-M, 2 COIN-M) to the
order; COIN-M orders had `ps` before (recorded 2020-07-13). A refusal is worded as documented in
2026.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect, Frame


def respond(message: Any, refused: frozenset[str]) -> Answer:
    """Answer a subscription of streams by its number."""
    if message["method"] != "SUBSCRIBE":
        return Answer()
    if refused & set(message["params"]):
        error = {"code": 2, "msg": "Invalid request: unknown variant"}
        return Answer([{"error": error, "id": message["id"]}])
    return Answer([{"result": None, "id": message["id"]}], message["params"])


def forced_order(symbol: str, n: int) -> Any:
    """Return a forced order; every other one sells."""
    time_ms = START_MS + n
    order = {
        "s": symbol, "S": "SELL" if n % 2 else "BUY", "o": "LIMIT", "f": "IOC", "q": "0.014",
        "p": "60000", "ap": "60100", "X": "FILLED", "l": "0.014", "z": "0.014", "T": time_ms,
    }  # fmt: skip
    return {"e": "forceOrder", "E": time_ms + 5, "o": order}


def _usdm_frame(symbol: str, n: int) -> Any:
    frame = forced_order(symbol, n)
    return {**frame, "o": {**frame["o"], "ps": symbol.partition("_")[0], "st": 1}}


def _coinm_frame(symbol: str, n: int) -> Any:
    """Return a forced order in contracts, which are whole."""
    frame = forced_order(symbol, n)
    sizes = {"q": "3", "l": "1", "z": "3", "ps": symbol.partition("_")[0], "st": 2}
    return {**frame, "o": {**frame["o"], **sizes}}


def _dialect(feed: str, symbol: str, frame: Frame) -> Dialect:
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
    _dialect("usdm", "BTCUSDT", _usdm_frame),
    _dialect("coinm", "BTCUSD_PERP", _coinm_frame),
)
