"""Deribit: `trades` channels by JSON-RPC, with heartbeats that the server tests.

Trades as recorded 2020-03-13, answers as documented 2026: a channel that does not exist is left out
of the result.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

CHANNEL: Final = "trades.future.any.100ms"


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "public/set_heartbeat":
        return Answer([{**reply, "result": "ok"}])
    if message["method"] == "public/test":
        return Answer([{**reply, "result": {"version": "1.2.26"}}])
    accepted = [name for name in message["params"]["channels"] if name not in refused]
    times = {"usIn": 1_783_000_000_000_000, "usOut": 1_783_000_000_000_321, "usDiff": 321}
    return Answer([{**reply, "result": accepted, **times, "testnet": False}], accepted)


def _frame(symbol: str, n: int) -> Any:
    trade = {"trade_seq": n, "trade_id": str(n), "timestamp": START_MS + n, "tick_direction": 3,
             "price": 60000.5, "liquidation": "T", "instrument_name": symbol,
             "index_price": 60010.2, "direction": "sell", "amount": 10.0}  # fmt: skip
    params = {"channel": CHANNEL, "data": [trade]}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}


DIALECTS: Final = (
    Dialect(
        exchange="deribit",
        feed="trades",
        setting="DERIBIT_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC-PERPETUAL",
        subscribes=CHANNEL,
        server_ping={"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}},
        server_pong={"jsonrpc": "2.0", "id": 0, "method": "public/test", "params": {}},
    ),
)
