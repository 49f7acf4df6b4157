"""HTX: `public.*.liquidation_orders` on three sockets, every frame in gzip.

Data as recorded 2020-12-17 (linear) and 2020 (coin futures, without `amount`). The sockets ping
with `ts` as text, which has to come back as it was (a reader that did not was cut off, 2026).
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["op"] == "pong":
        return Answer()
    topic = message["topic"]
    reply = {"op": "sub", "cid": message["cid"], "topic": topic, "ts": START_MS, "err-code": 0}
    if topic in refused:
        return Answer([{**reply, "err-code": 2005, "err-msg": "invalid topic"}])
    return Answer([reply], [topic])


def _frame(symbol: str, n: int) -> Any:
    row = {"symbol": "BTC", "contract_code": symbol, "direction": "sell", "offset": "close",
           "volume": 227.0, "price": 23350.5, "created_at": START_MS + n - 60}  # fmt: skip
    if symbol.endswith("-USDT"):
        row |= {"amount": 0.227, "trade_turnover": 5300.5635}
    # Coin futures are subscribed by the coin.
    name = symbol if "-" in symbol else row["symbol"]
    return {"op": "notify", "topic": f"public.{name}.liquidation_orders", "ts": START_MS + n,
            "data": [row]}  # fmt: skip


def _dialect(feed: str, symbol: str) -> Dialect:
    return Dialect(
        exchange="htx",
        feed=feed,
        setting=f"HTX_{feed.upper()}_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol=symbol,
        subscribes="public.*.liquidation_orders",
        is_gzipped=True,
        server_ping={"op": "ping", "ts": "1600000000"},
        server_pong={"op": "pong", "ts": "1600000000"},
    )


DIALECTS: Final = (
    _dialect("linear", "BTC-USDT"),
    _dialect("inverse", "BTC-USD"),
    _dialect("futures", "BTC200703"),
)
