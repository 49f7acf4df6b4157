"""Deribit: `trades` channels by JSON-RPC, with heartbeats that the server tests."""

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
    return Answer([{**reply, "result": accepted}], accepted)


def _frame(symbol: str, n: int) -> Any:
    trade = {"trade_id": str(n), "timestamp": START_MS + n, "price": 60000.5, "amount": 10,
             "instrument_name": symbol, "direction": "sell", "liquidation": "T"}  # fmt: skip
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
