"""Joining within the window, bytes as they came, and choosing sensors by what they prove."""

from decimal import Decimal

import orjson
import pytest

from liq.producers.sensors import Chosen, MakerFill, MakerTally, TradeJoin, choose_sensors
from liq.producers.sensors.join import MAX_ENTRY_BYTES, MAX_MESSAGE_BYTES, WINDOW_MS
from liq.runtime.kafka import MAX_REQUEST_BYTES
from tests.support.sensor_trades import START_MS, Trade, public_trades, user_fills

FIRST = Trade(1, "BTC", 1, 5, "A", 7)
REST = Trade(2, "BTC", 1, 6, "A", 7)


def test_trades_before_and_after_the_hit_are_joined_within_ten_seconds() -> None:
    join = TradeJoin()
    hit = user_fills(5, [FIRST.fill(of_taker=False)])
    assert join.add_trades(public_trades([FIRST, REST]), 0) == []
    [joined] = join.add_fills(hit, WINDOW_MS)
    assert [orjson.loads(trade)["tid"] for trade in joined.trades] == [2]
    later = Trade(3, "BTC", 1, 8, "A", 7)
    [joined] = join.add_trades(public_trades([later]), 2 * WINDOW_MS)
    assert orjson.loads(joined.messages()[0])["proof"]["tid"] == 1
    assert join.add_trades(public_trades([Trade(4, "BTC", 1, 8, "A", 7)]), 3 * WINDOW_MS) == []


def test_a_trade_that_is_older_than_ten_seconds_is_forgotten() -> None:
    join = TradeJoin()
    join.add_trades(public_trades([REST]), 0)
    hit = user_fills(5, [FIRST.fill(of_taker=False)])
    assert join.add_fills(hit, WINDOW_MS + 1) == []
    assert len(join) == 0


def test_what_is_joined_is_copied_byte_for_byte() -> None:
    join = TradeJoin()
    hit = user_fills(5, [FIRST.fill(of_taker=False)])
    frame = public_trades([FIRST, REST]).replace(b'"px": "102.5"', b'"px":   "102.50"')
    join.add_fills(hit, 0)
    [joined] = join.add_trades(frame, 1)
    assert joined.proof in hit
    assert joined.trades[0] in frame
    assert b'"px":   "102.50"' in joined.messages()[0]


@pytest.mark.parametrize(
    "other",
    [
        Trade(2, "ETH", 1, 6, "A", 7),
        Trade(2, "BTC", 2, 6, "A", 7),
        Trade(2, "BTC", 1, 6, "B", 7),
        Trade(2, "BTC", 1, 6, "A", 8),
    ],
)
def test_another_coin_taker_side_or_transaction_is_not_joined(other: Trade) -> None:
    join = TradeJoin()
    join.add_fills(user_fills(5, [FIRST.fill(of_taker=False)]), 0)
    assert join.add_trades(public_trades([other]), 1) == []


@pytest.mark.parametrize(
    "frame",
    [b"", b"[]", b'{"data":5}', b'{"data":[5,{"users":1},{"users":["a","b"],"side":"A"}]}',
     b'{"data":{"user":"a","fills":[{"liquidation":{}}]}}', b'{"liquidation":{',
     b'{"data":[{"users":["a","b"],"side":[],"coin":"c","hash":"h"}]}'],
)  # fmt: skip
def test_what_is_no_message_joins_nothing(frame: bytes) -> None:
    join = TradeJoin()
    assert join.add_trades(frame, 0) == []
    assert join.add_fills(frame, 0) == []


def test_a_joined_liquidation_is_divided_into_messages_far_below_kafka_s_limit() -> None:
    assert MAX_MESSAGE_BYTES * 8 <= MAX_REQUEST_BYTES
    trades = [
        Trade(number, "BTC", 1, 6, "A", 7).public() | {"more": "x" * (MAX_ENTRY_BYTES - 400)}
        for number in range(2, 202)
    ]
    join = TradeJoin()
    join.add_trades(orjson.dumps({"channel": "trades", "data": trades}), 0)
    [joined] = join.add_fills(user_fills(5, [FIRST.fill(of_taker=False)]), 1)
    messages = joined.messages()
    assert max(map(len, messages)) <= MAX_MESSAGE_BYTES
    assert len(messages) == 4
    read = [orjson.loads(message) for message in messages]
    assert [trade for message in read for trade in message["trades"]] == trades
    assert {message["proof"]["tid"] for message in read} == {1}


def test_an_entry_that_is_too_long_is_refused_and_counted() -> None:
    long = {"more": "x" * MAX_ENTRY_BYTES}
    join = TradeJoin()
    join.add_fills(user_fills(5, [FIRST.fill(of_taker=False) | long]), 0)
    assert join.add_trades(public_trades([REST]), 1) == []
    join.add_trades(orjson.dumps({"data": [REST.public() | long | {"tid": 3}]}), 2)
    assert join.refused == 2
    [joined] = join.add_fills(user_fills(5, [FIRST.fill(of_taker=False)]), 3)
    assert [orjson.loads(trade)["tid"] for trade in joined.trades] == [2]


def test_absurd_numbers_are_refused_and_counted() -> None:
    absurd = {"px": "9e999999", "sz": "9e999999"}
    join = TradeJoin(makers=MakerTally())
    join.add_trades(orjson.dumps({"data": [FIRST.public() | absurd, REST.public()]}), 0)
    assert join.refused == 1
    assert join.add_fills(user_fills(5, [FIRST.fill(of_taker=False) | absurd]), 1) == []
    assert len(join.add_fills(user_fills(5, [FIRST.fill(of_taker=False)]), 2)) == 1


def test_a_hit_of_another_time_leaves_the_trades_to_a_true_one() -> None:
    hit = FIRST.fill(of_taker=False)
    others = [hit | {"time": START_MS + 10_001 + number} for number in range(3)]
    join = TradeJoin()
    join.add_trades(public_trades([REST]), 0)
    assert join.add_fills(user_fills(5, others), 1) == []
    [joined] = join.add_fills(user_fills(5, [hit]), 2)
    assert len(joined.trades) == 1
    [joined] = join.add_trades(public_trades([Trade(3, "BTC", 1, 8, "A", 7)]), 3)
    assert orjson.loads(joined.proof)["time"] == START_MS


def test_without_amplification_the_largest_makers_are_chosen() -> None:
    fills = [
        MakerFill("b", 1, Decimal(5)),
        MakerFill("a", 1, Decimal(4)),
        MakerFill("b", 2, Decimal(1)),
    ]
    assert choose_sensors(fills, 1, is_amplified=False) == (Chosen("b", Decimal(6)),)
    assert choose_sensors(fills, 9, is_amplified=False)[1] == Chosen("a", Decimal(4))


def test_with_amplification_an_account_counts_for_what_it_adds() -> None:
    fills = [
        MakerFill("large", 1, Decimal(60)),
        MakerFill("beside", 1, Decimal(39)),
        MakerFill("beside", 2, Decimal(1)),
        MakerFill("small", 3, Decimal(7)),
    ]
    chosen = choose_sensors(fills, 5, is_amplified=True)
    assert chosen == (Chosen("beside", Decimal(100)), Chosen("small", Decimal(7)))
