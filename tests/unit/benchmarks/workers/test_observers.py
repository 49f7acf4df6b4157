"""Delays out of what was seen."""

import orjson

from benchmarks.workers.observers import Arrival, alert_delays, arrivals, has_alert, row_delays


def event(number: int, sent_ms: int) -> bytes:
    return orjson.dumps({"quantity": f"4.{number:07d}", "timestamp_ms": sent_ms})


def alert(kind: str, asset: str, timestamp_ms: int) -> bytes:
    return orjson.dumps({"type": kind, "asset": asset, "timestamp_ms": timestamp_ms})


def test_an_order_arrives_once_and_earlier_ones_do_not_count() -> None:
    seen = [(130.0, event(5, 100)), (140.0, event(4, 90)), (150.0, event(6, 110))]
    again = [*seen, (900.0, event(5, 100))]
    assert arrivals(again, 5) == {5: Arrival(100, 130), 6: Arrival(110, 150)}


def test_ends_of_cascades_are_no_delays() -> None:
    seen = [
        (1_500.0, alert("CASCADE_DETECTED", "A01", 1_000)),
        (2_100.0, alert("CASCADE_UPDATED", "A01", 2_000)),
        (9_000.0, alert("CASCADE_ENDED", "A01", 2_000)),
        (9_000.0, alert("CASCADE_DETECTED", "WARM", 1_000)),
    ]
    assert alert_delays(seen, without="WARM") == [500, 100]
    assert has_alert(seen, "WARM")
    assert not has_alert(seen, "LAST")


def test_rows_become_visible_in_the_order_of_their_times() -> None:
    sent_ms = [100, 200, 300, 400]
    counts = [(0.0, 0), (150.0, 10), (350.0, 12), (500.0, 13)]
    assert row_delays(sent_ms, counts, before=10) == [250, 150, 200]
    assert row_delays(sent_ms, [(600.0, 99)], before=10) == [500, 400, 300, 200]
