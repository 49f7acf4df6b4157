"""Snapshots of open positions: sides, dollars, prices, and rows that say nothing."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.normalizers.open_positions import Snapshot, read_snapshot
from liq.schemas.vocabulary import Side

words = st.text(st.characters(codec="utf-8"), max_size=40)
AT_MS = 1_790_500_000_000
#: The fields and their types are those of two public clients of 2026.
ROW = {
    "address": "0xabc",
    "account_id": "0xdef",
    "symbol": "PERP_ETH_USDC",
    "side": "LONG",
    "position_qty": "0.5",
    "notional": "1344.145",
    "average_open_price": "2702.1",
    "mark_price": "2688.29",
    "est_liq_price": "2411.5",
    "unrealized_pnl": "-6.9",
    "leverage": 10,
    "margin_mode": "CROSS",
    "opened_at": 1_790_400_000_000,
}


def read(*rows: Any) -> Snapshot:
    answer = {"success": True, "data": {"rows": list(rows), "total_positions": len(rows)}}
    return read_snapshot("orderly", orjson.dumps(answer), AT_MS)


def test_a_position_has_its_side_dollars_and_prices() -> None:
    [position] = read(ROW).positions
    assert (position.symbol, position.base, position.side) == ("ETHUSDT", "ETH", Side.LONG)
    assert (position.quantity, position.value_usd) == (Decimal("0.5"), Decimal("1344.145"))
    assert (position.liquidation_price, position.entry_price) == (
        Decimal("2411.5"),
        Decimal("2702.1"),
    )
    assert (position.exchange, position.timestamp_ms) == ("orderly", AT_MS)


def test_a_position_does_not_tell_its_account_and_has_one_id() -> None:
    [first], [second] = read(ROW).positions, read({**ROW, "position_qty": "2"}).positions
    [other] = read({**ROW, "account_id": "0x123"}).positions
    assert first.position_id == second.position_id != other.position_id
    assert b"0xdef" not in orjson.dumps(first.position_id)


@pytest.mark.parametrize("price", [None, "0", "-1", "x", 0, "Infinity"])
def test_a_position_that_no_price_liquidates_has_none(price: Any) -> None:
    [position] = read({**ROW, "est_liq_price": price}).positions
    assert position.liquidation_price is None


@pytest.mark.parametrize("quantity", ["-3", "3", -3, 3.0])
def test_a_short_has_either_sign(quantity: Any) -> None:
    [position] = read({**ROW, "side": "SHORT", "position_qty": quantity}).positions
    assert (position.side, position.quantity) == (Side.SHORT, Decimal(3))


def test_thousands_are_resolved() -> None:
    row = {**ROW, "symbol": "PERP_1000PEPE_USDC", "position_qty": "5000"}
    [position] = read({**row, "mark_price": "0.012", "est_liq_price": "0.01"}).positions
    assert (position.base, position.quantity) == ("PEPE", Decimal(5_000_000))
    assert (position.mark_price, position.value_usd) == (Decimal("0.000012"), Decimal(60))
    assert position.liquidation_price == Decimal("0.00001")


@pytest.mark.parametrize(
    "change",
    [
        {"side": "BUY"},
        {"side": None},
        {"position_qty": "-0.5"},
        {"position_qty": "0"},
        {"mark_price": "0"},
        {"symbol": "SPOT_ETH_USDC"},
        {"account_id": None, "address": None},
    ],
)
def test_a_row_that_contradicts_itself_is_left_out_alone(change: dict[str, Any]) -> None:
    """A long with a negative quantity could be either side."""
    snapshot = read({**ROW, **change}, {**ROW, "symbol": "PERP_BTC_USDC"}, 5)
    assert [each.base for each in snapshot.positions] == ["BTC"]
    assert len(snapshot.problems) == 2


@pytest.mark.parametrize(
    "answer", [b"", b"[", b"5", b"{}", b'{"success":false}', b'{"success":true,"data":{}}']
)
def test_an_answer_that_is_no_snapshot_is_a_sentence(answer: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_snapshot("orderly", answer, AT_MS)


@given(
    st.dictionaries(st.sampled_from(sorted(ROW)), st.none() | st.integers(-(2**63), 2**63) | words)
)
def test_a_damaged_row_is_a_position_or_a_sentence(change: dict[str, Any]) -> None:
    snapshot = read({**ROW, **change})
    assert len(snapshot.positions) + len(snapshot.problems) == 1
