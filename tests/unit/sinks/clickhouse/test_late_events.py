"""Late copies of live events are left out; live copies of late ones are not."""

from dataclasses import replace
from typing import Any

from prometheus_client import REGISTRY

from liq.schemas.codec import encode
from liq.schemas.records import Liquidation, Source
from liq.schemas.vocabulary import Arrival
from liq.sinks.clickhouse.bulk import BulkRecord
from liq.sinks.clickhouse.documents import parse_json
from liq.sinks.clickhouse.late_events import late_copies
from liq.sinks.clickhouse.tables import CASCADES, LIQUIDATIONS
from tests.support.sample_records import liquidation


class Client:
    """Knows live rows, and what it was asked."""

    def __init__(self, *live: Liquidation) -> None:
        self.live = live
        self.asked: list[dict[str, Any]] = []

    def query(self, _: str, parameters: dict[str, Any]) -> "Client":
        self.asked.append(parameters)
        return self

    @property
    def result_rows(self) -> list[tuple[object, ...]]:
        return [
            (
                each.event_id, each.side.value, each.price, each.quantity,
                each.exchange, each.native_symbol, each.timestamp_ms,
            )
            for each in self.live
        ]  # fmt: skip


def record(event: Liquidation, arrival: Arrival = Arrival.LIVE) -> BulkRecord:
    return BulkRecord("events", 0, 1, 2, encode(replace(event, arrival=arrival)))


EVENTS = [liquidation(number) for number in range(4)]


def left_out(client: Client, records: list[BulkRecord]) -> list[bool]:
    is_copy = late_copies([client], LIQUIDATIONS, records)  # type: ignore[list-item]
    assert is_copy is not None
    return [is_copy(each, parse_json(each)) for each in records]


def test_nobody_is_asked_where_all_are_live() -> None:
    client = Client()
    records = [record(event) for event in EVENTS]
    assert late_copies([client], LIQUIDATIONS, records) is None  # type: ignore[list-item]
    old = BulkRecord("e", 0, 1, 2, encode(EVENTS[0]).replace(b'"arrival":"live",', b""))
    assert late_copies([client], LIQUIDATIONS, [old]) is None  # type: ignore[list-item]
    assert late_copies([client], CASCADES, [record(EVENTS[0], Arrival.IMPORTED)]) is None  # type: ignore[list-item]
    assert client.asked == []


def test_a_late_copy_of_a_stored_live_event_is_left_out() -> None:
    client = Client(EVENTS[0], EVENTS[3])
    records = [
        record(EVENTS[0], Arrival.IMPORTED),
        record(EVENTS[1], Arrival.BACKFILLED),
        record(EVENTS[3]),
    ]
    assert left_out(client, records) == [True, False, False]
    [asked] = client.asked
    times = [EVENTS[0].timestamp_ms, EVENTS[1].timestamp_ms]
    assert (asked["first"], asked["last"]) == (min(times) - 1_000, max(times) + 1_000)


def test_a_late_copy_of_a_live_event_of_the_same_batch_is_left_out() -> None:
    records = [record(EVENTS[0]), record(EVENTS[0], Arrival.IMPORTED)]
    assert left_out(Client(), records) == [False, True]


def test_a_history_that_contradicts_the_live_feed_is_counted() -> None:
    """A time that is cut to the second is no contradiction."""
    [first, second, third, _] = EVENTS
    late = [
        replace(first, timestamp_ms=first.timestamp_ms - 1),
        replace(second, price=second.price * 2),
        replace(third, side=third.side.opposite),
    ]
    before = differences()
    records = [record(event, Arrival.BACKFILLED) for event in late]
    assert left_out(Client(*EVENTS), records) == [True, True, True]
    assert differences() == before + 2


def test_a_live_event_that_the_history_lacks_is_counted() -> None:
    """Of one contract of Gate: the live feed had all four, the frame has the first and the last."""
    frame = Source(topic="raw.gate", partition=0, offset=7)
    first_ms = EVENTS[0].timestamp_ms
    live = [
        replace(
            event, exchange="gate", native_symbol="BTC_USDT", source=frame,
            timestamp_ms=first_ms + 2_000 * number,
        )
        for number, event in enumerate(EVENTS)
    ]  # fmt: skip
    before = lacked("gate")
    late = [record(event, Arrival.COMPLETED) for event in (live[3], live[0])]
    left_out(Client(*live[:2]), [*late, record(live[2])])
    assert lacked("gate") == before + 2


def lacked(exchange: str) -> float:
    labels = {"exchange": exchange}
    return REGISTRY.get_sample_value("liq_history_lacks_total", labels) or 0.0


def test_what_a_completion_tells_is_counted_by_whether_it_was_seen_live() -> None:
    before = completed("live"), completed("missed")
    records = [record(event, Arrival.COMPLETED) for event in EVENTS[:3]]
    records.append(record(EVENTS[3], Arrival.BACKFILLED))
    left_out(Client(EVENTS[0]), records)
    assert (completed("live"), completed("missed")) == (before[0] + 1, before[1] + 2)


def completed(seen: str) -> float:
    exchanges = {event.exchange for event in EVENTS}
    name = "liq_completed_events_total"
    labels = [{"exchange": exchange, "seen": seen} for exchange in exchanges]
    return sum(REGISTRY.get_sample_value(name, each) or 0.0 for each in labels)


def differences() -> float:
    exchanges = {event.exchange for event in EVENTS}
    return sum(
        REGISTRY.get_sample_value("liq_history_differs_total", {"exchange": each}) or 0.0
        for each in exchanges
    )


def test_records_that_name_no_event_are_for_others_to_refuse() -> None:
    odd = [
        BulkRecord("e", 0, 1, 2, value)
        for value in (None, b"{", b'{"arrival":"imported"}', b'{"arrival":7,"timestamp_ms":1e99}')
    ]
    assert late_copies([Client()], LIQUIDATIONS, odd) is None  # type: ignore[list-item]
