"""Loads of the exchange."""

from collections import Counter, defaultdict

import orjson

from benchmarks.workers.loads import (
    ASSETS,
    HOT_SECONDS,
    MARK_PER_SECOND,
    MARK_SECONDS,
    Step,
    number_of,
    orders,
)

BURST = (Step(2, 100), Step(1, 2_000, fresh=10), Step(2, 100))


def test_a_load_has_its_rates_and_ends_with_the_mark() -> None:
    found = orders(BURST, first_number=7, mark="LAST")
    seconds = Counter(order.at_ms // 1_000 for order in found)
    assert [seconds[second] for second in range(5)] == [100, 100, 2_000, 100, 100]
    assert [order.number for order in found] == list(range(7, 7 + len(found)))
    assert found == sorted(found, key=lambda order: order.at_ms)
    marked = [order for order in found if order.asset == "LAST"]
    assert marked == found[-MARK_SECONDS * MARK_PER_SECOND :]
    assert marked[0].at_ms == 5_000


def test_small_orders_hit_every_asset_and_large_ones_a_few() -> None:
    found = orders((Step(10, 500),), first_number=0, mark="LAST")
    small = {order.asset for order in found if not order.is_large}
    assert small == set(ASSETS)
    hot = defaultdict(set)
    for order in found:
        if order.is_large and order.asset != "LAST":
            hot[order.at_ms // 1_000].add(order.asset)
    assert all(len(assets) == HOT_SECONDS * 2 for assets in hot.values())
    assert len(hot[4] - hot[3]) == 2


def test_silence_sends_nothing() -> None:
    assert orders((), first_number=0, mark="LAST") == []


def test_a_frame_says_when_it_was_due_and_which_order_it_is() -> None:
    [*_, order] = orders((Step(1, 10),), first_number=1_000_000, mark="LAST")
    frame = orjson.loads(order.frame(5_000))
    assert frame["E"] == frame["o"]["T"] == 5_000 + order.at_ms
    assert number_of(frame["o"]["q"]) == order.number


def test_the_number_survives_without_trailing_zeros() -> None:
    assert number_of("24000.1000000") == number_of("24000.1") == 1_000_000
    assert number_of("4.00005") == 500
    assert number_of("4") == 0
