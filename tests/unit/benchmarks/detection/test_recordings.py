"""Variants of a recording: like it, and not it."""

from collections import Counter

from benchmarks.detection.recordings import (
    MOST_MOVED_MS,
    MOST_SHIFTED_MS,
    THREE_VENUES,
    observations_of,
    variant,
)


def test_a_variant_keeps_most_events_in_order_and_changes_sizes() -> None:
    whole = observations_of(THREE_VENUES)
    changed = variant(whole, 1)
    assert variant(whole, 1) == changed
    assert variant(whole, 2) != changed
    assert 0.8 < len(changed) / len(whole) < 0.9
    received = [event.received_at_ms for event in changed]
    assert received == sorted(received)
    before = {event.event_id: event for event in whole}
    for event in changed:
        moved_ms = event.timestamp_ms - before[event.event_id].timestamp_ms
        assert 0 <= moved_ms <= MOST_MOVED_MS + MOST_SHIFTED_MS
        assert event.received_at_ms - before[event.event_id].received_at_ms == moved_ms
    ratios = Counter(event.cents > before[event.event_id].cents for event in changed)
    assert 0.45 < ratios[True] / ratios.total() < 0.55
