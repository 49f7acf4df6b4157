"""Orderly: `liquidated_positions` by pages, newest first, as orderly.network documents it in 2026.

`meta.total` stops at 500, as a public reader found in 2026-09.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import Call, Past, PastRow

MOST_TOLD: Final = 500


def _frame(symbol: str, n: int) -> Any:
    leg = {"symbol": symbol, "position_qty": 0.5, "liquidator_fee": 0.015,
           "cost_position_transfer": 30_000, "transfer_price": 60_000,
           "insurance_fund_fee": 0.012, "abs_liquidator_fee": 450,
           "abs_insurance_fund_fee": 360}  # fmt: skip
    row = {"timestamp": START_MS + n, "liquidation_id": n, "transfer_amount_to_insurance_fund": 0,
           "type": "liquidated", "positions_by_perp": [leg]}  # fmt: skip
    return _page([row], 1, 25, 1)


def _page(rows: list[Any], total: int, size: int, page: int) -> Any:
    meta = {"total": min(total, MOST_TOLD), "records_per_page": size, "current_page": page}
    return {"success": True, "data": {"rows": rows, "meta": meta}, "timestamp": START_MS}


def _rows(frame: Any) -> list[PastRow]:
    return [
        PastRow(row["timestamp"], row["positions_by_perp"][0]["symbol"], row)
        for row in frame["data"]["rows"]
    ]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    first, last = call.number("start_t"), call.number("end_t")
    page, size = call.number("page"), call.number("size")
    found = [each.row for each in rows if first <= each.time_ms <= last][::-1]
    return _page(found[(page - 1) * size : page * size], len(found), size, page)


PASTS: Final = (
    Past(
        exchange="orderly",
        feed="liquidations",
        setting="ORDERLY_LIQUIDATIONS_URL",
        rows=_rows,
        answer=_answer,
        calls=10,
        seconds=1.0,
        frame=_frame,
        symbol="PERP_BTC_USDC",
    ),
)
