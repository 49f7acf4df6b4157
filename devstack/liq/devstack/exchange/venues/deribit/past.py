"""Deribit: `public/get_last_trades_by_currency_and_time`, with ordinary trades in between."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    found = []
    for trade in frame["params"]["data"]:
        plain = {name: value for name, value in trade.items() if name != "liquidation"}
        plain["trade_id"] = f"plain-{trade['trade_id']}"
        symbol = trade["instrument_name"]
        found += [PastRow(trade["timestamp"], symbol, row) for row in (plain, trade)]
    return found


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    first, last = call.number("start_timestamp"), call.number("end_timestamp")
    base = call.query["currency"]
    found = [
        each.row
        for each in rows
        if first <= each.time_ms <= last and each.symbol.startswith(f"{base}-")
    ]
    ordered = found if call.query.get("sorting") == "asc" else found[::-1]
    count = min(call.number("count"), 1_000)
    result = {"trades": ordered[:count], "has_more": len(found) > count}
    return {"jsonrpc": "2.0", "result": result, "testnet": False}


PASTS: Final = (
    Past(
        exchange="deribit",
        feed="trades",
        setting="DERIBIT_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=20,
        seconds=1.0,
    ),
)
